// SQLite behind a thin, checked wrapper: statements that finalize themselves,
// values in and out, errors as Status. It hides no SQL.
//
// In every text handed to Database the mark {s} stands for the quoted name of
// the schema (main, or an attached file) that the Database works on.
// Thread rule: that of the connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "crdt/value.h"
#include "store/sqlite/sqlite_api.h"

namespace rejoin {

// "name" with inner quotes doubled.
std::string QuoteName(std::string_view name);
// 'text' with inner quotes doubled.
std::string QuoteText(std::string_view text);

// SQLite's own words and our code for a result code of SQLite (busy, read-only,
// full, I/O, out of memory, corrupt, else kSql). Where it is about the disk they name the
// schema's file.
Error SqliteError(sqlite3* db, const std::string& schema, int result_code, std::string_view doing);

// Goes back to the Database at its end, which may hand it out again.
class Statement {
 public:
  Statement() = default;
  // `database` outlives it. `sql`: the text that it was asked for by.
  Statement(class Database* database, std::string sql, sqlite3_stmt* statement)
      : database_(database),
        sql_(std::move(sql)),
        statement_(statement),
        may_write_(sqlite3_stmt_readonly(statement) == 0) {}
  Statement(Statement&& other) noexcept { *this = std::move(other); }
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1. Views must stay valid until the next Reset or Bind.
  Statement& BindNull(int at);
  Statement& Bind(int at, std::int64_t number);
  Statement& Bind(int at, std::uint64_t number) { return Bind(at, static_cast<std::int64_t>(number)); }
  Statement& BindReal(int at, double number);
  Statement& BindText(int at, std::string_view text);
  Statement& BindBlob(int at, ByteView blob);
  // They have to outlive the steps: no temporary does.
  template <class T, class = std::enable_if_t<std::is_same_v<T, std::string>>>
  Statement& BindText(int at, T&& temporary) = delete;
  template <class T, class = std::enable_if_t<std::is_same_v<T, std::string>>>
  Statement& BindBlob(int at, T&& temporary) = delete;
  Statement& BindValue(int at, const Value& value);

  // True: a row is there. False: done. Errors of Bind surface here.
  Result<bool> Step();
  // Steps to the end and resets.
  Status Run();
  // The same for what must not fail, in destructors: an error has no words.
  bool TryRun() noexcept;
  void Reset();

  // Columns count from 0; views are valid until the next Step or Reset. What SQLite has
  // no memory for is std::bad_alloc, never an empty value.
  int column_count() const;
  bool IsNull(int column) const;
  std::int64_t Integer(int column) const;
  std::uint64_t Unsigned(int column) const { return static_cast<std::uint64_t>(Integer(column)); }
  std::string_view Text(int column) const;  // also the bytes of a blob
  Value ColumnValue(int column) const;      // any class, bit for bit
  int ColumnBytes(int column) const;

  sqlite3_stmt* raw() const { return statement_; }
  explicit operator bool() const { return statement_ != nullptr; }

 private:
  Database* database_ = nullptr;
  std::string sql_;
  sqlite3_stmt* statement_ = nullptr;
  bool may_write_ = false;
  int bind_error_ = SQLITE_OK;
};

// Any class, bit for bit. A view is valid as long as the value, unless somebody asks for the
// value as another class.
ValueView ViewOf(sqlite3_value* value);
Value ValueFrom(sqlite3_value* value);

// A cached statement, reset when the holder goes out of scope.
class CachedStatement {
 public:
  CachedStatement(class Database& db, Statement* statement);
  CachedStatement(CachedStatement&& other) noexcept : db_(other.db_), statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  CachedStatement& operator=(CachedStatement&& other) noexcept;
  ~CachedStatement() { Release(); }
  Statement* operator->() const { return statement_; }
  Statement& operator*() const { return *statement_; }

 private:
  void Release();
  class Database* db_;
  Statement* statement_;
};

class Database {
 public:
  Database(sqlite3* handle, std::string schema);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { FinalizeAll(); }

  sqlite3* handle() const { return handle_; }
  const std::string& schema() const { return schema_; }

  // Whose text was prepared before is taken from the latest that nobody holds any more: to
  // prepare a statement costs more than most of ours take to run.
  Result<Statement> Prepare(std::string_view sql);
  // Prepared once and kept until FinalizeAll. One holder of a text at a time.
  Result<CachedStatement> Cached(std::string_view sql);
  Status Exec(std::string_view sql);
  // Exec of one statement that comes again and again: Cached.
  Status Run(std::string_view sql);

  // A transaction or a savepoint is open. An error such as a full disk may have
  // ended one unasked.
  bool InTransaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  // How often something that may write was run through here: while it is the same, nothing of
  // ours has changed the file.
  std::uint64_t writes() const { return writes_; }
  // SQLite's mark of the file's content: another one as soon as any connection has committed.
  // Inside a transaction; nullopt: there is none.
  std::optional<std::uint32_t> DataVersion() const;

  // Finalizes what Cached and Prepare keep; a connection cannot close before.
  void FinalizeAll();
  // The same as soon as nobody holds one of them.
  void FinalizeWhenIdle();

  // A Savepoint that there was no memory to undo stays owed: whoever comes next by Prepare,
  // Cached or Exec undoes it first, and fails where that fails again. A commit must not go past
  // it: kNoMemory.
  Status CheckNothingIsOwed() const;
  // For who wants to know whether a transaction is open but for that.
  Status UndoWhatIsOwed();
  // All of the transaction was rolled back.
  void ForgetWhatIsOwed() { owed_undos_ = 0; }

  // SQLite is in the first phase of a commit: a write transaction is open although
  // sqlite3_get_autocommit() says 1, and no savepoint may be opened, for its end
  // would commit. An error now rolls everything back anyway.
  bool committing() const { return committing_; }
  void set_committing(bool committing) { committing_ = committing; }

 private:
  friend class CachedStatement;
  friend class Savepoint;
  friend class Statement;
  std::string Expand(std::string_view sql) const;
  // Takes a statement back. Never throws: it is called by destructors.
  void Keep(std::string&& sql, sqlite3_stmt* statement) noexcept;
  sqlite3_stmt* TakeKept(std::string_view sql);

  // Finalized with the Database, or by FinalizeAll.
  struct Kept {
    Kept(std::string&& text, sqlite3_stmt* of) noexcept : sql(std::move(text)), statement(of) {}
    Kept(Kept&& other) noexcept = default;
    Kept& operator=(Kept&& other) noexcept = default;
    std::string sql;
    sqlite3_stmt* statement;
  };

  tl::unexpected<Error> Failed(int result_code, std::string_view doing) const;

  sqlite3* handle_;
  std::string schema_;
  std::string quoted_schema_;
  std::vector<Kept> kept_;  // the latest last
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> cache_;
  std::uint64_t writes_ = 0;
  int holders_ = 0;  // of cached statements
  bool finalize_when_idle_ = false;
  int open_savepoints_ = 0;  // of Savepoint
  int owed_undos_ = 0;       // of Savepoints that are no more
  bool committing_ = false;
};

// last_insert_rowid() as it was before our own inserts.
class KeepLastInsertRowid {
 public:
  explicit KeepLastInsertRowid(sqlite3* db) : db_(db), rowid_(sqlite3_last_insert_rowid(db)) {}
  KeepLastInsertRowid(const KeepLastInsertRowid&) = delete;
  KeepLastInsertRowid& operator=(const KeepLastInsertRowid&) = delete;
  ~KeepLastInsertRowid() { sqlite3_set_last_insert_rowid(db_, rowid_); }

 private:
  sqlite3* db_;
  sqlite3_int64 rowid_;
};

// A named savepoint: rolled back by its destructor unless released. Outermost,
// it is a transaction of its own. While the database is committing it does nothing.
// What undoes it is prepared beforehand, for memory may be what is lacking then; and where
// even that fails the whole transaction is rolled back, as SQLite does on such errors. What makes
// SQLite prepare statements anew (switching triggers) belongs before it, else that needs memory
// again; where there is none, the undoing is owed (Database).
class Savepoint {
 public:
  static Result<Savepoint> Begin(Database& db);
  Savepoint(Savepoint&& other) noexcept
      : db_(std::exchange(other.db_, nullptr)),
        undo_(std::move(other.undo_)),
        release_(std::move(other.release_)),
        undo_all_(std::move(other.undo_all_)) {}
  Savepoint& operator=(Savepoint&&) = delete;
  ~Savepoint();
  Status Release();

 private:
  Savepoint() = default;
  Database* db_ = nullptr;  // nullptr: there is nothing to undo
  Statement undo_;  // and release_: within another transaction only
  Statement release_;
  Statement undo_all_;
};

}  // namespace rejoin
