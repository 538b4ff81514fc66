// Sessions between 2 to 8 replicas of every kind, on every schedule. RC_PARAMS="seed=..."
// replays a failure.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/model/faulty_store.h"
#include "tests/model/session_world.h"
#include "tests/store/sqlite_replica.h"

namespace rejoin {
namespace {

// Of devices: a memory store, and one of each kind on SQLite.
const std::size_t kKinds = 1 + AllSqliteKinds().size();

TestReplicaMaker Kind(std::size_t number) {
  if (number == 0) return MemoryReplicas();
  const std::vector<SqliteKind> kinds = AllSqliteKinds();
  SqliteKind kind = kinds[(number - 1) % kinds.size()];
  if (number > 3) kind.limits.part_rows = 3;
  return SqliteReplicas(kind);
}

// Many devices, or few; around hubs or not.
WorldOptions AnyWorld(std::size_t devices, std::size_t hubs, std::size_t first_kind) {
  WorldOptions options;
  for (std::size_t i = 0; i < devices; ++i) options.devices.push_back(Kind((first_kind + i) % kKinds));
  options.hubs = hubs;
  return options;
}

using Events = std::vector<std::uint32_t>;

TEST(SessionWorlds, WhateverHappensAllBecomeEqual) {
  EXPECT_TRUE(rc::check([] {
    const auto devices = *rc::gen::inRange<std::size_t>(1, 7);
    const auto hubs = *rc::gen::inRange<std::size_t>(devices == 1 ? 1 : 0, 3);
    const auto kind = *rc::gen::inRange<std::size_t>(0, kKinds);
    const auto part_bytes = *rc::gen::element<std::size_t>(40, 150, 1000);
    const auto events = *rc::gen::scale(3, rc::gen::arbitrary<Events>());
    WorldOptions options = AnyWorld(devices, hubs, kind);
    options.part_bytes = part_bytes;
    RC_ASSERT(SessionWorld(options).Play(events) == "");
  }));
}

// What a device has goes to a hub, or to another device, part by part, and it writes in between.
TEST(SessionWorlds, WritesBetweenPartsAreNotLost) {
  EXPECT_TRUE(rc::check([] {
    const auto kind = *rc::gen::inRange<std::size_t>(1, kKinds);
    const auto to_hub = *rc::gen::arbitrary<bool>();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    WorldOptions options;
    options.devices.push_back(Kind(kind));
    if (!to_hub) options.devices.push_back(Kind(seed % kKinds));
    options.hubs = to_hub ? 1 : 0;
    options.part_bytes = 60;
    SessionWorld world(options);
    FakeRandom random(seed);
    for (int i = 0; i < 60; ++i) world.Write(0, random.Draw64());
    world.Connect(0, 1);
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t what = random.Draw64() % 20;
      if (what < 8) world.Write(random.Draw64() % 2, random.Draw64());
      if (what == 8) world.Connect(0, 1);
      if (what == 9) world.Trim(0);
      world.Carry(random.Draw64() % 4);
    }
    RC_ASSERT(world.Finish() == "");
  }));
}

// Each cut once, wherever there is a place between two frames.
class EveryCut : public testing::TestWithParam<std::size_t> {
 protected:
  // False where the conversation was over before.
  static bool CutAfter(std::size_t frames, std::size_t hubs, std::size_t kind) {
    WorldOptions options = AnyWorld(hubs == 0 ? 2 : 1, hubs, kind);
    options.part_bytes = 60;
    SessionWorld world(options);
    for (std::uint64_t i = 0; i < 14; ++i) world.Write(i % 2, i);
    world.Connect(0, 1);
    const bool cut = world.Carry(frames) == frames;
    world.Break(0, 1);
    world.Write(0, 100);
    world.Write(1, 101);
    world.Connect(0, 1);
    EXPECT_EQ(world.Finish(), "") << "cut after " << frames << " frames";
    return cut;
  }
};

TEST_P(EveryCut, IsSurvivedByTwoDevices) {
  std::size_t frames = 0;
  while (CutAfter(frames, 0, GetParam()) && !HasFailure()) ++frames;
  EXPECT_GT(frames, 8u);
}

TEST_P(EveryCut, IsSurvivedByADeviceAndAHub) {
  std::size_t frames = 0;
  while (CutAfter(frames, 1, GetParam()) && !HasFailure()) ++frames;
  EXPECT_GT(frames, 8u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryCut, testing::Range<std::size_t>(0, kKinds));

// The hub, or a device, loses a row of what it joins in each conversation with another, and nobody is told.
// The net is there for that.
TEST(SessionWorlds, ARowThatWasLostSilentlyIsFoundAgain) {
  std::size_t found = 0;
  for (std::uint64_t life = 0; life < 60; ++life) {
    WorldOptions options = AnyWorld(1 + life % 3, 1, life % kKinds);
    bool faulty = true;
    options.in_between = [&faulty](SyncStore& store) {
      return std::make_unique<FaultyStore>(store, faulty ? Defect::kLosesARow : Defect::kNone);
    };
    options.last_days = 4;
    options.only_digests = true;
    SessionWorld world(options);
    FakeRandom random(life);
    for (int i = 0; i < 30; ++i) world.Write(random.Draw64() % options.devices.size(), random.Draw64());
    world.Connect(0, options.devices.size());
    world.Carry(random.Draw64() % 40);
    faulty = false;
    EXPECT_EQ(world.Finish(), "") << "life " << life;
    found += world.findings();
  }
  EXPECT_GT(found, 10u);
}

// The world finds what is wrong: each of these in one of so many lives at least.
class Defects : public testing::TestWithParam<Defect> {};

TEST_P(Defects, AreFound) {
  for (std::uint64_t life = 0; life < 300; ++life) {
    WorldOptions options = AnyWorld(2, 1, life % kKinds);
    options.in_between = [](SyncStore& store) { return std::make_unique<FaultyStore>(store, GetParam()); };
    FakeRandom random(life);
    Events events;
    for (int i = 0; i < 60; ++i) events.push_back(static_cast<std::uint32_t>(random.Draw64()));
    if (!SessionWorld(options).Play(events).empty()) return;
  }
  ADD_FAILURE() << "nothing was noticed";
}

INSTANTIATE_TEST_SUITE_P(All, Defects,
                         testing::Values(Defect::kPointBeforeRows, Defect::kAcknowledgedBeforeCommit,
                                         Defect::kJoinsWhatItIsNotAt, Defect::kForgetsARow));

}  // namespace
}  // namespace rejoin
