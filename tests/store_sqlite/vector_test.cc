// The version vector, which a connection keeps and brings up to date by the log: it has to be
// what a connection reads that has kept nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/log.h"
#include "store/sqlite/vector.h"
#include "tests/store_sqlite/hand_made.h"

namespace rejoin::testing {
namespace {

constexpr char kNote[] = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, text)";

// One file under two connections, and deltas that others send it.
class World {
 public:
  World() {
    // Nobody cuts the power here, and it is quicker.
    one_.Exec("PRAGMA synchronous = OFF");
    other_.Exec("PRAGMA synchronous = OFF");
    one_.Exec(kNote);
    one_.Track("note");
    // So many that the whole is more to read than a few rows of the log.
    HandMade others;
    for (std::uint64_t i = 0; i < 60; ++i) others.header().end.Set(Somebody(100 + i), {1});
    MustMerge(one_, others);
  }

  using Step = void (World::*)();
  static const std::vector<Step>& Steps() {
    static const std::vector<Step> steps = {&World::WriteHere,     &World::WriteThere, &World::MergeHere,
                                            &World::MergeThere,    &World::WriteMuch,  &World::RollMergeBack,
                                            &World::MergeInTransaction, &World::TakeOnesIdentity, &World::Trim,
                                            &World::WriteInParts, &World::Look};
    return steps;
  }

  VersionVector Kept(TestDatabase& db) {
    const auto vector = ReadVector(*db.engine);
    if (!vector) ADD_FAILURE() << vector.error().message;
    return vector.value_or(VersionVector{});
  }
  VersionVector Read(TestDatabase& db) {
    db.engine->known_vector.reset();
    return Kept(db);
  }
  TestDatabase& one() { return one_; }

  void Look() { Kept(one_); }
  void WriteHere() { Write(one_); }
  void WriteThere() { Write(other_); }
  void MergeHere() { Merge(one_); }
  void MergeThere() { Merge(other_); }
  void WriteMuch() {
    for (int i = 0; i < 120; ++i) Write(one_);
  }
  void RollMergeBack() {
    one_.Exec("BEGIN");
    Merge(one_);
    Kept(one_);
    one_.Exec("ROLLBACK");
  }
  // What comes after it in the transaction goes by what it left.
  void MergeInTransaction() {
    one_.Exec("BEGIN");
    Merge(one_);
    Kept(one_);
    Merge(one_);
    one_.Exec("COMMIT");
  }
  void TakeOnesIdentity() {
    one_.Exec("BEGIN");
    const auto head = ReadLogHead(*one_.engine);
    if (!head) ADD_FAILURE() << head.error().message;
    if (head) Expect(TakeNewIdentity(*one_.engine, {head->own, head->own}, "a test wants it"));
    one_.Exec("COMMIT");
  }
  void Trim() {
    one_.engine->limits.log_min_bytes = 1;
    one_.engine->limits.log_file_percent = 0;
    Expect(Fold(*one_.engine));
    Expect(TrimLog(*one_.engine));
  }
  // One transaction of several rows of the log.
  void WriteInParts() {
    other_.engine->limits.log_body_bytes = 50;
    other_.Exec("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
                "INSERT OR REPLACE INTO note SELECT 'part' || i, 'x' FROM n");
  }

 private:
  void Write(TestDatabase& db) {
    one_.clock.Advance(1);
    other_.clock.Advance(1);
    db.Exec("INSERT OR REPLACE INTO note VALUES('a', " + std::to_string(++written_) + ")");
  }
  // By one that is known already, or not.
  void Merge(TestDatabase& db) {
    ++merged_;
    HandMade delta;
    delta.Table("note", {"text"}).Row(K("b"), Inserted(At(merged_, merged_ % 3), {{0, I(1)}}));
    MustMerge(db, delta);
  }
  void Expect(const Status& status) {
    if (!status) ADD_FAILURE() << status.error().message;
  }

  const ScratchFolder folder_;
  TestDatabase one_{1, folder_.File("a.db")};
  TestDatabase other_{2, folder_.File("a.db")};
  int written_ = 0;
  std::uint64_t merged_ = 0;
};

RC_GTEST_PROP(Vector, IsWhatTheFileHas, ()) {
  World world;
  const auto steps = *rc::gen::container<std::vector<World::Step>>(rc::gen::elementOf(World::Steps()));
  for (const World::Step step : steps) (world.*step)();
  const VersionVector kept = world.Kept(world.one());
  RC_ASSERT(kept == world.Read(world.one()));
  RC_ASSERT(!::testing::Test::HasFailure());
}

// Each step once after each other.
TEST(Vector, IsWhatTheFileHasAfterEachPairOfSteps) {
  World world;
  for (const World::Step first : World::Steps()) {
    for (const World::Step second : World::Steps()) {
      (world.*first)();
      (world.*second)();
      const VersionVector kept = world.Kept(world.one());
      ASSERT_EQ(kept.entries(), world.Read(world.one()).entries());
    }
  }
}

// Else a merge of one row reads as many rows as there are replicas.
TEST(Vector, IsNotReadAgainAsAWhole) {
  World world;
  world.MergeHere();
  const VersionVector before = world.Kept(world.one());
  // Nobody but a test does that.
  world.one().Exec("UPDATE rejoin__replica SET applied = 0");
  EXPECT_EQ(world.Kept(world.one()), before);
  world.MergeThere();
  EXPECT_EQ(world.Kept(world.one()).entries().size(), before.entries().size() + 1);
  world.WriteHere();
  EXPECT_EQ(world.Kept(world.one()).entries().size(), before.entries().size() + 2);
  EXPECT_EQ(world.Read(world.one()).entries().size(), 2u) << "the test proves nothing";
}

// SQLite's integers have a sign.
TEST(Vector, HoldsTheLatestTimes) {
  World world;
  const std::uint64_t latest = ~std::uint64_t{0} - 5;
  const Stamp stamp = At(latest);
  MustMerge(world.one(), HandMade().Table("note", {"text"}).Row(K("b"), Inserted(stamp, {{0, I(1)}})));
  EXPECT_EQ(world.Kept(world.one()).Get(stamp.replica).value, latest);
  EXPECT_EQ(world.Read(world.one()).Get(stamp.replica).value, latest);
}

}  // namespace
}  // namespace rejoin::testing
