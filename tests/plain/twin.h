// "Tracked is plain for its writer", as a harness: the same SQL runs on a tracked
// database and on one that has never heard of Rejoin, and all that the writer can
// see is compared after every statement.
//
// Compared are the result code, the error message, result rows (those of
// RETURNING too), changes(), last_insert_rowid(), whether a transaction is open,
// and what every table holds, with rowids. Not compared is what the
// documentation excepts:
// - changes() right after a COMMIT (or the RELEASE that commits) may count a write
//   of Rejoin's own, and total_changes() does;
// - last_insert_rowid() after VACUUM, which copies Rejoin's tables too, and after
//   an INSERT that broke a foreign key or was interrupted: what it says then
//   depends on whether the table has any trigger (SQLite's own doing);
// - half of what a statement did before an error that SQLite believed impossible
//   (OR IGNORE, and a trigger that meets SQLITE_MISMATCH): it stays, unless some
//   trigger of the table may abort, as all of ours may. See only_plain.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {

// Everything that a writer learns from one statement.
struct Outcome {
  int code = SQLITE_OK;
  std::string message;
  std::vector<std::string> rows;
  std::int64_t changes = 0;
  std::int64_t last_insert_rowid = 0;
  bool autocommit = true;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);
Outcome RunStatement(sqlite3* db, const std::string& sql);

struct TwinOptions {
  std::string schema;               // run on all sides first, before tracking
  std::vector<std::string> tables;  // tracked, in this order
  TrackOptions track = {};
  std::string before_all = "";      // per connection, such as PRAGMA foreign_keys = ON
  int connections = 1;
  std::string only_plain = "";      // run after `schema` on the plain side
};

class Twin {
 public:
  explicit Twin(TwinOptions options);
  ~Twin();
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  // Runs each statement of the script on both sides by the given connection, up to
  // the first difference; an error that both sides get is none.
  void Run(const std::string& script, int connection = 0);
  // The same, returning the difference (empty: alike) in place of a test failure.
  std::string Difference(const std::string& script, int connection = 0);
  // The same for one statement, which is to end in `code` (of the plain side).
  void Expect(int code, const std::string& statement, int connection = 0);

  // Whatever was committed so far reaches a second replica by Pull: its rows, the
  // digests and the metadata are right.
  void Arrives();
  std::string ArrivalDifference();
  // Arrives after every statement that leaves no transaction open. Pulling writes,
  // so statements that ask for changes() are then left out.
  bool arrive_each = false;

  TestDatabase& tracked(int connection = 0) { return *tracked_[Index(connection)]; }
  TestDatabase& replica() { return *replica_; }
  sqlite3* plain(int connection = 0) { return plain_[Index(connection)]; }

 private:
  static std::size_t Index(int connection) { return static_cast<std::size_t>(connection); }
  std::string RunOne(const std::string& statement, int connection);

  TwinOptions options_;
  ScratchFolder folder_;
  std::vector<std::unique_ptr<TestDatabase>> tracked_;
  std::vector<sqlite3*> plain_;
  std::unique_ptr<TestDatabase> replica_;
  bool changes_comparable_ = false;  // since the last statement that sets it
  bool rowid_comparable_ = true;     // likewise
  Outcome last_;
};

// Runs the script on fresh twins twice: undisturbed, then arriving after each statement.
void ExpectPlain(const TwinOptions& options, const std::string& script);

// "INSERT ...; SELECT ...;" as single statements.
std::vector<std::string> Statements(const std::string& script);

}  // namespace rejoin::testing
