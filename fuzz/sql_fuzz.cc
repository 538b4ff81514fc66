// The input is an SQL script. It runs on tracked tables and on plain ones: after each
// statement its result and the contents of all tables are the same. In between, and in the
// end, a second replica gets what was committed: by the log, or all at once, or both, and
// has the same rows, and the same state.
#include <algorithm>
#include <array>
#include <memory>

#include "fuzz/choices.h"
#include "fuzz/require.h"
#include "fuzz/sql_script.h"
#include "fuzz/tracked_database.h"

namespace rejoin::fuzz {
namespace {

constexpr std::size_t kMaxStatements = 60;
constexpr std::size_t kArriveEvery = 16;  // one step in so many

// A database without Rejoin.
class PlainDatabase {
 public:
  PlainDatabase() {
    Require(sqlite3_open(":memory:", &handle_) == SQLITE_OK, "a database opens");
    sqlite3_extended_result_codes(handle_, 1);
    const std::string schema = kSqlSchema + TriggersThatMayAbort();
    const int made = sqlite3_exec(handle_, schema.c_str(), nullptr, nullptr, nullptr);
    if (made != SQLITE_OK) Abort(sqlite3_errmsg(handle_));
  }
  PlainDatabase(const PlainDatabase&) = delete;
  PlainDatabase& operator=(const PlainDatabase&) = delete;
  ~PlainDatabase() { sqlite3_close(handle_); }
  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

struct Outcome {
  int code = SQLITE_OK;
  std::string message;
  bool in_transaction = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome RunOne(sqlite3* db, const std::string& sql) {
  Outcome outcome;
  outcome.code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  if (outcome.code != SQLITE_OK) outcome.message = sqlite3_errmsg(db);
  outcome.in_transaction = sqlite3_get_autocommit(db) == 0;
  return outcome;
}

std::string Text(const Outcome& outcome) {
  return std::to_string(outcome.code) + " " + outcome.message +
         (outcome.in_transaction ? " (in a transaction)" : "");
}

// Classes and bits, not what SQL calls equal.
std::vector<std::string> RowsOf(sqlite3_stmt* statement) {
  std::vector<std::string> rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    Bytes row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      PutValue(row, ViewOf(sqlite3_column_value(statement, i)));
    }
    rows.push_back(std::move(row));
  }
  sqlite3_reset(statement);
  return rows;
}

sqlite3_stmt* Prepared(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  if (prepared != SQLITE_OK) Abort(sql + ": " + sqlite3_errmsg(db));
  return statement;
}

// Reads all tables, rowids included; after each statement, so nothing is prepared twice.
class Reader {
 public:
  explicit Reader(sqlite3* db) {
    for (const std::string& table : SqlTables()) {
      const char* const rowid = table == "pair" ? "" : "rowid, ";
      statements_.push_back(Prepared(db, "SELECT " + (rowid + ("* FROM " + table)) + " ORDER BY 1, 2"));
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    for (sqlite3_stmt* const statement : statements_) sqlite3_finalize(statement);
  }
  std::vector<std::string> Rows(std::size_t table) { return RowsOf(statements_[table]); }

 private:
  std::vector<sqlite3_stmt*> statements_;
};

// What replicas agree on: no rowids, no rows with a NULL in the key.
std::vector<std::string> Shared(sqlite3* db, const std::string& table) {
  const char* const whole = table == "pair"   ? " WHERE x IS NOT NULL AND y IS NOT NULL"
                            : table == "slot" ? " WHERE k IS NOT NULL"
                                              : "";
  sqlite3_stmt* const statement = Prepared(db, "SELECT * FROM " + table + whole);
  std::vector<std::string> rows = RowsOf(statement);
  sqlite3_finalize(statement);
  std::sort(rows.begin(), rows.end());
  return rows;
}

// A tracked database as it is before anything was written, copied: to make one takes
// longer than to run a script on it.
std::unique_ptr<TrackedDatabase> Fresh(std::uint64_t seed) {
  static const auto make = [](std::uint64_t of) {
    auto made = std::make_unique<TrackedDatabase>(of);
    made->Exec(kSqlSchema);
    for (const std::string& table : SqlTables()) made->Track(table);
    return made;
  };
  static const std::array originals{make(1), make(2), make(3)};
  return std::make_unique<TrackedDatabase>(seed + 100, *originals[seed - 1]);
}

class Script {
 public:
  explicit Script(Choices& choices) : choices_(choices) {}

  void Run() {
    for (std::size_t i = 0; i < kMaxStatements && !choices_.AtEnd(); ++i) {
      RunStatement(NextStatement(choices_));
      if (choices_.Below(kArriveEvery) == 1) Arrive(*follower_);
    }
    if (sqlite3_get_autocommit(plain_.handle()) == 0) RunStatement("COMMIT");
    Arrive(*follower_);
    Arrive(*Fresh(3));
    RequireSound(*tracked_);
    RequireSound(*follower_);
  }

 private:
  void RunStatement(const std::string& sql) {
    said_ += sql + ";\n";
    const Outcome plain = RunOne(plain_.handle(), sql);
    const Outcome ours = RunOne(tracked_->handle(), sql);
    if (!(ours == plain)) {
      Abort("the same result: " + Text(ours) + ", without us " + Text(plain) + "\n" + said_);
    }
    for (std::size_t table = 0; table < SqlTables().size(); ++table) {
      if (our_tables_.Rows(table) == plain_tables_.Rows(table)) continue;
      Abort("the same rows in " + SqlTables()[table] + "\n" + said_);
    }
  }

  void Arrive(TrackedDatabase& replica) {
    if (sqlite3_get_autocommit(tracked_->handle()) == 0) return;
    said_ += "-- arrives\n";
    const Status pulled = replica.Pull(*tracked_);
    if (!pulled) Abort("a second replica gets it: " + pulled.error().message + "\n" + said_);
    for (const std::string& table : SqlTables()) {
      if (Shared(replica.handle(), table) != Shared(tracked_->handle(), table)) {
        Abort("the same rows of " + table + " on a second replica\n" + said_);
      }
    }
    const auto digest = tracked_->store().StateDigest(std::nullopt);
    const auto other = replica.store().StateDigest(std::nullopt);
    if (!digest || !other || !(*digest == *other)) Abort("the same state\n" + said_);
  }

  void RequireSound(TrackedDatabase& database) {
    const auto findings = database.store().Check();
    if (!findings) Abort("metadata can be read: " + findings.error().message + "\n" + said_);
    for (const Finding& finding : *findings) Abort("sound metadata: " + finding.problem + "\n" + said_);
  }

  Choices& choices_;
  PlainDatabase plain_;
  std::unique_ptr<TrackedDatabase> tracked_ = Fresh(1);
  std::unique_ptr<TrackedDatabase> follower_ = Fresh(2);
  Reader plain_tables_{plain_.handle()};
  Reader our_tables_{tracked_->handle()};
  std::string said_;  // the script, for who reads of a find
};

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  rejoin::fuzz::Choices choices({reinterpret_cast<const char*>(bytes), size});
  rejoin::fuzz::Script(choices).Run();
  return 0;
}
