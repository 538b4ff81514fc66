// Processes that are killed with -9 at random moments of writing, folding and
// merging: what they had acknowledged is there, nothing is half there.
//
// REJOIN_KILLS sets how often (default 1,000), REJOIN_SEED the moments. After each thousand all
// begins anew with empty files, for what is known of a row grows with each time it was deleted.

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kDefaultKills = 60;
#else
constexpr std::uint64_t kDefaultKills = 1000;
#endif
// A process is killed a moment after it has told of so many commits: however slow the
// machine, it gets to work. After none it dies while it opens the files or begins to write.
constexpr std::uint64_t kMostCommits = 3;
constexpr std::uint64_t kLongestMomentUs = 5'000;
constexpr std::uint64_t kMeetEach = 100;  // so often both replicas are compared
constexpr std::uint64_t kKillsOfAWorld = 1000;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Transaction n of side s leaves: pulse(s) = n, and of ten slots of s in each other
// table all but slot n % 10, each with n.
constexpr char kSchema[] = R"sql(
CREATE TABLE pulse(side TEXT PRIMARY KEY NOT NULL, n INTEGER);
CREATE TABLE mark(side TEXT, slot INTEGER, n INTEGER, PRIMARY KEY(side, slot));
CREATE TABLE kept(side TEXT, slot INTEGER, n INTEGER, pad TEXT, PRIMARY KEY(side, slot)) WITHOUT ROWID;
CREATE TABLE num(id INTEGER PRIMARY KEY, side TEXT, slot INTEGER, n INTEGER, u TEXT UNIQUE);
)sql";
constexpr const char* kTables[] = {"pulse", "mark", "kept", "num"};

void MakeLimitsSmall(TestDatabase& database) {
  Limits& limits = database.engine->limits;
  limits.capture_memory_bytes = 2048;
  limits.log_body_bytes = 1024;
  limits.fold_batch_bytes = 4096;
  limits.listed_keys_bytes = 4096;
  limits.log_min_bytes = 16'384;
  limits.log_file_percent = 1;
}

// A killed process leaves its writes to the operating system: no fsync is needed
// to survive it, only the right order, which is what this is about.
std::unique_ptr<TestDatabase> Open(const ScratchFolder& folder, char side, std::uint64_t generation) {
  const std::string file = folder.File(std::string(1, side) + ".db");
  auto database = std::make_unique<TestDatabase>(generation * 2 + (side == 'a' ? 0 : 1), file);
  database->clock.wall_ms += generation * 100;
  sqlite3_busy_timeout(database->db, 10'000);
  database->Exec("PRAGMA synchronous = OFF");
  MakeLimitsSmall(*database);
  return database;
}

std::string WriteSql(char side, std::uint64_t n) {
  const std::string name = std::string("'") + side + "'";
  const std::string number = std::to_string(n);
  const std::string out = std::to_string(n % 10);
  const std::string in = std::to_string((n + 9) % 10);
  const std::string base = side == 'a' ? "1000" : "2000";
  std::string sql = "BEGIN; REPLACE INTO pulse VALUES(" + name + ", " + number + ");";
  for (const char* const table : {"mark", "kept", "num"}) {
    const std::string into = table;
    sql += "UPDATE " + into + " SET n = " + number + " WHERE side = " + name + ";";
    sql += "DELETE FROM " + into + " WHERE side = " + name + " AND slot = " + out + ";";
  }
  sql += "REPLACE INTO mark VALUES(" + name + ", " + in + ", " + number + ");";
  sql += "REPLACE INTO kept VALUES(" + name + ", " + in + ", " + number + ", printf('%.*c', " +
         std::to_string(n % 13 * 100) + ", 'x'));";
  sql += "REPLACE INTO num VALUES(" + base + " + " + in + ", " + name + ", " + in + ", " + number + ", " + name +
         " || " + in + ");";
  return sql + "COMMIT";
}

std::uint64_t Pulse(TestDatabase& database, char side) {
  const auto rows = database.Query(std::string("SELECT n FROM pulse WHERE side = '") + side + "'");
  return rows.empty() ? 0 : std::strtoull(rows.front().c_str(), nullptr, 10);
}

// What a process told before it died.
struct Told {
  char what = 0;  // 'a', 'b': committed there; 'A', 'B': merged into there, from the other
  std::uint64_t n = 0;
};

[[noreturn]] void Live(const ScratchFolder& folder, std::uint64_t generation, std::uint64_t seed, int pipe) {
  SeededRandom random(seed);
  const auto a = Open(folder, 'a', generation);
  const auto b = Open(folder, 'b', generation);
  const auto tell = [pipe](char what, std::uint64_t n) {
    const Told told{what, n};
    if (write(pipe, &told, sizeof told) != sizeof told) _exit(4);
  };
  for (;;) {
    const bool at_a = random.Draw64() % 2 == 0;
    TestDatabase& here = at_a ? *a : *b;
    const char side = at_a ? 'a' : 'b';
    const char other = at_a ? 'b' : 'a';
    if (random.Draw64() % 4 == 0) {
      TestDatabase& there = at_a ? *b : *a;
      const std::uint64_t n = Pulse(there, other);
      here.Pull(there);
      if (::testing::Test::HasFailure()) _exit(3);
      tell(at_a ? 'A' : 'B', n);
    } else {
      const std::uint64_t n = Pulse(here, side) + 1;
      here.clock.Advance(1);
      here.Exec(WriteSql(side, n));
      if (::testing::Test::HasFailure()) _exit(3);
      tell(side, n);
    }
  }
}

class KillLoop {
 public:
  explicit KillLoop(std::uint64_t seed) : random_(seed) {
    for (const char side : {'a', 'b'}) {
      const auto database = Open(folder_, side, 0);
      database->Exec(side == 'a' ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE");
      database->Exec(kSchema);
      for (const char* const table : kTables) database->Track(table);
      ids_ += database->One("SELECT hex(value) FROM rejoin__meta WHERE name = 'replica'");
    }
  }

  // One process, its death, and a look at what it left.
  void Once() {
    ++generation_;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    const std::uint64_t seed = random_.Draw64();
    if (child == 0) {
      close(ends[0]);
      Live(folder_, generation_, seed, ends[1]);
    }
    close(ends[1]);
    const std::uint64_t commits = random_.Draw64() % (kMostCommits + 1);
    EXPECT_EQ(HearOfCommits(ends[0], commits), commits);
    Sleep(random_.Draw64() % kLongestMomentUs);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with " << WEXITSTATUS(status);
    HearOfCommits(ends[0], ~std::uint64_t{0});
    close(ends[0]);
    Look();
  }

 private:
  static void Sleep(std::uint64_t microseconds) {
    timespec wait{0, static_cast<long>(microseconds * 1000)};
    nanosleep(&wait, nullptr);
  }

  // Listens until so many were told of, or the process has ended; returns how many.
  std::uint64_t HearOfCommits(int pipe, std::uint64_t most) {
    std::uint64_t commits = 0;
    Told told;
    while (commits < most && read(pipe, &told, sizeof told) == sizeof told) {
      std::uint64_t& least = told.what == 'A' ? at_a_of_b_ : told.what == 'B' ? at_b_of_a_ : told.what == 'a' ? at_a_ : at_b_;
      least = std::max(least, told.n);
      if (told.what == 'a' || told.what == 'b') ++commits;
    }
    return commits;
  }

  void Look() {
    const auto a = Open(folder_, 'a', generation_ + 1'000'000);
    const auto b = Open(folder_, 'b', generation_ + 1'000'000);
    EXPECT_GE(Pulse(*a, 'a'), at_a_);
    EXPECT_LE(Pulse(*a, 'a'), at_a_ + 1);
    EXPECT_GE(Pulse(*b, 'b'), at_b_);
    EXPECT_LE(Pulse(*b, 'b'), at_b_ + 1);
    EXPECT_GE(Pulse(*a, 'b'), at_a_of_b_);
    EXPECT_GE(Pulse(*b, 'a'), at_b_of_a_);
    at_a_ = Pulse(*a, 'a');
    at_b_ = Pulse(*b, 'b');
    std::string ids;
    for (TestDatabase* const each : {a.get(), b.get()}) {
      ExpectWhole(*each);
      ids += each->One("SELECT hex(value) FROM rejoin__meta WHERE name = 'replica'");
    }
    EXPECT_EQ(ids, ids_) << "a killed process is no copied file";
    if (generation_ % kMeetEach == 0) Meet(*a, *b);
  }

  // Every transaction is there as a whole or not at all, written or merged.
  static void ExpectWhole(TestDatabase& database) {
    for (const char side : {'a', 'b'}) {
      const std::uint64_t n = Pulse(database, side);
      if (n < 10) continue;  // not all slots yet
      for (const char* const table : {"mark", "kept", "num"}) {
        EXPECT_EQ(database.One(std::string("SELECT count(*), min(n), max(n), sum(slot) FROM ") + table + " WHERE side = '" + side + "'"),
                  "9|" + std::to_string(n) + "|" + std::to_string(n) + "|" + std::to_string(45 - n % 10))
            << table << " of " << side;
      }
    }
    const auto findings = database.store->Check();
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
    EXPECT_EQ(database.One("SELECT * FROM pragma_integrity_check"), "ok");
  }

  static void Meet(TestDatabase& a, TestDatabase& b) {
    Exchange(a, b);
    EXPECT_EQ(a.DigestHex(), b.DigestHex());
    for (const char* const table : kTables) EXPECT_EQ(SharedRows(a.db, table), SharedRows(b.db, table));
  }

  ScratchFolder folder_;
  SeededRandom random_;
  std::string ids_;
  std::uint64_t generation_ = 0;
  std::uint64_t at_a_ = 0;       // the least that must be there
  std::uint64_t at_b_ = 0;
  std::uint64_t at_a_of_b_ = 0;
  std::uint64_t at_b_of_a_ = 0;
};

TEST(Durability, KilledAtRandomMomentsNothingIsLost) {
  const std::uint64_t kills = FromEnvironment("REJOIN_KILLS", kDefaultKills);
  std::uint64_t seed = FromEnvironment("REJOIN_SEED", 1);
  for (std::uint64_t done = 0; done < kills; ++seed) {
    SCOPED_TRACE("REJOIN_SEED=" + std::to_string(seed));
    KillLoop loop(seed);
    for (const std::uint64_t end = std::min(kills, done + kKillsOfAWorld); done < end; ++done) {
      loop.Once();
      if (::testing::Test::HasFailure()) FAIL() << "after " << done << " kills";
    }
    if (kills > kKillsOfAWorld) std::cout << "  " << done << " of " << kills << " kills" << std::endl;
  }
}

// Processes that take turns as SQLite lets them.
TEST(Durability, SeveralProcessesWriteOneFile) {
  constexpr int kProcesses = 3;
  constexpr std::uint64_t kTransactions = 60;
  ScratchFolder folder;
  {
    const auto database = Open(folder, 'a', 0);
    database->Exec("PRAGMA journal_mode = WAL");
    database->Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, who, n); CREATE TABLE total(id TEXT PRIMARY KEY NOT NULL, n)");
    database->Track("t");
    database->Track("total");
    database->Exec("INSERT INTO total VALUES('all', 0)");
  }
  std::vector<pid_t> children;
  for (int who = 0; who < kProcesses; ++who) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    const auto database = Open(folder, 'a', static_cast<std::uint64_t>(who) + 10);
    for (std::uint64_t n = 0; n < kTransactions; ++n) {
      database->Exec("BEGIN IMMEDIATE; INSERT INTO t(who, n) VALUES(" + std::to_string(who) + ", " +
                     std::to_string(n) + "); UPDATE total SET n = n + 1; COMMIT");
      if (n % 16 == 15) database->DigestHex();  // folds
    }
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  const auto database = Open(folder, 'a', 99);
  const std::string all = std::to_string(kProcesses * kTransactions);
  EXPECT_EQ(database->One("SELECT count(*), (SELECT n FROM total) FROM t"), all + "|" + all);
  const auto findings = database->store->Check();
  EXPECT_TRUE(findings && findings->empty());
  TestDatabase replica(500);
  replica.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, who, n); CREATE TABLE total(id TEXT PRIMARY KEY NOT NULL, n)");
  replica.Track("t");
  replica.Track("total");
  replica.Pull(*database);
  EXPECT_EQ(replica.One("SELECT count(*), (SELECT n FROM total) FROM t"), all + "|" + all);
  EXPECT_EQ(replica.DigestHex(), database->DigestHex());
}

}  // namespace
}  // namespace rejoin::testing
