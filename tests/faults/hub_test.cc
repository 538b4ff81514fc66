// The disk of a hub's room fails, and loses its power: what the hub told as committed is
// there, a batch is whole or not at all, and vectors and points are never ahead of the rows.

#include <iostream>
#include <set>

#include <gtest/gtest.h>

#include "bindings/sqlite/guard.h"
#include "tests/faults/hub_world.h"
#include "tests/faults/sweep.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kOrders = 64;
constexpr std::uint64_t kUsualFaults = 60;
constexpr std::uint64_t kRigCuts = 600;
constexpr std::uint64_t kUsualCuts = 150;

class Hub : public ::testing::Test {
 protected:
  void SetUp() override {
    auto start = PrepareHub();
    ASSERT_TRUE(start) << start.error().message;
    start_ = std::move(*start);
  }

  // All of it, faultless. `each`, where given, is called after each step, and pauses `hook`.
  void Work(HubWorld& world, const std::function<void()>& hook, bool pictures) {
    const auto note = [&] {
      if (!pictures) return;
      world.hub_drive.disk.after_change = nullptr;
      pictures_.push_back(world.Picture());
      world.hub_drive.disk.after_change = hook;
    };
    done_ = 0;
    ASSERT_TRUE(world.OpenDevices(2));
    world.hub_drive.disk.after_change = hook;
    const Status opened = world.OpenHub(2);
    ASSERT_TRUE(opened) << opened.error().message;
    ++done_;
    note();
    for (std::size_t i = 0; i < HubSteps().size(); ++i) {
      world.SetClocks(i);
      ASSERT_TRUE(!HubSteps()[i].before || HubSteps()[i].before(world));
      const Status done = HubSteps()[i].act(world);
      ASSERT_TRUE(done) << HubSteps()[i].name << ": " << done.error().message;
      ++done_;
      note();
    }
    world.hub.reset();
    world.hub_drive.disk.after_change = nullptr;
  }

  HubStart start_;
  std::vector<std::string> pictures_;  // after opening, and after each step
  std::size_t done_ = 0;               // opening included
};

// One run with one fault; what was wrong.
class FaultyHubRun {
 public:
  FaultyHubRun(HubWorld& world, const FaultPoint& point, const std::vector<std::string>& pictures)
      : world_(world), point_(point), pictures_(pictures) {}

  std::string Run() {
    if (!world_.OpenDevices(2)) return "the devices";
    world_.hub_drive.disk.Inject(point_.ToFault());
    if (const Status opened = Open(2); !opened) {
      if (std::string wrong = Judge("opening", opened.error()); !wrong.empty() || point_.kind->lies) return wrong;
      world_.hub_drive.disk.Heal();
      if (const Status again = Open(3); !again) return "opening again: " + again.error().message;
    }
    for (std::size_t i = 0; i < HubSteps().size(); ++i) {
      world_.SetClocks(i);
      if (HubSteps()[i].before && !HubSteps()[i].before(world_)) return "the devices";
      const Status done = Guarded([&] { return HubSteps()[i].act(world_); });
      if (done) continue;
      std::string wrong = Judge(HubSteps()[i].name, done.error());
      if (wrong.empty() && !point_.kind->lies) wrong = Recover(i);
      if (!wrong.empty()) return HubSteps()[i].name + " failed: " + done.error().message + "\n" + wrong;
      if (point_.kind->lies) break;
    }
    world_.hub.reset();
    return point_.kind->lies ? "" : End();
  }

 private:
  Status Open(std::uint64_t generation) {
    return Guarded([&] { return world_.OpenHub(generation); });
  }

  std::string Judge(const std::string& step, const Error& error) {
    NoteError(step, error);
    if (world_.hub_drive.disk.failed() == 0) return step + " failed by itself: " + error.message;
    if (point_.kind->lies) return "";
    const bool names_file = error.code != Code::kIo || error.message.find(kRoomPath) != std::string::npos;
    return names_file ? FaultOfMessage(error) : "the error does not name the file: " + error.message;
  }

  std::string Recover(std::size_t i) {
    if (point_.reopens) world_.hub.reset();
    world_.hub_drive.disk.Heal();
    if (point_.reopens) {
      if (const Status again = Open(4); !again) return "opening again: " + again.error().message;
    }
    const std::string picture = world_.Picture();
    if (picture == pictures_[i + 1] && picture != pictures_[i]) return "";
    if (picture != pictures_[i]) return "it is half there:\n" + picture + "--- and was:\n" + pictures_[i];
    const Status again = HubSteps()[i].act(world_);
    return again ? "" : "again: " + again.error().message;
  }

  std::string End() {
    world_.hub_drive.disk.Heal();
    if (const Status opened = Open(5); !opened) return "opening in the end: " + opened.error().message;
    const std::string picture = world_.Picture();
    if (picture != pictures_.back()) return "in the end there is:\n" + picture + "--- not:\n" + pictures_.back();
    const std::string faults = world_.Faults();
    return !faults.empty() ? faults : world_.Converge();
  }

  HubWorld& world_;
  const FaultPoint& point_;
  const std::vector<std::string>& pictures_;
};

TEST_F(Hub, NothingIsHalfThereWhenItsDiskFails) {
  {
    HubWorld world(start_);
    Work(world, {}, true);
    ASSERT_FALSE(HasFailure());
  }
  HubWorld counted(start_);
  Work(counted, {}, false);
  const std::vector<FaultPoint> points = AllFaultPoints(counted.hub_drive.disk);
  Sweep sweep(points.size(), kUsualFaults);
  std::uint64_t failed = 0;
  for (const FaultPoint& point : points) {
    if (!sweep.Takes(point.Name())) continue;
    HubWorld world(start_);
    const std::string wrong = FaultyHubRun(world, point, pictures_).Run();
    if (world.hub_drive.disk.failed() > 0) ++failed;
    EXPECT_EQ(wrong, "") << Sweep::Replay(point.Name()) << "the first failure: " << world.hub_drive.disk.first_failure();
    if (HasFailure()) break;
  }
  EXPECT_EQ(failed, sweep.taken());
  std::cout << "  " << failed << " of " << points.size() << " failing calls\n";
}

class HubPower : public Hub {
 protected:
  // The changes of the room's disk, in the whole work.
  std::uint64_t Count(bool durable) {
    std::uint64_t changes = 0;
    HubWorld world(start_);
    world.durable = durable;
    Work(world, [&] { ++changes; }, true);
    return changes;
  }

  // Cuts the power where `sweep` says; the first thing that is wrong.
  std::string CutEverywhere(Sweep& sweep, bool durable) {
    std::string wrong;
    std::uint64_t change = 0;
    HubWorld world(start_);
    world.durable = durable;
    const auto cut = [&] {
      ++change;
      for (std::uint64_t order = 0; order < kOrders && wrong.empty(); ++order) {
        const std::string point = "cut:" + std::to_string(change) + ":" + std::to_string(order);
        if (!sweep.Takes(point)) continue;
        DiskImage image = world.hub_drive.disk.ImageAfterPowerCut((Sweep::seed() * 100'000 + change) * kOrders + order);
        if (!judged_.emplace(image, done_).second) continue;
        wrong = Judge({std::move(image), world.a_drive.disk.Image(), world.b_drive.disk.Image()});
        if (!wrong.empty()) wrong = Sweep::Replay(point) + wrong;
      }
    };
    Work(world, cut, false);
    return wrong;
  }

  std::string Judge(const HubStart& left) {
    HubWorld after(left);
    Status opened = after.OpenDevices(3);
    if (opened) opened = after.OpenHub(3);
    if (!opened) return "opening it: " + opened.error().message;
    after.SetClocks(HubSteps().size());
    const std::string picture = after.Picture();
    const bool told = done_ > 0 && picture == pictures_[done_ - 1];
    const bool in_flight = done_ < pictures_.size() && picture == pictures_[done_];
    // While the room is made there is nothing in it to compare.
    if (done_ > 0 && !told && !in_flight) return "there is:\n" + picture + "--- not:\n" + pictures_[done_ - 1];
    const std::string faults = after.Faults();
    return !faults.empty() ? faults : after.Converge();
  }

  std::set<std::pair<DiskImage, std::size_t>> judged_;
};

TEST_F(HubPower, TakesNothingBackThatWasTold) {
  const std::uint64_t points = Count(true) * kOrders;
  Sweep sweep(points, kUsualCuts);
  EXPECT_EQ(CutEverywhere(sweep, true), "");
  std::cout << "  " << sweep.taken() << " of " << points << " cuts, " << judged_.size() << " different\n";
}

// What is broken on purpose is seen.
TEST_F(HubPower, ARoomThatDoesNotSyncIsNoticed) {
  const std::uint64_t points = Count(false) * kOrders;
  Sweep sweep(points, kRigCuts);
  EXPECT_NE(CutEverywhere(sweep, false), "");
}

}  // namespace
}  // namespace rejoin::testing
