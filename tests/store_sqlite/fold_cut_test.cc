// Folding, where log rows and batches end in the middle of a transaction.
#include <gtest/gtest.h>

#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "store/sqlite/row_access.h"
#include "tests/store_sqlite/hand_made.h"

namespace rejoin::testing {
namespace {

class FoldCut : public ::testing::TestWithParam<const char*> {
 protected:
  FoldCut() {
    db_.engine->limits.log_body_bytes = 1;
    db_.engine->limits.fold_batch_bytes = 1;
    db_.Exec(GetParam());
    db_.Track("t");
  }
  void FoldsAndIsSound() {
    const Status folded = Fold(*db_.engine);
    ASSERT_TRUE(folded) << folded.error().message;
    const auto findings = db_.store->Check();
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.problem;
  }
  RowState StateOf(std::int64_t key) {
    EXPECT_TRUE(db_.engine->catalog.Refresh());
    const auto row = LoadRow(*db_.engine, *db_.engine->catalog.FindLocal("t"), K(key));
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->state : RowState();
  }
  HybridTimestamp LastStamp() { return ReadLogHead(*db_.engine)->own; }

  TestDatabase db_{1};
};

// Each row is taken as if it were a transaction of its own.
TEST_P(FoldCut, ARowThatCameAndWentIsInNoRun) {
  db_.engine->limits.capture_memory_bytes = 1;
  db_.Exec("BEGIN; INSERT INTO t VALUES(1, 'x'), (2, hex(zeroblob(200))), (3, hex(zeroblob(200)));"
           "DELETE FROM t WHERE id = 2; DELETE FROM t WHERE id = 3; COMMIT");
  FoldsAndIsSound();
  EXPECT_TRUE(StateOf(2).incarnations.empty());
  db_.Exec("INSERT INTO t VALUES(2, 'z')");
  FoldsAndIsSound();
  ASSERT_EQ(StateOf(2).incarnations.size(), 1u);
  EXPECT_EQ(StateOf(2).incarnations[0].birth.time, LastStamp());
}

TEST_P(FoldCut, RowsThatPassKeysOnKeepTheirOwnMetadata) {
  db_.Exec("INSERT INTO t VALUES(1, 'x'), (2, 'y'), (3, 'z')");
  const HybridTimestamp born = LastStamp();
  db_.Exec("UPDATE t SET a = a || '!' WHERE id <> 3");
  const HybridTimestamp edited = LastStamp();
  FoldsAndIsSound();
  db_.Exec("UPDATE t SET id = -id; ");  // each at the rowid, or with the key, of another
  db_.Exec("BEGIN; UPDATE t SET id = 1 WHERE id = -3; UPDATE t SET id = 3 WHERE id = -1;"
           "UPDATE t SET id = 2 WHERE id = -2; COMMIT");
  FoldsAndIsSound();
  for (const std::int64_t key : {1, 2, 3}) {
    const RowState state = StateOf(key);
    ASSERT_EQ(state.incarnations.size(), 2u) << key;
    EXPECT_EQ(state.incarnations[0].birth.time, born);
    EXPECT_EQ(state.incarnations[0].cells[0].stamp.time, key == 3 ? born : edited);
    EXPECT_EQ(state.incarnations[1].birth.time, LastStamp());
    EXPECT_TRUE(IsPresent(state, {}));
  }
}

// The first part looks into the table and sees the row that the third will bring.
TEST_P(FoldCut, ARowThatComesBackInALaterPartKeepsItsHistory) {
  db_.engine->limits.capture_memory_bytes = 1;
  db_.Exec("CREATE UNIQUE INDEX i ON t(a)");
  ASSERT_TRUE(db_.store->Vector());  // the triggers follow
  for (const std::size_t batch : {1, 1'000'000}) {
    db_.engine->limits.fold_batch_bytes = batch;
    db_.Exec("DELETE FROM t; INSERT INTO t VALUES(1, 'x')");
    FoldsAndIsSound();
    const Stamp birth = StateOf(1).incarnations.back().birth;
    db_.Exec("BEGIN; REPLACE INTO t VALUES(2, 'x'); INSERT INTO t VALUES(3, hex(zeroblob(200)));"
             "UPDATE t SET a = 'y' WHERE id = 3; REPLACE INTO t VALUES(1, 'z'); COMMIT");
    FoldsAndIsSound();
    EXPECT_EQ(StateOf(1).incarnations.back().birth, birth);
    db_.Exec("BEGIN; REPLACE INTO t VALUES(1, 'z'); UPDATE t SET a = 'n' WHERE id = 3; COMMIT");
    FoldsAndIsSound();
    EXPECT_EQ(StateOf(1).incarnations.back().birth, birth);
  }
}

// The delete observed the edit, which is of the same transaction as the insert.
TEST_P(FoldCut, ARowThatIsEditedDeletedAndInsertedInThreePartsIsThere) {
  db_.engine->limits.capture_memory_bytes = 1;
  db_.Exec("INSERT INTO t VALUES(1, 'x')");
  FoldsAndIsSound();
  db_.Exec("BEGIN; UPDATE t SET a = 'y' WHERE id = 1; INSERT INTO t VALUES(3, hex(zeroblob(200)));"
           "DELETE FROM t WHERE id = 1; UPDATE t SET a = 'w' WHERE id = 3; INSERT INTO t VALUES(1, 'z'); COMMIT");
  FoldsAndIsSound();
  EXPECT_TRUE(IsPresent(StateOf(1), {}));
}

// What an earlier batch made of another transaction goes on with it.
TEST_P(FoldCut, ARowMayComeToTheRowidOfOneThatLeavesInTheNextBatch) {
  db_.engine->limits.fold_batch_bytes = 200;
  db_.Exec("INSERT INTO t VALUES(5, 'x'), (6, 'y')");
  FoldsAndIsSound();
  db_.Exec("UPDATE t SET a = 'edited'");
  db_.Exec("BEGIN; UPDATE t SET id = id - 4; UPDATE t SET a = 'again'; COMMIT");
  FoldsAndIsSound();
  EXPECT_TRUE(IsPresent(StateOf(1), {}));
  EXPECT_TRUE(IsPresent(StateOf(2), {}));
  EXPECT_FALSE(IsPresent(StateOf(5), {}));
  EXPECT_EQ(StateOf(5).incarnations[0].cells[0].value, T("edited"));
}

// They were kept for the next batch of the transaction, which has nothing of the table.
TEST_P(FoldCut, InsertsKeptBackAreWrittenThoughTheirTableIsNotWrittenAgain) {
  db_.engine->limits.capture_memory_bytes = 1;
  db_.engine->limits.fold_batch_bytes = 64;
  db_.Exec("CREATE TABLE u(id INTEGER PRIMARY KEY, a)");
  db_.Track("u");
  db_.Exec("BEGIN; INSERT INTO u(id) VALUES(1), (5), (10), (15), (20), (25), (30);"
           "INSERT INTO t(id) VALUES(1), (2); COMMIT");
  FoldsAndIsSound();
}

// Each comes to the place of a row that the same fold has only just heard of.
TEST_P(FoldCut, ARowThatTookASmallerKeyGoesOnToLiveAndDie) {
  db_.engine->limits = Limits();
  db_.Exec("INSERT INTO t VALUES(5, 'x')");
  db_.Exec("UPDATE t SET id = 3");
  db_.Exec("UPDATE t SET a = 'y'");
  db_.Exec("UPDATE t SET id = 1");
  db_.Exec("DELETE FROM t");
  FoldsAndIsSound();
  for (const std::int64_t key : {1, 3, 5}) EXPECT_FALSE(IsPresent(StateOf(key), {})) << key;
  EXPECT_EQ(StateOf(3).incarnations.size(), 1u);
  db_.Exec("INSERT INTO t(id, a) VALUES(7, 'z')");
  db_.Exec("UPDATE t SET a = 'zz'");
  FoldsAndIsSound();
  EXPECT_TRUE(IsPresent(StateOf(7), {}));
}

// The part that has the row's new key comes first, and the cells of a column that is
// unknown here are still under the old one.
TEST_P(FoldCut, ARowTakesCellsOfUnknownColumnsAlongToASmallerKey) {
  TestDatabase peer(2);
  peer.Exec(GetParam());
  peer.Exec("ALTER TABLE t ADD COLUMN more");
  peer.Track("t");
  peer.Exec("INSERT INTO t VALUES(5, 'x', 'carried')");
  db_.Pull(peer);
  db_.Exec("UPDATE t SET id = 1");
  FoldsAndIsSound();
  const RowState state = StateOf(1);
  ASSERT_EQ(state.incarnations.size(), 1u);
  ASSERT_EQ(state.incarnations[0].cells.size(), 2u);
  EXPECT_EQ(state.incarnations[0].cells[1].value, T("carried"));
}

// A window sees the row gone, and the table, which has it again, says that it is there.
TEST_P(FoldCut, ARowDisplacedInOneWindowAndInsertedInAnotherHasOneHistory) {
  db_.Exec("CREATE UNIQUE INDEX i ON t(a)");
  ASSERT_TRUE(db_.store->Vector());  // the triggers follow
  db_.Exec("INSERT INTO t VALUES(1, 'x'), (4, 'y')");
  FoldsAndIsSound();
  const Stamp birth = StateOf(4).incarnations.back().birth;
  db_.engine->limits.capture_memory_bytes = 1;
  db_.Exec("BEGIN; REPLACE INTO t VALUES(1, 'y'); INSERT INTO t VALUES(2, 'b'), (4, 'd');"
           "REPLACE INTO t VALUES(4, 'e'); COMMIT");
  FoldsAndIsSound();
  const RowState state = StateOf(4);
  ASSERT_EQ(state.incarnations.size(), 1u);
  EXPECT_EQ(state.incarnations[0].birth, birth);
  EXPECT_EQ(state.incarnations[0].cells[0].value, T("e"));
}

// As many as windows could be written for it would be held in memory otherwise.
TEST_P(FoldCut, ARowUpdatedOverAndOverIsOneChange) {
  db_.Exec("INSERT INTO t VALUES(1, 0), (2, 0), (3, 0)");
  FoldsAndIsSound();
  db_.engine->limits.capture_memory_bytes = 500;
  db_.Exec("BEGIN");
  for (int i = 1; i <= 300; ++i) db_.Exec("UPDATE t SET a = a + 1");
  db_.Exec("UPDATE t SET a = 0 WHERE id = 2; COMMIT");
  const HybridTimestamp last = LastStamp();
  FoldsAndIsSound();
  EXPECT_EQ(StateOf(1).incarnations[0].cells[0].stamp.time, last);
  EXPECT_LT(StateOf(2).incarnations[0].cells[0].stamp.time, last);  // it is what it was
  EXPECT_EQ(StateOf(3).incarnations[0].cells[0].stamp.time, last);
}

INSTANTIATE_TEST_SUITE_P(KindsOfTable, FoldCut,
                         ::testing::Values("CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
                                           "CREATE TABLE t(id INT PRIMARY KEY NOT NULL, a)",
                                           "CREATE TABLE t(id INT PRIMARY KEY, a) WITHOUT ROWID"));

}  // namespace
}  // namespace rejoin::testing
