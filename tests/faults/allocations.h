// Allocations that fail: those of SQLite, and those of C++.
//
// For a program of its own: SQLite takes its allocator before its first call, and operator
// new is replaced for all of the program.
#pragma once

#include <cstdint>
#include <functional>

namespace rejoin::testing {

enum class Heap : int { kSqlite, kCpp };

// Counts the allocations of one heap while the product is at work, and fails some.
struct Allocations {
  bool armed = false;
  Heap heap = Heap::kSqlite;
  std::uint64_t count = 0;
  std::uint64_t first = 0;  // to fail, counted from 1; 0: none
  bool goes_on = false;     // and all after it
  std::uint64_t failed = 0;
  std::int64_t live = 0;    // of C++, in all
  // Called before each one that is counted, with its number; may set `first` and `goes_on`.
  // What it allocates is not counted.
  std::function<void(std::uint64_t n)> at_each;

  bool Fails(Heap of);
  void Fail(Heap which, std::uint64_t n, bool and_all_after);
};
extern Allocations g_allocations;

// The product is at work while one lives.
class Armed {
 public:
  Armed() { g_allocations.armed = true; }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
  ~Armed() { g_allocations.armed = false; }
};

}  // namespace rejoin::testing
