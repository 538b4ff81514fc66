// Random lives of devices that know each other only through a hub: in parts, broken
// off anywhere, over restarts and restored backups of the hub. In the end all are
// equal, and what they are is what a direct exchange comes to.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/crdt/generators.h"
#include "tests/store_rows/row_fixture.h"

namespace rejoin {

struct RelayStep {
  enum class Kind : std::uint8_t { kWrite, kPush, kPull, kReopen, kBackUp, kRestore, kRelay };
  Kind kind = Kind::kWrite;
  std::size_t device = 0;
  std::uint8_t key = 0;
  std::uint8_t what = 0;   // of kWrite: which statement
  std::size_t size = 1;    // of a part: rows pushed, or bytes pulled
  std::size_t parts = 1;   // after which it is broken off
};

inline void showValue(const RelayStep& step, std::ostream& out) {
  constexpr const char* kNames[] = {"write", "push", "pull", "reopen", "back up", "restore", "relay"};
  out << "\n  [" << step.device << "] " << kNames[static_cast<int>(step.kind)] << " key "
      << int{step.key} << " what " << int{step.what} << " size " << step.size << " parts " << step.parts;
}

namespace {

rc::Gen<RelayStep> AnyStep() {
  using Kind = RelayStep::Kind;
  return rc::gen::build<RelayStep>(
      rc::gen::set(&RelayStep::kind, rc::gen::weightedElement<Kind>({{20, Kind::kWrite},
                                                                     {8, Kind::kPush},
                                                                     {8, Kind::kPull},
                                                                     {4, Kind::kRelay},
                                                                     {1, Kind::kReopen},
                                                                     {1, Kind::kBackUp},
                                                                     {1, Kind::kRestore}})),
      rc::gen::set(&RelayStep::device, Within<std::size_t>(0, 3)),
      rc::gen::set(&RelayStep::key, Within<std::uint8_t>(0, 12)),
      rc::gen::set(&RelayStep::what, Within<std::uint8_t>(0, 6)),
      rc::gen::set(&RelayStep::size, Within<std::size_t>(1, 150)),
      rc::gen::set(&RelayStep::parts, Within<std::size_t>(1, 6)));
}

// Devices on two hubs, which exchange as hubs do; the first has the accidents.
class RelayWorld : public RowFixture {
 public:
  RelayWorld() {
    hub_ = Open(path_.text());
    second_ = Open(":memory:");
    for (std::size_t i = 0; i < 3; ++i) devices_.push_back(std::make_unique<PartDevice>(MakeDevice(i)));
  }
  void TestBody() override {}

  void Play(const RelayStep& step) {
    PartDevice& device = *devices_[step.device];
    SyncStore& its_hub = HubOf(step.device);
    using Kind = RelayStep::Kind;
    switch (step.kind) {
      case Kind::kWrite:
        return Write(device, step);
      case Kind::kPush:
        return Must(device.Push(its_hub, 1 + step.size % 4, step.parts));
      case Kind::kPull:
        return Must(device.Pull(its_hub, step.size, step.parts));
      case Kind::kRelay:
        return step.device == 0 ? Must(PullParts(*hub_, *second_, step.size, step.parts))
                                : Must(PullParts(*second_, *hub_, step.size, step.parts));
      case Kind::kReopen:
        hub_.reset();
        hub_ = Open(path_.text());
        return;
      case Kind::kBackUp:
        CopyDatabase(path_.text(), copy_.text());
        backed_up_ = true;
        return;
      case Kind::kRestore:
        if (!backed_up_) return;
        hub_.reset();
        CopyDatabase(copy_.text(), path_.text());
        hub_ = Open(path_.text());
        return;
    }
  }

  void Finish() {
    std::vector<MemoryStore> directly;
    for (const auto& device : devices_) directly.push_back(device->store());
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < devices_.size(); ++i) Must(devices_[i]->Push(HubOf(i), 2));
      Must(PullParts(*second_, *hub_, 60));
      Must(PullParts(*hub_, *second_, 60));
      for (std::size_t i = 0; i < devices_.size(); ++i) Must(devices_[i]->Pull(HubOf(i), 60));
    }
    for (int round = 0; round < 2; ++round) {
      for (MemoryStore& to : directly) {
        for (MemoryStore& from : directly) {
          const VersionVector has = VectorOf(to);
          Must(to.Join(from.CollectSince(has)));
        }
      }
    }
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      RC_ASSERT(DigestOf(devices_[i]->store()) == DigestOf(directly[i]));
      RC_ASSERT(VectorOf(devices_[i]->store()) == VectorOf(directly[i]));
      RC_ASSERT(devices_[i]->store().Shown("item") == directly[0].Shown("item"));
    }
    for (SyncStore* hub : {static_cast<SyncStore*>(hub_.get()), static_cast<SyncStore*>(second_.get())}) {
      RC_ASSERT(DigestOf(*hub) == DigestOf(directly[0]));
      RC_ASSERT(VectorOf(*hub) == VectorOf(directly[0]));
    }
  }

 private:
  // Two devices on the first hub, one on the second.
  SyncStore& HubOf(std::size_t device) { return device < 2 ? *hub_ : *second_; }

  void Write(PartDevice& device, const RelayStep& step) {
    clock_.wall_ms += step.size % 3;
    const Key key = ItemKey(step.key);
    const Row row = {{"title", T("x")}, {"qty", N(static_cast<std::int64_t>(step.size))}};
    switch (step.what) {
      case 0:
        return Must(device.store().Commit({Delete("item", key)}));
      case 1:
        return Must(device.store().Commit({ChangeKey("item", key, ItemKey(step.key + 1))}), Code::kSql);
      case 2:
        return Must(device.store().Commit({Replace("item", key, row), Delete("item", ItemKey(step.key / 2))}));
      default:
        return Must(device.store().Commit({Upsert("item", key, row)}));
    }
  }

  template <class T>
  static void Must(const Result<T>& result, Code allowed = Code::kInternal) {
    if (result || (allowed != Code::kInternal && result.error().code == allowed)) return;
    RC_FAIL(result.error().message);
  }

  std::unique_ptr<RowStore> hub_;
  std::unique_ptr<RowStore> second_;
  std::vector<std::unique_ptr<PartDevice>> devices_;
  bool backed_up_ = false;
};

TEST(RowRelay, DevicesThatKnowOnlyHubsEndAsIfTheyHadMet) {
  EXPECT_TRUE(rc::check([] {
    const auto steps = *rc::gen::scale(2.0, rc::gen::container<std::vector<RelayStep>>(AnyStep()));
    RelayWorld world;
    for (const RelayStep& step : steps) world.Play(step);
    world.Finish();
  }));
}

}  // namespace
}  // namespace rejoin
