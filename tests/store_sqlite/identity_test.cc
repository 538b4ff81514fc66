// Copies and restores get a new identity in time, and nothing is lost.

#include <memory>
#include <set>

#include "base/os.h"
#include "store/sqlite/identity.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

constexpr char kNote[] = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)";

std::vector<std::string> Notes(TestDatabase& db) { return db.Query("SELECT * FROM note ORDER BY id"); }

void Write(TestDatabase& db, const std::string& id, const std::string& body) {
  db.clock.Advance(1);
  db.Exec("INSERT INTO note VALUES(" + QuoteText(id) + ", " + QuoteText(body) +
          ") ON CONFLICT DO UPDATE SET body = excluded.body");
}

class Copies : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return folder_.File(name); }

  // Copies a database that is closed; the sidecar too where told.
  void Copy(const std::string& from, const std::string& to, bool with_sidecar) {
    namespace fs = std::filesystem;
    const auto overwrite = fs::copy_options::overwrite_existing;
    fs::copy_file(File(from), File(to), overwrite);
    fs::remove(File(to) + "-wal");
    if (with_sidecar) fs::copy_file(File(from) + "-rejoin", File(to) + "-rejoin", overwrite);
  }

  // SQLite's own way of putting a backup in place of a database that is open.
  void Restore(const std::string& from, TestDatabase& to) {
    sqlite3* backup = nullptr;
    ASSERT_EQ(sqlite3_open(File(from).c_str(), &backup), SQLITE_OK);
    sqlite3_backup* job = sqlite3_backup_init(to.db, "main", backup, "main");
    ASSERT_NE(job, nullptr);
    ASSERT_EQ(sqlite3_backup_step(job, -1), SQLITE_DONE);
    sqlite3_backup_finish(job);
    sqlite3_close(backup);
  }

  void SetUp() override {
    TestDatabase original(1, File("a.db"));
    original.Exec(kNote);
    original.Track("note");
    Write(original, "k1", "first");
    hub.Exec(kNote);
    hub.Track("note");
    Exchange(original, hub);
  }

  void ExpectAllEqual(const std::vector<TestDatabase*>& replicas) {
    for (int round = 0; round < 2; ++round) {
      for (TestDatabase* replica : replicas) Exchange(*replica, hub);
    }
    for (TestDatabase* replica : replicas) {
      EXPECT_EQ(Notes(*replica), Notes(hub));
      EXPECT_EQ(replica->DigestHex(), hub.DigestHex());
    }
  }

  TestDatabase hub{99};

 private:
  ScratchFolder folder_;
};

TEST_F(Copies, CopiedFileBecomesAReplicaOfItsOwnAtItsFirstWrite) {
  Copy("a.db", "b.db", false);
  TestDatabase a(2, File("a.db"));
  TestDatabase b(3, File("b.db"));
  Write(a, "ka", "by the original");
  Write(b, "kb", "by the copy");
  EXPECT_NE(a.store->Replica()->Hex(), b.store->Replica()->Hex());
  ExpectAllEqual({&a, &b});
  EXPECT_EQ(Notes(hub).size(), 3u);
}

// The copy folds what is in its log under the old id, in the commit of its first
// write, and looks at rows that a UNIQUE value hides.
// As programs ship them: set up, and never written.
TEST_F(Copies, CopiesOfAFileThatWasOnlyTrackedAreReplicasOfTheirOwn) {
  {
    TestDatabase form(50, File("form.db"));
    form.Exec(kNote);
    form.Exec("INSERT INTO note VALUES('shipped', 'with it')");
    form.Track("note");
  }
  std::vector<std::unique_ptr<TestDatabase>> copies;
  std::set<std::string> ids;
  for (std::uint64_t number = 2; number <= 4; ++number) {
    const std::string name = "copy" + std::to_string(number) + ".db";
    Copy("form.db", name, false);
    copies.push_back(std::make_unique<TestDatabase>(number, File(name)));
    Write(*copies.back(), "k" + std::to_string(number), "its own");
    ids.insert(copies.back()->store->Replica()->Hex());
  }
  EXPECT_EQ(ids.size(), 3u);
  TestDatabase form(50, File("form.db"));
  Write(form, "form", "its own");
  ids.insert(form.store->Replica()->Hex());
  EXPECT_EQ(ids.size(), 4u);
  ExpectAllEqual({copies[0].get(), copies[1].get(), copies[2].get(), &form});
}

TEST_F(Copies, FirstWriteOfACopyWithAHiddenRowAndAnUnfoldedLog) {
  constexpr char kUnique[] = "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, u UNIQUE)";
  TestDatabase peer(7);
  {
    TestDatabase a(2, File("a.db"));
    for (TestDatabase* const each : {&a, &peer}) {
      each->Exec(kUnique);
      each->Track("tag");
    }
    a.Exec("INSERT INTO tag VALUES('a', 'same')");
    peer.clock.Advance(1'000);
    peer.Exec("INSERT INTO tag VALUES('b', 'same')");
    a.Pull(peer);
    a.Exec("INSERT INTO tag VALUES('c', 'other'); UPDATE tag SET u = 'another' WHERE id = 'c'");
  }
  Copy("a.db", "copy.db", false);
  TestDatabase copy(3, File("copy.db"));
  copy.Exec("INSERT INTO tag VALUES('d', 'd')");
  EXPECT_EQ(copy.Query("SELECT id FROM tag ORDER BY id"), (std::vector<std::string>{"b", "c", "d"}));
  copy.Exec("DELETE FROM tag WHERE id = 'b'");
  EXPECT_EQ(copy.DigestHex().size(), 32u);
  EXPECT_EQ(copy.Query("SELECT id FROM tag ORDER BY id"), (std::vector<std::string>{"a", "c", "d"}));
}

TEST_F(Copies, CopyBeforeAndAfterWritingTwice) {
  Copy("a.db", "b.db", false);
  {
    TestDatabase b(3, File("b.db"));
    Write(b, "kb", "by the copy");
  }
  Copy("b.db", "c.db", false);
  Copy("a.db", "d.db", false);
  TestDatabase a(2, File("a.db"));
  TestDatabase b(4, File("b.db"));
  TestDatabase c(5, File("c.db"));
  TestDatabase d(6, File("d.db"));
  Write(a, "k1", "a");
  Write(b, "k1", "b");
  Write(c, "k1", "c");
  Write(d, "kd", "d");
  ExpectAllEqual({&a, &b, &c, &d});
  EXPECT_EQ(hub.One("SELECT body FROM note WHERE id = 'k1'"), "c") << "the latest clock wins";
}

TEST_F(Copies, RestoredBackupWithoutItsSidecarTakesANewIdentity) {
  Copy("a.db", "backup.db", false);
  std::string before;
  {
    TestDatabase a(2, File("a.db"));
    Write(a, "k2", "after the backup");
    Exchange(a, hub);
    before = a.store->Replica()->Hex();
  }
  Copy("backup.db", "a.db", false);
  TestDatabase a(3, File("a.db"));
  Write(a, "k3", "after the restore");
  EXPECT_NE(a.store->Replica()->Hex(), before);
  ExpectAllEqual({&a});
  EXPECT_EQ(Notes(hub).size(), 3u);
}

TEST_F(Copies, RestoredTogetherWithItsSidecarIsFoundByItsPeer) {
  Copy("a.db", "backup.db", true);
  {
    TestDatabase a(2, File("a.db"));
    Write(a, "k2", "after the backup");
    Exchange(a, hub);
  }
  Copy("backup.db", "a.db", true);
  TestDatabase a(3, File("a.db"));
  a.clock.Advance(1'000);
  Write(a, "k3", "after the restore");
  const std::string before = a.store->Replica()->Hex();
  // The hub names a state of this replica that this file never was in.
  const auto refused = a.Merge(hub.Delta(*a.store->Vector()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotCovered);
  EXPECT_NE(a.store->Replica()->Hex(), before);
  ExpectAllEqual({&a});
  EXPECT_EQ(Notes(hub).size(), 3u);
}

// At once too, not only when the next token is due.
TEST_F(Copies, RestoredWhileOpenIsNoticedAtTheNextWrite) {
  for (const std::uint64_t pause_ms : {std::uint64_t{0}, 2 * kFenceIntervalMs}) {
    SCOPED_TRACE(pause_ms);
    const std::string mark = std::to_string(pause_ms);
    TestDatabase a(2 + pause_ms, File("a.db"));
    Write(a, "k2" + mark, "two");
    const std::string before = a.store->Replica()->Hex();
    Copy("a.db", "backup.db", false);
    a.clock.Advance(pause_ms);
    Write(a, "k3" + mark, "three");
    Exchange(a, hub);
    Restore("backup.db", a);
    EXPECT_EQ(a.One("SELECT count(*) FROM note WHERE id = 'k3" + mark + "'"), "0");
    Write(a, "k4" + mark, "four");
    EXPECT_NE(a.store->Replica()->Hex(), before);
    ExpectAllEqual({&a});
    EXPECT_EQ(hub.One("SELECT count(*) FROM note WHERE id LIKE '%" + mark + "'"), "3");
  }
}

// The row that it committed last is gone, and another one is in its place.
TEST_F(Copies, RestoredWhileOpenIsNoticedThoughAnotherConnectionHasWrittenSince) {
  TestDatabase a(2, File("a.db"));
  Write(a, "k2", "two");
  const std::string before = a.store->Replica()->Hex();
  Copy("a.db", "backup.db", false);
  Write(a, "k3", "three");
  Restore("backup.db", a);
  {
    TestDatabase other(3, File("a.db"));
    Write(other, "k4", "four");
    EXPECT_EQ(other.store->Replica()->Hex(), before);
  }
  Write(a, "k5", "five");
  EXPECT_NE(a.store->Replica()->Hex(), before);
}

// Put back together with its sidecar, and then asked first.
TEST_F(Copies, RestoredWithItsSidecarIsFoundByWhoAsksIt) {
  Copy("a.db", "backup.db", true);
  {
    TestDatabase a(2, File("a.db"));
    Write(a, "k2", "after the backup");
    Exchange(a, hub);
  }
  Copy("backup.db", "a.db", true);
  TestDatabase a(3, File("a.db"));
  a.clock.Advance(1'000);
  Write(a, "k3", "after the restore");
  const std::string before = a.store->Replica()->Hex();
  hub.Pull(a);
  EXPECT_NE(a.store->Replica()->Hex(), before);
  EXPECT_EQ(Notes(hub).size(), 3u);
  ExpectAllEqual({&a});
  EXPECT_EQ(Notes(a).size(), 3u);
}

// The other file may have its changes too: they keep their stamps.
TEST_F(Copies, ACopyIsFoundBeforeItsTimesAreCorrected) {
  constexpr std::uint64_t kDayMs = std::uint64_t{24} * 3600 * 1000;
  {
    TestDatabase a(2, File("a.db"));
    a.clock.Advance(kDayMs);
    Write(a, "k2", "unseen");
  }
  Copy("a.db", "b.db", false);
  TestDatabase a(3, File("a.db"));
  TestDatabase b(4, File("b.db"));
  const HybridTimestamp before = *b.store->LatestTimeSeen();
  const TimeCorrection correction{b.clock.wall_ms, -static_cast<std::int64_t>(kDayMs), {}};
  const auto of_copy = b.store->CorrectTime(correction);
  ASSERT_TRUE(of_copy) << of_copy.error().message;
  EXPECT_FALSE(*of_copy);
  EXPECT_NE(b.store->Replica()->Hex(), a.store->Replica()->Hex());
  EXPECT_EQ(*b.store->LatestTimeSeen(), before);
  const auto of_original = a.store->CorrectTime(correction);
  ASSERT_TRUE(of_original) << of_original.error().message;
  EXPECT_TRUE(*of_original);
  Write(b, "kb", "by the copy");
  ExpectAllEqual({&a, &b});
  Write(a, "ka", "by the original");
  ExpectAllEqual({&a, &b});
  EXPECT_EQ(Notes(hub).size(), 4u);
}

// Nor are those of a file that was put back together with its sidecar.
TEST_F(Copies, ARestoredFileIsFoundBeforeItsTimesAreCorrected) {
  Copy("a.db", "backup.db", true);
  {
    TestDatabase a(2, File("a.db"));
    Write(a, "k2", "after the backup");
    Exchange(a, hub);
  }
  Copy("backup.db", "a.db", true);
  TestDatabase a(3, File("a.db"));
  a.clock.Advance(60'000);
  Write(a, "k3", "after the restore");
  const ReplicaId before = *a.store->Replica();
  const auto corrected = a.store->CorrectTime({a.clock.wall_ms - 30'000, -30'000, *hub.store->Vector()});
  ASSERT_TRUE(corrected) << corrected.error().message;
  EXPECT_FALSE(*corrected);
  EXPECT_NE(*a.store->Replica(), before);
  ExpectAllEqual({&a});
  EXPECT_EQ(Notes(hub).size(), 3u);
}

TEST_F(Copies, TimesAreNotCorrectedInsideATransaction) {
  TestDatabase a(2, File("a.db"));
  Write(a, "k2", "unseen");
  a.Exec("BEGIN");
  const auto refused = a.store->CorrectTime({a.clock.wall_ms + 60'000, 60'000, {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kOpenTransaction);
  a.Exec("COMMIT");
}

TEST_F(Copies, WritingForHoursKeepsTheIdentity) {
  TestDatabase a(2, File("a.db"));
  const std::string before = a.store->Replica()->Hex();
  for (int i = 0; i < 200; ++i) {
    a.clock.Advance(kFenceIntervalMs / 3);
    Write(a, "k" + std::to_string(i), "x");
  }
  EXPECT_EQ(a.store->Replica()->Hex(), before);
}

TEST_F(Copies, TwoConnectionsOnOneFileAreOneReplica) {
  TestDatabase a(2, File("a.db"));
  TestDatabase again(3, File("a.db"));
  Write(a, "k2", "one hand");
  Write(again, "k3", "the other");
  a.clock.Advance(2 * kFenceIntervalMs);
  Write(a, "k4", "one hand");
  Write(again, "k5", "the other");
  EXPECT_EQ(a.store->Replica()->Hex(), again.store->Replica()->Hex());
  ExpectAllEqual({&a, &again});
}

TEST_F(Copies, RolledBackFirstWriteLeavesTheIdentityAlone) {
  TestDatabase a(2, File("a.db"));
  const std::string before = a.store->Replica()->Hex();
  a.Exec("BEGIN; INSERT INTO note VALUES('x', 'y'); ROLLBACK");
  Write(a, "k2", "two");
  EXPECT_EQ(a.store->Replica()->Hex(), before);
}

// By then the sidecar has the token of the commit, and that of before.
TEST_F(Copies, CommitThatWasRefusedLeavesTheIdentityAlone) {
  TestDatabase a(2, File("a.db"));
  const std::string before = a.store->Replica()->Hex();
  TestDatabase reader(3, File("a.db"));
  a.Exec("BEGIN; INSERT INTO note VALUES('x', 'y')");
  reader.Exec("BEGIN; SELECT * FROM note");
  EXPECT_EQ(a.Try("COMMIT"), SQLITE_BUSY);
  a.Exec("ROLLBACK");
  reader.Exec("COMMIT");
  Write(a, "k2", "two");
  EXPECT_EQ(a.store->Replica()->Hex(), before);
}

TEST_F(Copies, SidecarThatCannotBeWrittenRefusesTheCommitWithAReason) {
  TestDatabase a(2, File("a.db"));
  std::filesystem::remove(File("a.db-rejoin"));
  std::filesystem::create_directory(File("a.db-rejoin"));
  EXPECT_NE(a.Try("INSERT INTO note VALUES('x', 'y')"), SQLITE_OK);
  EXPECT_NE(a.error.find("a.db-rejoin"), std::string::npos) << a.error;
  EXPECT_EQ(a.One("SELECT count(*) FROM note"), "1");
}

}  // namespace
}  // namespace rejoin::testing
