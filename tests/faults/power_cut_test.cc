// The power goes after every change of a device's disk, with every order of what was not
// synced: what was told as committed is there as far as SQLite's mode promises it, nothing
// is half there, and database and sidecar still belong together. Where the mode loses a
// tail, the peer that had it gives it back, and what is written next reaches it.

#include <iostream>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/faults/sweep.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kOrders = 64;
constexpr std::uint64_t kRigPoints = 600;
constexpr std::uint64_t kUsualPoints = 16;

std::uint64_t HashOf(const DiskImage& image) {
  std::uint64_t hash = 0;
  for (const auto& [name, bytes] : image) hash = hash * 31 + Hash64(name) * 7 + Hash64(bytes);
  return hash;
}

// A workload in a mode, with the power cut wherever a sweep says. Each call returns the
// first thing that is wrong, with the point where it is.
class CutRun {
 public:
  CutRun(const Workload& workload, const Mode& mode) : workload_(workload), mode_(mode) {}

  // Before the others.
  Status Begin() {
    REJOIN_ASSIGN(start_, Prepare(workload_, mode_));
    if (workload_.prepare) {
      World world(workload_, mode_, start_.device, start_.peer);
      REJOIN_TRY(world.OpenDevice(2));
      REJOIN_ASSIGN(start_id_, world.device->store().Replica());
    }
    return Work([this] { ++changes_; });
  }

  std::string Run(Sweep& sweep) {
    std::string wrong;
    std::uint64_t change = 0;
    const Status worked = Work([&] {
      ++change;
      for (std::uint64_t order = 0; order < kOrders && wrong.empty(); ++order) {
        const std::string point = "cut:" + std::to_string(change) + ":" + std::to_string(order);
        if (!sweep.Takes(point)) continue;
        const DiskImage image =
            world_->drive.disk.ImageAfterPowerCut((Sweep::seed() * 100'000 + change) * kOrders + order);
        if (!judged_.emplace(HashOf(image), done_).second) continue;
        wrong = Judge(image);
        if (!wrong.empty()) wrong = Sweep::Replay(point) + wrong;
      }
    });
    return worked ? wrong : worked.error().message;
  }

  std::uint64_t points() const { return changes_ * kOrders; }
  std::size_t judged() const { return judged_.size(); }
  bool sidecar_pretends = false;

 private:
  // The whole work, with a hook on each change of the disk.
  Status Work(const std::function<void()>& after_change) {
    World world(workload_, mode_, start_.device, start_.peer);
    world.drive.files.pretends = sidecar_pretends;
    world_ = &world;
    done_ = 0;
    world.drive.disk.after_change = after_change;
    const auto note = [&] {
      if (pictures_.size() > done_) return;
      world.drive.disk.after_change = nullptr;
      pictures_.push_back(world.device->Picture());
      world.drive.disk.after_change = after_change;
    };
    REJOIN_TRY(world.OpenPeer(2));
    REJOIN_TRY(world.OpenDevice(2));
    note();
    for (std::size_t i = 0; i < workload_.steps.size(); ++i) {
      REJOIN_TRY(world.Before(i));
      REJOIN_TRY(world.Do(i));
      ++done_;
      note();
    }
    world.device.reset();
    return {};
  }

  // What is wrong with what a power cut left.
  std::string Judge(const DiskImage& image) {
    World after(workload_, mode_, image, world_->peer_drive.disk.Image());
    Status status = after.OpenPeer(3);
    if (status) status = after.OpenDevice(3);
    if (!status) return "opening it: " + status.error().message;
    after.SetClocks(workload_.steps.size());
    const std::string picture = after.device->Picture();
    if (!MayBe(picture)) return "there is, after " + std::to_string(done_) + " steps:\n" + picture;
    const std::string faults = FaultsOf(*after.device);
    if (!faults.empty()) return faults;
    return workload_.prepare ? GoOn(after) : FinishSettingUp(after, picture);
  }

  bool MayBe(const std::string& picture) const {
    const std::size_t lost = mode_.loss == Loss::kNothing ? 0 : mode_.loss == Loss::kLastCommit ? 1 : done_;
    const std::size_t least = done_ > lost ? done_ - lost : 0;
    const std::size_t most = std::min(done_ + 1, workload_.steps.size());
    for (std::size_t i = least; i <= most; ++i) {
      if (picture == pictures_[i]) return true;
    }
    return false;
  }

  std::string GoOn(World& after) {
    const auto replica = after.device->store().Replica();
    if (!replica) return replica.error().message;
    if (mode_.loss == Loss::kNothing && workload_.name != "copied" && *replica != start_id_) {
      return "it took another identity though nothing was lost";
    }
    const Status written = after.device->Exec("INSERT INTO note(id, body) VALUES('after the cut', 'x')");
    if (!written) return "the next write: " + written.error().message;
    const auto identity = after.device->store().Replica();
    if (mode_.loss == Loss::kNothing && workload_.name != "copied" && *identity != start_id_) {
      return "it takes another identity though nothing was lost";
    }
    const std::string apart = Converge(*after.device, *after.peer);
    if (!apart.empty()) return apart;
    if (after.peer->Picture().find("after the cut") == std::string::npos) return "the next write is not at the peer";
    return FaultsOf(*after.device);
  }

  // Nothing is shared yet: all that is left is done, from where it is seen to be.
  std::string FinishSettingUp(World& after, const std::string& picture) {
    std::size_t at = 0;
    while (at + 1 < pictures_.size() && picture != pictures_[at]) ++at;
    for (; at < workload_.steps.size(); ++at) {
      after.SetClocks(at);
      if (workload_.steps[at].before && done_ < at) {
        if (const Status before = after.Before(at); !before) return before.error().message;
      }
      if (const Status done = after.Do(at); !done) return workload_.steps[at].name + ": " + done.error().message;
    }
    const std::string faults = FaultsOf(*after.device);
    return !faults.empty() ? faults : Converge(*after.device, *after.peer);
  }

  const Workload& workload_;
  const Mode& mode_;
  Start start_;
  ReplicaId start_id_;
  std::uint64_t changes_ = 0;
  std::set<std::pair<std::uint64_t, std::size_t>> judged_;
  std::vector<std::string> pictures_;  // by number of steps done
  std::size_t done_ = 0;
  World* world_ = nullptr;
};

class PowerCuts : public ::testing::TestWithParam<DeviceCase> {};

TEST_P(PowerCuts, LoseNothingThatWasPromisedAndNothingIsHalfThere) {
  CutRun run(DeviceWorkloads()[GetParam().workload], kModes[GetParam().mode]);
  const Status begun = run.Begin();
  ASSERT_TRUE(begun) << begun.error().message;
  Sweep sweep(run.points(), kUsualPoints);
  EXPECT_EQ(run.Run(sweep), "");
  std::cout << "  " << sweep.taken() << " of " << run.points() << " cuts, " << run.judged() << " different\n";
}

// What is broken on purpose is seen.
TEST(PowerCutRig, NoticesADeviceThatDoesNotSync) {
  const Mode mode = {"off", "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF", Loss::kNothing};
  CutRun run(DeviceWorkloads()[1], mode);
  ASSERT_TRUE(run.Begin());
  Sweep sweep(run.points(), kRigPoints);
  EXPECT_NE(run.Run(sweep), "");
}

TEST(PowerCutRig, NoticesASidecarThatIsNotWritten) {
  CutRun run(DeviceWorkloads()[1], kModes[0]);
  run.sidecar_pretends = true;
  ASSERT_TRUE(run.Begin());
  Sweep sweep(run.points(), kRigPoints);
  EXPECT_NE(run.Run(sweep).find("another identity"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Device, PowerCuts, ::testing::ValuesIn(DeviceCases()),
                         [](const auto& of) { return NameOf(of.param); });

}  // namespace
}  // namespace rejoin::testing
