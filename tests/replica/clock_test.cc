// Wrong clocks, through real sessions: F14 (a device years ahead does not break its
// group), F15 (what is refused takes nothing honest with it), F16 (a slow clock's reply
// comes after what it saw).
#include "base/os.h"
#include "replica/session.h"
#include "store/rows/row_store.h"
#include "tests/store/replicas_fixture.h"
#include "tests/store/sqlite_replica.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {
namespace {

constexpr std::int64_t kYearMs = std::int64_t{365} * 24 * 3600 * 1000;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kFarMs = 2 * kYearMs + 60 * kMinuteMs;  // still two years when time has passed

class WrongClocks : public ReplicasFixture {
 protected:
  // Somebody with a store and a clock.
  struct Party {
    Party(FakeClock& truth, std::int64_t ahead_ms) : off(truth) { off.ahead_ms = ahead_ms; }
    Instant Now() { return {clock->SteadyMs(), clock->WallMs()}; }
    // Another process on the same machine: nobody has told it the time.
    void Restart() { clock.emplace(off); }

    OffClock off;
    std::optional<CorrectedClock> clock{std::in_place, off};
    SyncStore* store = nullptr;
    TestReplica* replica = nullptr;  // of devices
    SessionOptions options;
  };

  Party& Device(const char* name, std::int64_t ahead_ms = 0) {
    Party& device = Add(name, ahead_ms);
    replicas_.push_back(GetParam().make(replicas_.size(), *device.clock));
    Define(*replicas_.back(), ItemTable());
    device.replica = replicas_.back().get();
    device.store = &dynamic_cast<SyncStore&>(device.replica->store());
    device.options.clock = &*device.clock;
    return device;
  }
  Party& Hub(std::int64_t ahead_ms = 0) {
    Party& hub = Add("hub", ahead_ms);
    hub_stores_.push_back(RowSyncStores().make(500 + hub_stores_.size(), *hub.clock));
    hub.store = &hub_stores_.back()->store();
    hub.options.keeps_time = true;
    return hub;
  }

  struct Side {
    Party& party;
    Session session;
    std::optional<Error> error;
    Hello hello;  // what it said
  };

  // Until nobody has anything to say. What each side ended with.
  std::pair<std::optional<Error>, std::optional<Error>> Talk(Party& a, Party& b) {
    Side sides[2] = {{a, Session(*a.store, random_, a.options), {}, {}},
                     {b, Session(*b.store, random_, b.options), {}, {}}};
    for (bool moved = true; moved;) {
      moved = false;
      for (const int from : {0, 1}) {
        while (const auto frame = Next(sides[from])) {
          moved = true;
          Take(sides[1 - from], *frame);
        }
      }
    }
    for (Side& side : sides) {
      EXPECT_TRUE(side.error || (side.session.SentAll() && side.session.ReceivedAll()));
    }
    last_hello_ = sides[1].hello;
    return {sides[0].error, sides[1].error};
  }
  void Sync(Party& a, Party& b) {
    const auto [of_a, of_b] = Talk(a, b);
    EXPECT_FALSE(of_a) << of_a->message;
    EXPECT_FALSE(of_b) << of_b->message;
  }
  // `b` refuses what `a` brings, and both say whose clock is off, and by how much.
  void Refuses(Party& b, Party& a, const ReplicaId& named, const char* ahead) {
    const auto [of_a, of_b] = Talk(a, b);
    ASSERT_TRUE(of_b);
    EXPECT_EQ(of_b->code, Code::kClock) << of_b->message;
    ASSERT_TRUE(of_a);
    EXPECT_EQ(of_a->code, Code::kRefused) << of_a->message;
    for (const Error& error : {*of_a, *of_b}) {
      EXPECT_NE(error.message.find(named.Hex()), std::string::npos) << error.message;
      EXPECT_NE(error.message.find(ahead), std::string::npos) << error.message;
    }
  }

  static ReplicaId IdOf(Party& party) { return party.store->Replica().value_or(ReplicaId{}); }
  static Row Item(std::int64_t qty) { return {{"title", T("x")}, {"qty", N(qty)}}; }
  static Row Qty(std::int64_t qty) { return {{"qty", N(qty)}}; }
  void Do(Party& device, const Transaction& transaction) {
    ReplicasFixture::Do(*device.replica, transaction);
  }
  void Show(Party& device, const Rows& rows) { EXPECT_TRUE(device.replica->Shown("item") == rows); }

  Hello last_hello_;

 private:
  Party& Add(const char* name, std::int64_t ahead_ms) {
    parties_.push_back(std::make_unique<Party>(clock_, ahead_ms));
    parties_.back()->options.name = name;
    parties_.back()->options.earliest_ms = kBuilt;
    return *parties_.back();
  }
  static std::optional<Bytes> Next(Side& side) {
    auto frame = side.session.NextFrame(side.party.Now());
    if (!frame) {
      if (!side.error) side.error = frame.error();
      return Bytes();  // it has a last word
    }
    if (*frame) {
      const auto message = DecodeMessage(**frame);
      if (message && std::holds_alternative<Hello>(*message)) side.hello = std::get<Hello>(*message);
    }
    return *frame;
  }
  static void Take(Side& side, const Bytes& frame) {
    if (frame.empty()) return;
    const Status taken = side.session.OnFrame(frame, side.party.Now());
    if (!taken && !side.error) side.error = taken.error();
  }

 protected:
  static constexpr std::uint64_t kBuilt = 1'690'000'000'000;
  FakeRandom random_{7};
  std::vector<std::unique_ptr<Party>> parties_;
  std::vector<std::unique_ptr<TestSyncStore>> hub_stores_;
};

std::vector<TestReplicaMaker> Makers() {
  return {MemoryReplicas(), SqliteReplicas(AllSqliteKinds()[0]), SqliteReplicas(AllSqliteKinds()[1])};
}

// F14.
TEST_P(WrongClocks, ADeviceThatIsYearsAheadIsCorrectedBeforeAnybodySeesItsChanges) {
  Party& hub = Hub();
  Party& off = Device("off", 10 * kYearMs);
  Party& right = Device("right");
  Do(off, {Insert("item", K("a"), Item(1)), Insert("item", K("b"), Item(1))});
  Do(right, {Insert("item", K("a"), Item(2))});
  Do(off, {Update("item", K("b"), Qty(3))});
  Sync(off, hub);
  Sync(right, hub);
  Sync(off, hub);
  for (Party* const each : {&off, &right}) Show(*each, {{K("a"), Item(2)}, {K("b"), Item(3)}});
  // And its later changes are right by themselves.
  Do(right, {Update("item", K("b"), Qty(4))});
  Do(off, {Update("item", K("b"), Qty(5))});
  Do(right, {Update("item", K("b"), Qty(6))});
  Sync(off, hub);
  Sync(right, hub);
  Sync(off, hub);
  for (Party* const each : {&off, &right}) Show(*each, {{K("a"), Item(2)}, {K("b"), Item(6)}});
  EXPECT_LE(hub.store->LatestTimeSeen()->wall_ms(), clock_.wall_ms);
}

TEST_P(WrongClocks, ADeviceThatIsYearsBehindIsCorrectedBeforeAnybodySeesItsChanges) {
  Party& hub = Hub();
  Party& off = Device("off", -10 * kYearMs);
  Party& right = Device("right");
  Do(off, {Insert("item", K("a"), Item(1)), Insert("item", K("b"), Item(1))});
  Do(right, {Insert("item", K("a"), Item(2)), Insert("item", K("b"), Item(2))});
  Do(off, {Update("item", K("b"), Item(3))});
  Sync(right, hub);
  Sync(off, hub);
  Sync(right, hub);
  for (Party* const each : {&off, &right}) Show(*each, {{K("a"), Item(2)}, {K("b"), Item(3)}});
}

TEST_P(WrongClocks, EveryProcessLearnsTheTimeAnew) {
  Party& hub = Hub();
  Party& off = Device("off", kYearMs);
  Party& right = Device("right");
  for (int turn = 1; turn <= 3; ++turn) {
    off.Restart();
    Do(off, {Replace("item", K("a"), Item(10 * turn))});
    Do(right, {Replace("item", K("a"), Item(10 * turn + 1))});
    Sync(off, hub);
    Sync(right, hub);
    Sync(off, hub);
    for (Party* const each : {&off, &right}) Show(*each, {{K("a"), Item(10 * turn + 1)}});
  }
}

TEST_P(WrongClocks, AClockThatIsSetRightMeanwhileDoesNoHarm) {
  Party& hub = Hub();
  Party& off = Device("off", -kYearMs);
  Sync(off, hub);
  off.off.ahead_ms = 0;
  EXPECT_EQ(off.clock->WallMs(), clock_.wall_ms);
  clock_.wall_ms += 5000;
  EXPECT_EQ(off.clock->WallMs(), clock_.wall_ms);
}

TEST_P(WrongClocks, AClockWithinTheToleranceIsLeftAlone) {
  Party& hub = Hub();
  for (const std::int64_t ahead_ms : {-4000, 4000}) {
    Party& off = Device("off", ahead_ms);
    Do(off, {Replace("item", K("a"), Item(1))});
    Sync(off, hub);
    EXPECT_EQ(off.clock->WallMs(), clock_.wall_ms + static_cast<std::uint64_t>(ahead_ms));
  }
}

TEST_P(WrongClocks, NobodyLearnsTheTimeFromADevice) {
  Party& right = Device("right");
  Party& off = Device("off", 2 * kMinuteMs);
  Sync(off, right);
  EXPECT_FALSE(last_hello_.keeps_time);
  Sync(right, off);
  EXPECT_EQ(off.clock->WallMs(), clock_.wall_ms + 2 * kMinuteMs);
  EXPECT_EQ(right.clock->WallMs(), clock_.wall_ms);
}

// F14, F15: a peer that showed its changes before anybody told it the time.
TEST_P(WrongClocks, WhatIsTooFarAheadIsRefusedAndNothingElse) {
  Party& hub = Hub();
  Party& off = Device("off", kFarMs);
  Party& carrier = Device("carrier");
  Party& right = Device("right");
  Do(carrier, {Insert("item", K("honest"), Item(1))});
  Do(off, {Insert("item", K("future"), Item(2)), Insert("item", K("more"), Item(2))});
  ASSERT_TRUE(Pull(*carrier.replica, *off.replica)) << "a blob, which nobody guards";
  Do(right, {Insert("item", K("right"), Item(3))});
  Sync(right, hub);
  for (int turn = 0; turn < 3; ++turn) {
    Refuses(hub, carrier, IdOf(off), "2 years ahead");
    Do(right, {Replace("item", K("right"), Item(10 + turn))});
    Sync(right, hub);
    Show(right, {{K("honest"), Item(1)}, {K("right"), Item(10 + turn)}});
  }
  EXPECT_LE(hub.store->LatestTimeSeen()->wall_ms(), clock_.wall_ms);
  clock_.wall_ms += static_cast<std::uint64_t>(kFarMs);
  Sync(carrier, hub);
  Sync(right, hub);
  EXPECT_EQ(right.replica->Shown("item").count(K("future")), 1u);
}

TEST_P(WrongClocks, ADeviceRefusesItToo) {
  Party& off = Device("off", kFarMs);
  Party& right = Device("right");
  Do(off, {Insert("item", K("future"), Item(2))});
  Refuses(right, off, IdOf(off), "2 years ahead");
  Show(right, {});
}

// The bounds as docs/protocol.md has them, whatever the constants say.
TEST_P(WrongClocks, ADeviceTakesNineMinutesAheadAndNotEleven) {
  Party& right = Device("right");
  Party& near = Device("near", 9 * kMinuteMs);
  Party& off = Device("off", 11 * kMinuteMs);
  Do(near, {Insert("item", K("near"), Item(1))});
  Sync(right, near);
  Do(off, {Insert("item", K("future"), Item(2))});
  Refuses(right, off, IdOf(off), "minutes ahead");
  Show(right, {{K("near"), Item(1)}});
}

// What it took at the bound is beyond it by a clock that was set back a little (f15, seed 602868).
TEST_P(WrongClocks, ADeviceWhoseClockWasSetBackALittleStillRefuses) {
  Party& right = Device("right", 4000);
  Party& near = Device("near", 10 * kMinuteMs + 3000);
  Party& off = Device("off", kFarMs);
  Do(near, {Insert("item", K("near"), Item(1))});
  Sync(right, near);
  right.off.ahead_ms = -4000;
  Do(off, {Insert("item", K("future"), Item(2))});
  Refuses(right, off, IdOf(off), "2 years ahead");
  Show(right, {{K("near"), Item(1)}});
}

TEST_P(WrongClocks, ADeviceTakesWhatAHubTook) {
  Party& hub = Hub();
  Party& ahead = Device("ahead", 4000);
  Party& behind = Device("behind", -4000);
  Do(ahead, {Insert("item", K("a"), Item(1))});
  Sync(ahead, hub);
  Sync(behind, hub);
  Show(behind, {{K("a"), Item(1)}});
}

// It showed its changes, and only then learns the time: they are its own, and no hub has them.
TEST_P(WrongClocks, ADeviceThatShowedItsFutureIsNotShutOut) {
  Party& hub = Hub();
  Party& off = Device("off", kFarMs);
  Party& right = Device("right");
  Do(off, {Insert("item", K("a"), Item(1))});
  Refuses(right, off, IdOf(off), "2 years ahead");
  Do(off, {Update("item", K("a"), Qty(2))});
  Sync(off, hub);
  Sync(right, hub);
  Show(right, {{K("a"), Item(2)}});
  Do(right, {Update("item", K("a"), Qty(3))});
  Sync(right, hub);
  Sync(off, hub);
  Show(off, {{K("a"), Item(3)}});
}

TEST_P(WrongClocks, AHubWithADeadClockJudgesAndCorrectsNobody) {
  Party& hub = Hub(-20 * kYearMs);
  Party& right = Device("right");
  Party& off = Device("off", kMinuteMs * 5);
  Do(right, {Insert("item", K("a"), Item(1))});
  Sync(right, hub);
  EXPECT_FALSE(last_hello_.keeps_time);
  EXPECT_EQ(right.clock->WallMs(), clock_.wall_ms);
  Do(off, {Insert("item", K("b"), Item(2))});
  Sync(off, hub);
  Sync(right, hub);
  Show(right, {{K("a"), Item(1)}, {K("b"), Item(2)}});
}

TEST_P(WrongClocks, AHubThatIsBehindWhatItsRoomHoldsJudgesAndCorrectsNobody) {
  Party& hub = Hub();
  Party& right = Device("right");
  Do(right, {Insert("item", K("a"), Item(1))});
  Sync(right, hub);
  EXPECT_TRUE(last_hello_.keeps_time);
  hub.off.ahead_ms = -60 * kMinuteMs;
  Do(right, {Update("item", K("a"), Qty(2))});
  Sync(right, hub);
  EXPECT_FALSE(last_hello_.keeps_time);
  EXPECT_EQ(right.clock->WallMs(), clock_.wall_ms);
}

// It would take the rest of the world to be in the future.
TEST_P(WrongClocks, ADeviceWithADeadClockJudgesNobody) {
  Party& dead = Device("dead", -20 * kYearMs);
  Party& right = Device("right");
  Do(right, {Insert("item", K("a"), Item(1))});
  Sync(right, dead);
  Show(dead, {{K("a"), Item(1)}});
}

// F16, with nobody to tell the time.
TEST_P(WrongClocks, ASlowClocksReplyComesAfterWhatItSaw) {
  Party& slow = Device("slow", -8 * kMinuteMs);
  Party& right = Device("right");
  Do(right, {Insert("item", K("a"), Item(1))});
  Sync(right, slow);
  Do(slow, {Update("item", K("a"), Qty(2))});
  Sync(right, slow);
  for (Party* const each : {&slow, &right}) Show(*each, {{K("a"), Item(2)}});
}

INSTANTIATE_TEST_SUITE_P(Stores, WrongClocks, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
