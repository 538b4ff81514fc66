// Another process has the store locked, at any call of a session, for reading too (a rollback
// journal while it commits): the session waits, and goes on as if nothing had been.
#include "tests/model/faulty_store.h"
#include "tests/replica/sessions_fixture.h"
#include "tests/store/passing_store.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin {
namespace {

using testing::TestDatabase;

// Locked at the session's call number `first`, from 0 on, and `times` - 1 calls more: by `other`, a
// second connection to its file, or else by its word.
class LockedStore final : public PassingStore {
 public:
  LockedStore(SyncStore& store, std::size_t first, std::size_t times, TestDatabase* other = nullptr)
      : PassingStore(store), first_(first), end_(first + times), other_(other) {}

  Result<ReplicaId> Replica() override { return Call(&SyncStore::Replica); }
  Result<VersionVector> Vector() override { return Call(&SyncStore::Vector); }
  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override {
    return Call(&SyncStore::ExtractPart, request, out);
  }
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    return Call(&SyncStore::MergePart, in, origin);
  }
  Result<ResumePoint> PointOf(const ReplicaId& peer) override { return Call(&SyncStore::PointOf, peer); }
  Status SkipTo(const PartOrigin& origin) override { return Call(&SyncStore::SkipTo, origin); }
  Result<RoomId> Room() override { return Call(&SyncStore::Room); }
  Status SetRoom(const RoomId& room) override { return Call(&SyncStore::SetRoom, room); }
  Result<Cursor> Head() override { return Call(&SyncStore::Head); }
  Result<HybridTimestamp> LatestTimeSeen() override { return Call(&SyncStore::LatestTimeSeen); }
  Result<bool> CorrectTime(const TimeCorrection& correction) override {
    return Call(&SyncStore::CorrectTime, correction);
  }
  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override {
    return Call(&SyncStore::MarkState, most_rows);
  }
  Result<Comparison> ComparisonWith(const ReplicaId& peer) override { return Call(&SyncStore::ComparisonWith, peer); }
  Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) override {
    return Call(&SyncStore::RememberComparison, peer, comparison);
  }
  Status NoteFinding(const std::string& text) override { return Call(&SyncStore::NoteFinding, text); }

  // Nobody came to the first of the calls at which it is locked.
  bool never_locked() const { return calls_ <= first_; }

 private:
  template <class Function, class... Arguments>
  auto Call(Function function, Arguments&&... arguments)
      -> decltype((std::declval<SyncStore&>().*function)(std::forward<Arguments>(arguments)...)) {
    const std::size_t call = calls_++;
    const bool is_locked = call >= first_ && call < end_;
    if (is_locked && other_ == nullptr) return Fail(Code::kBusy, "another connection holds the lock");
    if (is_locked) other_->Exec("BEGIN EXCLUSIVE");
    auto done = (store_.*function)(std::forward<Arguments>(arguments)...);
    if (is_locked) other_->Exec("ROLLBACK");
    return done;
  }

  std::size_t first_;
  std::size_t end_;
  TestDatabase* other_;
  std::size_t calls_ = 0;
};

// Says of the first part that it lacks what comes before it.
class StoreThatAsksAgain final : public PassingStore {
 public:
  using PassingStore::PassingStore;
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    if (!std::exchange(asked_again_, true)) return Fail(Code::kNotCovered, "something is missing before this part");
    return PassingStore::MergePart(in, origin);
  }

 private:
  bool asked_again_ = false;
};

// What is between the two when they meet, and how the second one sees its store.
struct Scene {
  const char* name;
  bool know_each_other = false;
  bool lost_a_row = false;  // b, silently
  bool asks_again = false;  // b
  bool keeps_time = false;  // b
  bool has_room = false;    // a, of somebody else
};
constexpr Scene kScenes[] = {{"strangers"},
                             {"changed since", true},
                             {"one lost a row", false, true},
                             {"one asks again", true, false, true},
                             {"one keeps time", false, false, false, true},
                             {"one has a room", false, false, false, false, true}};

// As a host does, who comes again after a while.
void RunAndRetry(Conversation& talk, std::size_t times) {
  for (std::size_t i = 0; i <= times; ++i) {
    talk.Run();
    for (Conversation::Side* const side : {&talk.a(), &talk.b()}) talk.TakeWhatArrived(*side);
  }
  talk.Run();
  for (Conversation::Side* const side : {&talk.a(), &talk.b()}) {
    EXPECT_FALSE(side->error) << side->error->message;
    EXPECT_FALSE(side->session.Comparing());
  }
  EXPECT_TRUE(talk.Done());
}

class LockedStores : public Sessions {
 protected:
  static constexpr std::size_t kLongest = 4;

  // Both have what they had and the same room in the end. False: nobody came to so late a call.
  bool Play(const Scene& scene, bool on_a, std::size_t first, std::size_t times) {
    replicas_.clear();
    TestReplica& a = Make(ItemTable());
    TestReplica& b = Make(ItemTable());
    if (scene.know_each_other) Diverge(a, b);
    if (scene.has_room) {
      EXPECT_TRUE(Sync(a).SetRoom(RoomId{{1}}));
    }
    Do(a, {Insert("item", K("apple"), Item(1)), Insert("item", K("pear"), Item(1))});
    if (scene.lost_a_row) LoseARow(a, b);
    Do(b, {Insert("item", K("bread"), Item(2))});
    StoreThatAsksAgain asking(Sync(b));
    SyncStore& seen_b = scene.asks_again ? asking : Sync(b);
    LockedStore locked(on_a ? Sync(a) : seen_b, first, times);
    CorrectedClock clock(clock_);
    SessionOptions options_a;
    options_a.slice_rows = 2;
    options_a.clock = &clock;
    options_a.earliest_ms = 0;
    SessionOptions options_b = options_a;
    options_b.keeps_time = scene.keeps_time;
    Conversation talk(on_a ? locked : Sync(a), on_a ? seen_b : locked, random_, options_a, options_b);
    talk.now.wall_ms = clock_.wall_ms;
    RunAndRetry(talk, times);
    EXPECT_EQ(*Sync(a).Room(), *Sync(b).Room());
    Equal(a, b);
    return !locked.never_locked();
  }

 private:
  // b joins the first part without one of its rows.
  void LoseARow(TestReplica& a, TestReplica& b) {
    FaultyStore faulty(Sync(b), Defect::kLosesARow);
    Conversation talk(Sync(a), faulty, random_);
    talk.Carry();
    EXPECT_NE(DigestOf(a), DigestOf(b));
  }
};

TEST_P(LockedStores, AreWaitedForAtEveryCall) {
  for (const Scene& scene : kScenes) {
    for (const bool on_a : {true, false}) {
      for (const std::size_t times : {std::size_t{1}, kLongest}) {
        for (std::size_t first = 0; !HasFailure(); ++first) {
          SCOPED_TRACE(std::string(scene.name) + (on_a ? ", a" : ", b") + " at its call " + std::to_string(first) + ", " +
                       std::to_string(times) + " times");
          if (!Play(scene, on_a, first, times)) break;
        }
      }
    }
  }
}

// What a session makes of a locked store depends on the kind of store only in what it calls.
INSTANTIATE_TEST_SUITE_P(Stores, LockedStores, ::testing::Values(MemoryReplicas(), SqliteReplicas(AllSqliteKinds().front())),
                         ::testing::PrintToStringParamName());

constexpr char kItem[] = "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, qty)";

void Write(TestDatabase& file, const std::string& id) {
  file.clock.Advance(10);
  file.Exec("INSERT INTO item VALUES('" + id + "', 1)");
}

// A file with a rollback journal meets another, which is in memory. False: nobody came to so late a call.
bool PlayOnFile(bool on_a, std::size_t first, std::size_t times) {
  const testing::ScratchFolder folder;
  TestDatabase file(1, folder.File("a.db"));
  TestDatabase peer(2);
  for (TestDatabase* const each : {&file, &peer}) {
    each->Exec(kItem);
    each->Track("item");
  }
  Write(file, "apple");
  Write(peer, "bread");
  TestDatabase other(3, folder.File("a.db"));
  LockedStore locked(*file.store, first, times, &other);
  SyncStore& at_peer = *peer.store;
  testing::SeededRandom random(4);
  Conversation talk(on_a ? locked : at_peer, on_a ? at_peer : locked, random);
  RunAndRetry(talk, times);
  EXPECT_EQ(file.Query("SELECT * FROM item ORDER BY id"), peer.Query("SELECT * FROM item ORDER BY id"));
  EXPECT_EQ(file.One("SELECT count(*) FROM item"), "2");
  EXPECT_EQ(file.DigestHex(), peer.DigestHex());
  return !locked.never_locked();
}

TEST(LockedFiles, AreWaitedForAtEveryCall) {
  for (const bool on_a : {true, false}) {
    for (const std::size_t times : {std::size_t{1}, std::size_t{4}}) {
      for (std::size_t first = 0; !HasFailure(); ++first) {
        SCOPED_TRACE(std::string(on_a ? "a" : "b") + " at its call " + std::to_string(first) + ", " +
                     std::to_string(times) + " times");
        if (!PlayOnFile(on_a, first, times)) break;
      }
    }
  }
}

}  // namespace
}  // namespace rejoin
