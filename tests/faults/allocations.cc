#include "tests/faults/allocations.h"

#include <csignal>
#include <cstdlib>
#include <new>

#include "store/sqlite/sqlite_api.h"
#include "tests/faults/faulty_disk.h"

namespace rejoin::testing {

Allocations g_allocations;

bool Allocations::Fails(Heap of) {
  if (!armed || of != heap || DiskAtWork::is()) return false;
  ++count;
  if (at_each) {
    armed = false;
    at_each(count);
    armed = true;
  }
  const bool fails = first != 0 && (count == first || (goes_on && count > first));
  if (fails) {
    ++failed;
    if (std::getenv("REJOIN_SWEEP_STOP") != nullptr) std::raise(SIGTRAP);  // for a debugger: who asked?
  }
  return fails;
}

void Allocations::Fail(Heap which, std::uint64_t n, bool and_all_after) {
  heap = which;
  count = failed = 0;
  first = n;
  goes_on = and_all_after;
}

namespace {

sqlite3_mem_methods g_system;

void* Allocate(int bytes) { return g_allocations.Fails(Heap::kSqlite) ? nullptr : g_system.xMalloc(bytes); }
void* Reallocate(void* from, int bytes) {
  return g_allocations.Fails(Heap::kSqlite) ? nullptr : g_system.xRealloc(from, bytes);
}

// Before anything else calls SQLite. Without lookaside each allocation is one.
[[maybe_unused]] const bool g_installed = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &g_system);
  static sqlite3_mem_methods methods = g_system;
  methods.xMalloc = Allocate;
  methods.xRealloc = Reallocate;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);  // a mutex is the thread's that forked, not its copy's
  return true;
}();

// Out of line, or the compiler would see malloc's memory go to delete and warn.
[[gnu::noinline]] void* AllocateCpp(std::size_t bytes) {
  if (g_allocations.Fails(Heap::kCpp)) return nullptr;
  void* const made = std::malloc(bytes == 0 ? 1 : bytes);
  if (made != nullptr) ++g_allocations.live;
  return made;
}
[[gnu::noinline]] void FreeCpp(void* pointer) noexcept {
  if (pointer != nullptr) --g_allocations.live;
  std::free(pointer);
}

}  // namespace
}  // namespace rejoin::testing

void* operator new(std::size_t bytes) {
  void* const made = rejoin::testing::AllocateCpp(bytes);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return rejoin::testing::AllocateCpp(bytes); }
void operator delete(void* pointer) noexcept { rejoin::testing::FreeCpp(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { rejoin::testing::FreeCpp(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { rejoin::testing::FreeCpp(pointer); }
