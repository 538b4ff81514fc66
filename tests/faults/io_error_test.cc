// Every call of a device's disk fails, in every way, once and for good: the error is clear,
// nothing is half there, and when the cause is gone the work goes on to the same end.

#include <iostream>

#include <gtest/gtest.h>

#include "bindings/sqlite/guard.h"
#include "tests/faults/sweep.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kUsualPoints = 12;

class FailingDisk : public ::testing::TestWithParam<DeviceCase> {
 protected:
  const Workload& workload() const { return DeviceWorkloads()[GetParam().workload]; }
  const Mode& mode() const { return kModes[GetParam().mode]; }

  // What the tables hold after each step, as nothing fails.
  std::vector<std::string> Pictures(const Start& start) {
    World world(workload(), mode(), start.device, start.peer);
    Status status = world.OpenPeer(2);
    if (status) status = world.OpenDevice(2);
    std::vector<std::string> pictures;
    if (status) pictures.push_back(world.device->Picture());
    for (std::size_t i = 0; status && i < workload().steps.size(); ++i) {
      status = world.Before(i);
      if (status) status = world.Do(i);
      pictures.push_back(world.device->Picture());
      EXPECT_TRUE(status) << workload().steps[i].name << ": " << status.error().message;
    }
    EXPECT_TRUE(status) << status.error().message;
    if (!status) return pictures;
    EXPECT_EQ(FaultsOf(*world.device), "");
    EXPECT_EQ(Converge(*world.device, *world.peer), "");
    return pictures;
  }

  // The calls that the work makes, faultless.
  std::vector<FaultPoint> Points(const Start& start) {
    World world(workload(), mode(), start.device, start.peer);
    EXPECT_TRUE(world.OpenPeer(2) && world.OpenDevice(2));
    for (std::size_t i = 0; i < workload().steps.size(); ++i) EXPECT_TRUE(world.Before(i) && world.Do(i));
    world.device.reset();
    return AllFaultPoints(world.drive.disk);
  }
};

// One run through a workload with one fault. Each call returns what was wrong.
class FaultyRun {
 public:
  FaultyRun(World& world, const FaultPoint& point, const std::vector<std::string>& pictures)
      : world_(world), point_(point), pictures_(pictures) {}

  std::string Run() {
    world_.drive.disk.Inject(point_.ToFault());
    if (const Status peer = world_.OpenPeer(2); !peer) return "the peer: " + peer.error().message;
    if (const Status opened = Open(2); !opened) {
      if (std::string wrong = Judge("opening", opened.error()); !wrong.empty() || point_.kind->lies) return wrong;
      world_.drive.disk.Heal();
      if (const Status again = Open(3); !again) return "opening again: " + again.error().message;
    }
    for (std::size_t i = 0; i < world_.workload.steps.size(); ++i) {
      if (const Status before = world_.Before(i); !before) return "the peer: " + before.error().message;
      const Status done = Guarded([&] { return world_.Do(i); });
      if (done) continue;
      std::string wrong = Judge(world_.workload.steps[i].name, done.error());
      if (point_.kind->lies) {
        world_.device.reset();
        return wrong;
      }
      if (wrong.empty()) wrong = Recover(i);
      if (!wrong.empty()) return world_.workload.steps[i].name + " failed: " + done.error().message + "\n" + wrong;
    }
    world_.device.reset();
    return point_.kind->lies ? "" : End();
  }

 private:
  Status Open(std::uint64_t generation) {
    return Guarded([&] { return world_.OpenDevice(generation); });
  }

  std::string Judge(const std::string& step, const Error& error) {
    NoteError(step, error);
    if (world_.drive.disk.failed() == 0) return step + " failed by itself: " + error.message;
    return point_.kind->lies ? "" : FaultOfMessage(error);
  }

  // After step `i` failed.
  std::string Recover(std::size_t i) {
    world_.device->RollBack();
    if (point_.reopens) world_.device.reset();
    world_.drive.disk.Heal();
    if (point_.reopens) {
      if (const Status again = Open(4); !again) return "opening again: " + again.error().message;
    }
    world_.SetClocks(i);
    const std::string picture = world_.device->Picture();
    // Whether a COMMIT that failed has happened, nobody knows: wholly or not at all.
    if (picture == pictures_[i + 1] && picture != pictures_[i]) return "";
    if (picture != pictures_[i]) return "it is half there:\n" + picture + "--- and was:\n" + pictures_[i];
    const Status again = world_.Do(i);
    return again ? "" : "again: " + again.error().message;
  }

  std::string End() {
    world_.drive.disk.Heal();
    if (const Status opened = Open(5); !opened) return "opening in the end: " + opened.error().message;
    world_.SetClocks(world_.workload.steps.size());
    const std::string picture = world_.device->Picture();
    if (picture != pictures_.back()) return "in the end there is:\n" + picture + "--- not:\n" + pictures_.back();
    const std::string faults = FaultsOf(*world_.device);
    return !faults.empty() ? faults : Converge(*world_.device, *world_.peer);
  }

  World& world_;
  const FaultPoint& point_;
  const std::vector<std::string>& pictures_;
};

TEST_P(FailingDisk, NothingIsHalfThereAndTheWorkGoesOn) {
  const auto start = Prepare(workload(), mode());
  ASSERT_TRUE(start) << start.error().message;
  const std::vector<std::string> pictures = Pictures(*start);
  ASSERT_FALSE(HasFailure());
  const std::vector<FaultPoint> points = Points(*start);
  Sweep sweep(points.size(), kUsualPoints);
  std::uint64_t failed = 0;
  for (const FaultPoint& point : points) {
    if (!sweep.Takes(point.Name())) continue;
    World world(workload(), mode(), start->device, start->peer);
    const std::string wrong = FaultyRun(world, point, pictures).Run();
    if (world.drive.disk.failed() > 0) ++failed;
    EXPECT_EQ(wrong, "") << Sweep::Replay(point.Name()) << "the first failure: " << world.drive.disk.first_failure();
    if (HasFailure()) break;
  }
  EXPECT_EQ(failed, sweep.taken());
  std::cout << "  " << failed << " of " << points.size() << " failing calls\n";
}

INSTANTIATE_TEST_SUITE_P(Device, FailingDisk, ::testing::ValuesIn(DeviceCases()),
                         [](const auto& of) { return NameOf(of.param); });

}  // namespace
}  // namespace rejoin::testing
