// Which of all points of failure a run tries, and what it says about one that went wrong.
//
// REJOIN_SWEEP=full tries all. Else a run takes a share of them, spread evenly, which
// REJOIN_SEED shifts; REJOIN_SWEEP=x20 takes twenty times as many as usual. REJOIN_SWEEP=<point>
// tries that one only, as a failure names it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/faults/workload.h"

namespace rejoin::testing {

class Sweep {
 public:
  // Of `total` points a usual run tries about `usual`.
  Sweep(std::uint64_t total, std::uint64_t usual);

  // Asked once for each point, in order.
  bool Takes(const std::string& point);
  std::uint64_t taken() const { return taken_; }
  // REJOIN_SWEEP names the only one.
  bool is_one_point() const { return !wanted_.empty(); }

  static std::uint64_t seed();
  // What a failure at `point` says first: how to have it again.
  static std::string Replay(const std::string& point);

 private:
  std::string wanted_;
  std::uint64_t stride_ = 1;
  std::uint64_t at_ = 0;
  std::uint64_t taken_ = 0;
};

// Kinds of failing calls.
struct Kind {
  const char* name;
  std::optional<DiskCall> call;
  Failure failure;
  // The disk says that something is not there, and SQLite has to believe it: what it does
  // then is its own affair, but it does not crash.
  bool lies = false;
};
inline constexpr Kind kKinds[] = {
    {"any", std::nullopt, Failure::kError},
    {"read", DiskCall::kRead, Failure::kError},
    {"short_read", DiskCall::kRead, Failure::kShort, true},
    {"write", DiskCall::kWrite, Failure::kError},
    {"short_write", DiskCall::kWrite, Failure::kShort},
    {"full", DiskCall::kWrite, Failure::kFull},
    {"sync", DiskCall::kSync, Failure::kError},
    {"open", DiskCall::kOpen, Failure::kError},
    {"delete", DiskCall::kDelete, Failure::kError},
    {"rename", DiskCall::kRename, Failure::kError},
    {"truncate", DiskCall::kTruncate, Failure::kError},
    {"lock", DiskCall::kLock, Failure::kError},
    {"shm_map", DiskCall::kShmMap, Failure::kError},
    {"shm_lock", DiskCall::kShmLock, Failure::kError},
    {"size", DiskCall::kSize, Failure::kError},
    {"exists", DiskCall::kExists, Failure::kError},
};

struct FaultPoint {
  const Kind* kind;
  bool goes_on;
  bool reopens;  // the process ends after the error, and another one goes on
  std::uint64_t n;

  std::string Name() const;
  Fault ToFault() const { return {kind->call, kind->failure, n, goes_on}; }
};

// One for every counted call of `disk`, in order.
std::vector<FaultPoint> AllFaultPoints(const FaultyDisk& disk);

// The errors that were seen, by their words, into the file that REJOIN_SWEEP_ERRORS names.
void NoteError(const std::string& where, const Error& error);

// What is wrong with the words of an error that a failing disk caused: nothing, where they
// say the cause and, in messages of ours, the file.
std::string FaultOfMessage(const Error& error);

}  // namespace rejoin::testing
