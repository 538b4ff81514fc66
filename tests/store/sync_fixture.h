// Stores of one kind that exchange parts, and devices in memory that write for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/fakes.h"
#include "tests/store/ops.h"
#include "tests/store/part_exchange.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {

class SyncFixture : public testing::TestWithParam<SyncStoreMaker> {
 protected:
  // Parts this small take several for what FillItems writes.
  static constexpr std::size_t kTinyPart = 400;
  static constexpr std::size_t kOnePart = std::size_t{4} << 20;

  TestSyncStore& Make() {
    stores_.push_back(GetParam().make(stores_.size(), clock_));
    return *stores_.back();
  }
  // One that cuts first syncs into parts of any size, for others to receive.
  SyncStore& MakeCutting() {
    if (GetParam().cuts) return Make().store();
    stores_.push_back(RowSyncStores().make(stores_.size(), clock_));
    return stores_.back()->store();
  }
  PartDevice& MakeDevice() {
    randoms_.push_back(std::make_unique<FakeRandom>(100 + devices_.size()));
    devices_.push_back(std::make_unique<PartDevice>(TestReplicaId(100 + devices_.size()), clock_,
                                                    *randoms_.back()));
    EXPECT_TRUE(devices_.back()->store().DefineTable(ItemTable()));
    return *devices_.back();
  }

  static Key ItemKey(int i) { return EncodeKey({N(i)}); }
  void Do(PartDevice& device, const Transaction& transaction) {
    clock_.wall_ms += 1000;
    const Status done = device.store().Commit(transaction);
    EXPECT_TRUE(done) << done.error().message;
  }
  // Rows first..last of about 30 bytes, each in a transaction of its own.
  void FillItems(PartDevice& device, int first, int last) {
    for (int i = first; i <= last; ++i) {
      Do(device, {Insert("item", ItemKey(i), {{"title", T("twenty bytes of text")}, {"qty", N(i)}})});
    }
  }
  static void Push(PartDevice& device, SyncStore& hub, std::size_t rows = SIZE_MAX,
                   std::size_t most = SIZE_MAX) {
    const Status pushed = device.Push(hub, rows, most);
    EXPECT_TRUE(pushed) << pushed.error().message;
  }
  // The number of parts.
  static std::size_t Pull(SyncStore& to, SyncStore& from, std::size_t target_bytes = kTinyPart,
                          std::size_t most = SIZE_MAX) {
    const auto parts = PullParts(to, from, target_bytes, most);
    EXPECT_TRUE(parts) << parts.error().message;
    return parts.value_or(0);
  }
  static SentPart Next(SyncStore& to, SyncStore& from, std::size_t target_bytes = kTinyPart) {
    auto part = NextPartFor(to, from, target_bytes);
    EXPECT_TRUE(part) << part.error().message;
    return part ? std::move(*part) : SentPart{};
  }
  static Code CodeOf(const Result<MergeReport>& result) {
    return result ? Code::kInternal : result.error().code;
  }

  static std::string DigestOf(Store& store) {
    const auto digest = store.StateDigest({});
    return digest ? digest->Hex() : digest.error().message;
  }
  static VersionVector VectorOf(Store& store) { return store.Vector().value_or(VersionVector{}); }
  static ReplicaId IdOf(Store& store) { return store.Replica().value_or(ReplicaId{}); }
  static ResumePoint PointAt(SyncStore& store, SyncStore& of) {
    return store.PointOf(IdOf(of)).value_or("an error");
  }
  static void ExpectEqual(Store& a, Store& b) {
    EXPECT_EQ(DigestOf(a), DigestOf(b));
    EXPECT_TRUE(VectorOf(a) == VectorOf(b));
  }
  // All that a refused part must leave alone.
  static std::string Everything(SyncStore& store, SyncStore& peer) {
    std::string all = DigestOf(store) + " " + PointAt(store, peer);
    const VersionVector vector = VectorOf(store);
    for (const auto& [id, time] : vector.entries()) {
      all += " " + id.Hex() + ":" + std::to_string(time.value);
    }
    const auto head = store.Head();
    all += " " + std::to_string(head ? head->position : 0);
    const auto room = store.Room();
    return all + (room && room->IsSet() ? " in a room" : "");
  }

  FakeClock clock_;
  std::vector<std::unique_ptr<TestSyncStore>> stores_;
  std::vector<std::unique_ptr<FakeRandom>> randoms_;
  std::vector<std::unique_ptr<PartDevice>> devices_;
};

}  // namespace rejoin
