// Every allocation fails, SQLite's and C++'s, once and for good: no crash, no leak, an error
// that says so, and the work goes on to the same end when there is memory again.

#include <iostream>

#include <gtest/gtest.h>

#include "bindings/sqlite/guard.h"
#include "tests/faults/allocations.h"
#include "tests/faults/branches.h"
#include "tests/faults/sweep.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kUsualPoints = 80;

// One run through a workload. What was wrong.
class MemoryRun {
 public:
  MemoryRun(const Workload& workload, const Start& start, const std::vector<std::string>& pictures)
      : world_(workload, kModes[0], start.device, start.peer), pictures_(pictures) {}

  // `branches`, where there are some: they say what fails.
  std::string Run(const Branches* branches) {
    if (const Status peer = world_.OpenPeer(2); !peer) return "the peer: " + peer.error().message;
    if (const Status opened = Open(2); !opened) {
      if (std::string wrong = Judge("opening", opened.error()); !wrong.empty()) return wrong;
      world_.device.reset();
      g_allocations.first = 0;
      if (const Status again = Open(3); !again) return "opening again: " + again.error().message;
    }
    for (std::size_t i = 0; i < world_.workload.steps.size(); ++i) {
      if (const Status before = world_.Before(i); !before) return "the peer: " + before.error().message;
      const Status done = Do(i);
      if (done) continue;
      std::string wrong = Judge(world_.workload.steps[i].name, done.error());
      if (wrong.empty()) wrong = Recover(i);
      if (!wrong.empty()) return world_.workload.steps[i].name + " failed: " + done.error().message + "\n" + wrong;
      if (branches != nullptr && branches->ends_early()) return DifferenceFrom(pictures_[i + 1]);
    }
    return End();
  }

 private:
  Status Open(std::uint64_t generation) {
    const Armed armed;
    return Guarded([&] { return world_.OpenDevice(generation); });
  }

  Status Do(std::size_t i) {
    const Armed armed;
    return Guarded([&] { return world_.Do(i); });
  }

  std::string Judge(const std::string& step, const Error& error) {
    NoteError(step, error);
    if (g_allocations.failed == 0) return step + " failed by itself: " + error.message;
    const bool says = error.message.find("out of memory") != std::string::npos;
    // With no memory left at all the code alone can say so.
    const bool dumb = error.code == Code::kNoMemory && error.message.empty() && g_allocations.goes_on;
    // SQLite's own words, to the application's own statement, where it is a temporary file that
    // there is no memory for.
    const bool its_own = error.message.find("unable to open a temporary database file") != std::string::npos;
    return says || dumb || its_own ? "" : "the error does not say the cause: " + error.message;
  }

  std::string Recover(std::size_t i) {
    g_allocations.first = 0;
    world_.device->RollBack();
    world_.SetClocks(i);
    const std::string picture = world_.device->Picture();
    if (picture == pictures_[i + 1] && picture != pictures_[i]) return "";
    if (picture != pictures_[i]) return "it is half there:\n" + picture + "--- and was:\n" + pictures_[i];
    const Status again = Do(i);
    return again ? "" : "again: " + again.error().message;
  }

  std::string DifferenceFrom(const std::string& wanted) {
    const std::string picture = world_.device->Picture();
    return picture == wanted ? "" : "in the end there is:\n" + picture + "--- not:\n" + wanted;
  }

  std::string End() {
    g_allocations.first = 0;
    world_.SetClocks(world_.workload.steps.size());
    if (std::string wrong = DifferenceFrom(pictures_.back()); !wrong.empty()) return wrong;
    const std::string faults = FaultsOf(*world_.device);
    return !faults.empty() ? faults : Converge(*world_.device, *world_.peer);
  }

  World world_;
  const std::vector<std::string>& pictures_;
};

class FailingMemory : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Workload& workload() const { return DeviceWorkloads()[GetParam()]; }

  std::vector<std::string> Pictures(const Start& start) {
    World world(workload(), kModes[0], start.device, start.peer);
    EXPECT_TRUE(world.OpenPeer(2) && world.OpenDevice(2));
    std::vector<std::string> pictures{world.device->Picture()};
    for (std::size_t i = 0; i < workload().steps.size(); ++i) {
      EXPECT_TRUE(world.Before(i) && world.Do(i));
      pictures.push_back(world.device->Picture());
    }
    return pictures;
  }
};

TEST_P(FailingMemory, NothingIsHalfThereAndNothingIsLost) {
  const auto start = Prepare(workload(), kModes[0]);
  ASSERT_TRUE(start) << start.error().message;
  const std::vector<std::string> pictures = Pictures(*start);
  constexpr Heap kHeaps[] = {Heap::kSqlite, Heap::kCpp};
  std::uint64_t points = 0;
  for (const Heap heap : kHeaps) {
    g_allocations.Fail(heap, 0, false);
    ASSERT_EQ(MemoryRun(workload(), *start, pictures).Run(nullptr), "");
    points += 2 * g_allocations.count;  // once, and for good
  }
  Sweep sweep(points, kUsualPoints);
  for (const Heap heap : kHeaps) {
    const sqlite3_int64 sqlite_bytes = sqlite3_memory_used();
    const std::int64_t live = g_allocations.live;
    Branches branches(sweep, heap);
    std::string wrong = MemoryRun(workload(), *start, pictures).Run(&branches);
    if (wrong.empty() && g_allocations.live != live + branches.live_beside()) wrong = "C++ has more memory than before";
    if (wrong.empty() && sqlite3_memory_used() != sqlite_bytes) wrong = "SQLite has more memory than before";
    if (branches.is_branch()) return branches.End(wrong);
    ASSERT_EQ(wrong, "");
  }
  std::cout << "  " << sweep.taken() << " of " << points << " allocations\n";
}

INSTANTIATE_TEST_SUITE_P(Device, FailingMemory, ::testing::Range(std::size_t{0}, DeviceWorkloads().size()),
                         [](const auto& of) { return DeviceWorkloads()[of.param].name; });

}  // namespace
}  // namespace rejoin::testing
