// A sweep over allocations in which the work before a failure is done once for all of them:
// at each allocation a process branches off in which it fails, and the trunk goes on.
#pragma once

#include <cstdint>
#include <string>

#include "tests/faults/allocations.h"
#include "tests/faults/sweep.h"

namespace rejoin::testing {

// One heap's allocations in one run of the work. Lives as long as the run, and is asked at
// each allocation of it. One thread.
class Branches {
 public:
  Branches(Sweep& sweep, Heap heap);
  Branches(const Branches&) = delete;
  Branches& operator=(const Branches&) = delete;
  ~Branches();

  // This process is a branch: something has failed in it, or is about to.
  bool is_branch() const { return is_branch_; }
  // The branch does not need to go on to the end of the work.
  bool ends_early() const { return ends_early_; }
  // C++ objects that the trunk allocated beside the work.
  std::int64_t live_beside() const { return live_beside_; }
  // Of the branches; a test has failed for each.
  int faults() const { return faults_; }

  // In a branch: tells the trunk what was wrong, empty where nothing was, and ends the process.
  // Returns where there is no trunk, since only one point is tried.
  void End(const std::string& wrong);

 private:
  void At(std::uint64_t n);
  void Branch(std::uint64_t n, bool goes_on, const std::string& point);

  Sweep& sweep_;
  Heap heap_;
  bool is_branch_ = false;
  bool ends_early_ = false;
  std::int64_t live_beside_ = 0;
  int faults_ = 0;
  int to_trunk_ = -1;
};

}  // namespace rejoin::testing
