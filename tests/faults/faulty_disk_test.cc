// The faulty disk keeps what SQLite may count on, and no more.

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/faults/faulty_files.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr char kPath[] = "/disk/a.db";

class Plain {
 public:
  explicit Plain(const FaultyVfs& vfs, const char* pragmas) {
    EXPECT_EQ(sqlite3_open_v2(kPath, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name()), SQLITE_OK);
    Exec(pragmas);
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  ~Plain() { sqlite3_close(db); }
  int Exec(const std::string& sql) { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr); }
  std::string One(const std::string& sql) { return ExactRows(db, sql).front(); }

  sqlite3* db = nullptr;
};

class DiskInMode : public ::testing::TestWithParam<const char*> {
 protected:
  FaultyDisk disk_;
  FaultyVfs vfs_{disk_};
};

TEST_P(DiskInMode, SeveralConnectionsTakeTurns) {
  Plain a(vfs_, GetParam());
  ASSERT_EQ(a.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1)"), SQLITE_OK);
  Plain b(vfs_, GetParam());
  EXPECT_EQ(b.One("SELECT count(*) FROM t"), "i1");
  ASSERT_EQ(a.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(2)"), SQLITE_OK);
  EXPECT_EQ(b.Exec("INSERT INTO t VALUES(3)"), SQLITE_BUSY);
  EXPECT_EQ(b.One("SELECT count(*) FROM t"), "i1");
  ASSERT_EQ(a.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(b.One("SELECT count(*) FROM t"), "i2");
  ASSERT_EQ(b.Exec("WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < 2000) "
                   "INSERT INTO t SELECT printf('%.*c', 100, 'x') FROM i; DELETE FROM t WHERE rowid % 2; VACUUM"),
            SQLITE_OK);
  EXPECT_EQ(a.One("PRAGMA integrity_check"), "tok");
  EXPECT_EQ(a.One("SELECT count(*) FROM (SELECT * FROM t ORDER BY x)"), "i1001");
}

// A kill, not a power cut: everything that was written is there.
TEST_P(DiskInMode, AKilledProcessLosesWhatWasNotCommitted) {
  Plain a(vfs_, GetParam());
  ASSERT_EQ(a.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1); PRAGMA cache_size = 1; BEGIN; INSERT INTO t "
                   "WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < 2000) SELECT i FROM i"),
            SQLITE_OK);
  FaultyDisk left(disk_.Image());
  FaultyVfs vfs(left);
  Plain b(vfs, GetParam());
  EXPECT_EQ(b.One("SELECT count(*) FROM t"), "i1");
  EXPECT_EQ(b.One("PRAGMA integrity_check"), "tok");
}

constexpr char kWalFull[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
constexpr char kWalOff[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF";
constexpr char kDeleteExtra[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA";
constexpr char kDeleteFull[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL";
INSTANTIATE_TEST_SUITE_P(Journal, DiskInMode, ::testing::Values(kWalFull, kDeleteExtra));

// What a power cut after each change of the disk leaves of `commits` commits that each add
// a row: the least and the most rows beyond what was told as committed.
struct Left {
  int least = 0;
  int most = 0;
  int broken = 0;
};

Left CutEverywhere(const char* pragmas, int commits) {
  FaultyDisk disk;
  FaultyVfs vfs(disk);
  Plain a(vfs, pragmas);
  EXPECT_EQ(a.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  disk.SyncFolder();  // or the table's own journal could come back
  int told = 0;
  Left left;
  std::uint64_t seed = 0;
  disk.after_change = [&] {
    for (int order = 0; order < 20; ++order) {
      FaultyDisk after(disk.ImageAfterPowerCut(++seed));
      FaultyVfs after_vfs(after);
      Plain b(after_vfs, pragmas);
      const std::string count = b.One("SELECT count(*) FROM t");
      if (count[0] != 'i' || b.One("PRAGMA integrity_check") != "tok") {
        ++left.broken;
        continue;
      }
      left.least = std::min(left.least, std::stoi(count.substr(1)) - told);
      left.most = std::max(left.most, std::stoi(count.substr(1)) - told);
    }
  };
  for (; told < commits; ++told) EXPECT_EQ(a.Exec("INSERT INTO t VALUES(printf('%.*c', 900, 'x'))"), SQLITE_OK);
  disk.after_change = nullptr;
  return left;
}

TEST(PowerCut, LosesNothingOfWhatWasSynced) {
  for (const char* const pragmas : {kWalFull, kDeleteExtra}) {
    const Left left = CutEverywhere(pragmas, 12);
    EXPECT_EQ(left.least, 0) << pragmas;
    EXPECT_EQ(left.most, 1) << pragmas;
    EXPECT_EQ(left.broken, 0) << pragmas;
  }
}

TEST(PowerCut, TakesTheLastCommitBackWhereTheJournalComesBack) {
  const Left left = CutEverywhere(kDeleteFull, 12);
  EXPECT_EQ(left.least, -1);
  EXPECT_EQ(left.broken, 0);
}

TEST(PowerCut, LosesWhatWasNotSynced) {
  EXPECT_LT(CutEverywhere(kWalOff, 12).least, -3);
  EXPECT_GT(CutEverywhere("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF", 12).broken, 0);
}

TEST(PowerCut, IsTheSameForTheSameSeed) {
  FaultyDisk disk;
  FaultyVfs vfs(disk);
  Plain a(vfs, kWalOff);
  ASSERT_EQ(a.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(printf('%.*c', 9000, 'x'))"), SQLITE_OK);
  EXPECT_EQ(disk.ImageAfterPowerCut(5), disk.ImageAfterPowerCut(5));
  std::set<DiskImage> images;
  for (std::uint64_t seed = 0; seed < 64; ++seed) images.insert(disk.ImageAfterPowerCut(seed));
  EXPECT_GT(images.size(), 20u);
}

TEST(SmallFilesOnADisk, AreOldOrNewAfterAPowerCut) {
  FaultyDisk disk;
  FaultyFiles files(disk);
  ASSERT_TRUE(files.Replace("/disk/token", "old"));
  std::set<Bytes> seen;
  bool replaced = false;
  disk.after_change = [&] {
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
      DiskImage image = disk.ImageAfterPowerCut(seed);
      seen.insert(replaced ? "replaced: " + image["/disk/token"] : image["/disk/token"]);
    }
  };
  ASSERT_TRUE(files.Replace("/disk/token", "newer"));
  EXPECT_EQ(seen, (std::set<Bytes>{"old", "newer"}));
  replaced = true;
  seen.clear();
  disk.Changed();
  EXPECT_EQ(seen, (std::set<Bytes>{"replaced: newer"}));
}

TEST(Faults, FailTheCallThatTheyAreFor) {
  FaultyDisk disk;
  FaultyFiles files(disk);
  disk.Inject({DiskCall::kRename, Failure::kError, 2, false});
  EXPECT_TRUE(files.Replace("/disk/token", "1"));
  EXPECT_FALSE(files.Replace("/disk/token", "2"));
  EXPECT_TRUE(files.Replace("/disk/token", "3"));
  disk.Inject({std::nullopt, Failure::kError, disk.calls({}) + 1, true});
  EXPECT_FALSE(files.Read("/disk/token", 10));
  EXPECT_FALSE(files.Read("/disk/token", 10));
  disk.Heal();
  EXPECT_EQ(**files.Read("/disk/token", 10), "3");
  EXPECT_EQ(disk.failed(), 3u);
}

}  // namespace
}  // namespace rejoin::testing
