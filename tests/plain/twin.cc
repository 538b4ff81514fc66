#include "tests/plain/twin.h"

#include <ostream>
#include <sstream>

namespace rejoin::testing {
namespace {

constexpr char kUserTables[] =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\' "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
constexpr char kHasSequence[] = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
constexpr char kSequence[] =
    "SELECT * FROM sqlite_sequence WHERE name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\' ORDER BY name";
// Long enough to make waiting visible, and no longer: busy is tested, too.
constexpr int kBusyTimeoutMs = 0;

// Does it set changes() where it succeeds?
bool CountsChanges(const std::string& sql) {
  for (const char* const verb : {"INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"}) {
    if (sql.rfind(verb, 0) == 0) return true;
  }
  return false;
}

// After these last_insert_rowid() depends on what else is in the schema.
bool LosesInsertRowid(const std::string& sql, int code) {
  return sql.rfind("VACUUM", 0) == 0 || code == SQLITE_CONSTRAINT_FOREIGNKEY || code == SQLITE_INTERRUPT;
}

// One line per row, and per table.
std::vector<std::string> Contents(sqlite3* db) {
  std::vector<std::string> all;
  for (const std::string& table : Strings(db, kUserTables)) {
    all.push_back("table " + table);
    const std::string from = " FROM " + QuoteName(table);
    std::vector<std::string> rows = ExactRows(db, "SELECT _rowid_, *" + from + " ORDER BY _rowid_");
    if (!rows.empty() && rows.front().find("no such column") != std::string::npos) {
      rows = ExactRows(db, "SELECT *" + from);
    }
    all.insert(all.end(), rows.begin(), rows.end());
  }
  if (!Strings(db, kHasSequence).empty()) {
    const std::vector<std::string> rows = ExactRows(db, kSequence);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "    " + line + "\n";
  return text;
}

// Where two lists of lines part.
std::string ListDifference(const std::string& what, const std::vector<std::string>& ours,
                           const std::vector<std::string>& plain) {
  if (ours == plain) return "";
  return what + "\n  ours:\n" + Joined(ours) + "  plain:\n" + Joined(plain);
}

// What doctor would say.
std::string Findings(TestDatabase& database) {
  const auto findings = database.store->Check();
  if (!findings) return "Check: " + findings.error().message;
  std::string text;
  for (const Finding& finding : *findings) text += finding.table + ": " + finding.problem + "\n";
  return text;
}

std::string PullDifference(TestDatabase& from, TestDatabase& into) {
  const auto vector = into.store->Vector();
  if (!vector) return "Vector: " + vector.error().message;
  BytesSink sink(std::size_t{1} << 30);
  const auto extracted = from.store->ExtractSince(*vector, sink);
  if (!extracted) return "ExtractSince: " + extracted.error().message;
  const Bytes delta = sink.Take();
  const auto merged = into.Merge(delta);
  return merged ? "" : "Merge: " + merged.error().message;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  out << "code " << outcome.code << " '" << outcome.message << "', changes " << outcome.changes
      << ", last_insert_rowid " << outcome.last_insert_rowid << ", autocommit "
      << outcome.autocommit;
  for (const std::string& row : outcome.rows) out << "\n    " << row;
  return out;
}

Outcome RunStatement(sqlite3* db, const std::string& sql) {
  Outcome outcome;
  sqlite3_stmt* statement = nullptr;
  outcome.code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  if (outcome.code == SQLITE_OK && statement != nullptr) {
    while ((outcome.code = sqlite3_step(statement)) == SQLITE_ROW) {
      outcome.rows.push_back(RowText(statement));
    }
    if (outcome.code == SQLITE_DONE) outcome.code = SQLITE_OK;
  }
  if (outcome.code != SQLITE_OK) outcome.message = sqlite3_errmsg(db);
  sqlite3_finalize(statement);
  outcome.changes = sqlite3_changes(db);
  outcome.last_insert_rowid = sqlite3_last_insert_rowid(db);
  outcome.autocommit = sqlite3_get_autocommit(db) != 0;
  return outcome;
}

std::vector<std::string> Statements(const std::string& script) {
  std::vector<std::string> statements;
  std::string current;
  for (const char c : script) {
    current += c;
    if (c != ';' || sqlite3_complete(current.c_str()) == 0) continue;
    current.erase(0, current.find_first_not_of(" \n"));
    statements.push_back(std::move(current));
    current.clear();
  }
  EXPECT_EQ(current.find_first_not_of(" \n"), std::string::npos) << "no statement: " << current;
  return statements;
}

static void RunAll(sqlite3* db, const std::string& script) {
  for (const std::string& sql : Statements(script)) {
    const Outcome outcome = RunStatement(db, sql);
    EXPECT_EQ(outcome.code, SQLITE_OK) << sql << "\n  " << outcome;
  }
}

Twin::Twin(TwinOptions options) : options_(std::move(options)) {
  const std::string tracked_file = folder_.File("tracked.db");
  const std::string plain_file = folder_.File("plain.db");
  for (int i = 0; i < options_.connections; ++i) {
    const auto seed = static_cast<std::uint64_t>(100 + i);
    tracked_.push_back(std::make_unique<TestDatabase>(seed, tracked_file));
    tracked(i).Exec("PRAGMA synchronous = OFF");
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(plain_file.c_str(), &opened), SQLITE_OK);
    sqlite3_extended_result_codes(opened, 1);
    plain_.push_back(opened);
    RunStatement(opened, "PRAGMA synchronous = OFF");
    for (sqlite3* const db : {tracked(i).db, opened}) {
      sqlite3_busy_timeout(db, kBusyTimeoutMs);
      RunAll(db, options_.before_all);
    }
  }
  replica_ = std::make_unique<TestDatabase>(200, folder_.File("replica.db"));
  replica_->Exec("PRAGMA synchronous = OFF");
  for (sqlite3* const db : {tracked().db, plain(), replica_->db}) RunAll(db, options_.schema);
  RunAll(plain(), options_.only_plain);
  for (const std::string& table : options_.tables) {
    tracked().Track(table, options_.track);
    replica_->Track(table, options_.track);
  }
}

Twin::~Twin() {
  for (sqlite3* const db : plain_) EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

std::string Twin::Difference(const std::string& script, int connection) {
  for (const std::string& statement : Statements(script)) {
    if (arrive_each && statement.find("changes()") != std::string::npos) continue;
    std::string difference = RunOne(statement, connection);
    if (difference.empty() && arrive_each && last_.autocommit) difference = ArrivalDifference();
    if (!difference.empty()) return "after: " + statement + "\n" + difference;
  }
  return "";
}

void Twin::Run(const std::string& script, int connection) {
  if (::testing::Test::HasFailure()) return;  // everything after it would differ, too
  EXPECT_EQ(Difference(script, connection), "");
}

void Twin::Expect(int code, const std::string& statement, int connection) {
  if (::testing::Test::HasFailure()) return;
  EXPECT_EQ(RunOne(statement, connection), "") << statement;
  EXPECT_EQ(last_.code, code) << statement << "\n  " << last_;
}

std::string Twin::RunOne(const std::string& statement, int connection) {
  sqlite3* const ours = tracked(connection).db;
  const bool was_autocommit = sqlite3_get_autocommit(ours) != 0;
  last_ = RunStatement(plain(connection), statement);
  Outcome outcome = RunStatement(ours, statement);
  if (CountsChanges(statement) && last_.code == SQLITE_OK) changes_comparable_ = true;
  if (!was_autocommit && last_.autocommit) changes_comparable_ = false;  // it committed, maybe
  if (!changes_comparable_) outcome.changes = last_.changes;
  if (LosesInsertRowid(statement, last_.code)) rowid_comparable_ = false;
  if (outcome.last_insert_rowid == last_.last_insert_rowid) rowid_comparable_ = true;
  if (!rowid_comparable_) outcome.last_insert_rowid = last_.last_insert_rowid;
  if (arrive_each) changes_comparable_ = false;
  if (outcome != last_) {
    std::ostringstream text;
    text << "  ours: " << outcome << "\n  plain: " << last_;
    return text.str();
  }
  return ListDifference("contents", Contents(ours), Contents(plain(connection)));
}

std::string Twin::ArrivalDifference() {
  std::string difference = PullDifference(tracked(), *replica_);
  for (const std::string& table : options_.tables) {
    difference += ListDifference(table + " on the second replica", SharedRows(replica_->db, table),
                                 SharedRows(plain(), table));
  }
  if (replica_->DigestHex() != tracked().DigestHex()) difference += "digests\n";
  return difference + Findings(tracked()) + Findings(*replica_);
}

void Twin::Arrives() {
  if (::testing::Test::HasFailure()) return;
  EXPECT_EQ(ArrivalDifference(), "");
}

void ExpectPlain(const TwinOptions& options, const std::string& script) {
  for (const bool each : {false, true}) {
    SCOPED_TRACE(each ? "arriving after each statement" : "undisturbed");
    Twin twin(options);
    twin.arrive_each = each;
    twin.Run(script);
    if (sqlite3_get_autocommit(twin.plain()) == 0) twin.Run("ROLLBACK;");
    twin.Arrives();
  }
}

}  // namespace rejoin::testing
