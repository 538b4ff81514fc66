#include "store/sqlite/sql.h"

#include <algorithm>
#include <new>
#include <utility>

namespace rejoin {
namespace {

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote) quoted.push_back(quote);
    quoted.push_back(c);
  }
  quoted.push_back(quote);
  return quoted;
}

Code CodeFor(int result_code) {
  switch (result_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kBusy;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Code::kReadOnly;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return Code::kIo;
    case SQLITE_NOMEM:
      return Code::kNoMemory;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorrupt;
    case SQLITE_TOOBIG:
      return Code::kLimit;
    default:
      return Code::kSql;
  }
}

// For what users meet in daily life: what to do. nullptr: SQLite's words, and the
// statement they are about, say more.
const char* Advice(int result_code) {
  switch (result_code & 0xff) {
    case SQLITE_BUSY:
      return "another connection holds the lock; try again, or set a busy_timeout";
    case SQLITE_LOCKED:
      return "another statement of this connection is still running; finish or reset it first";
    case SQLITE_READONLY:
      return "the database can only be read; open it for writing, or copy it";
    case SQLITE_FULL:
      return "nothing was changed; make room and try again";
    default:
      return nullptr;
  }
}

// The cause is to be looked for in the file, or on its disk.
bool IsOfFile(int result_code) {
  const Code code = CodeFor(result_code);
  return code == Code::kIo || code == Code::kCorrupt;
}

// More than a merge or an extraction uses.
constexpr std::size_t kMostKept = 64;

// What ends a savepoint is never kept: where the schema changed since, SQLite would prepare
// it again when it runs, and memory may be what is lacking then.
bool EndsTransaction(std::string_view sql) {
  return sql.substr(0, 8) == "ROLLBACK" || sql.substr(0, 7) == "RELEASE";
}

}  // namespace

std::string QuoteName(std::string_view name) { return Quoted(name, '"'); }
std::string QuoteText(std::string_view text) { return Quoted(text, '\''); }

Error SqliteError(sqlite3* db, const std::string& schema, int result_code, std::string_view doing) {
  // The connection's message is about its latest call; a stale one would mislead.
  const bool current = (sqlite3_errcode(db) & 0xff) == (result_code & 0xff);
  const char* const words = current ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
  const char* const file = sqlite3_db_filename(db, schema.c_str());
  const bool of_file = IsOfFile(result_code) && file != nullptr && *file != '\0';
  std::string message = of_file ? std::string(file) + ": " : "";
  if (const char* const advice = Advice(result_code)) {
    message.append(advice).append(" (").append(words).append(")");
  } else {
    message.append(doing).append(": ").append(words);
  }
  return Error{CodeFor(result_code), std::move(message)};
}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(sql_, other.sql_);
  std::swap(statement_, other.statement_);
  std::swap(may_write_, other.may_write_);
  std::swap(bind_error_, other.bind_error_);
  return *this;
}

Statement::~Statement() {
  if (statement_ != nullptr) database_->Keep(std::move(sql_), statement_);
}

Statement& Statement::BindNull(int at) {
  bind_error_ |= sqlite3_bind_null(statement_, at);
  return *this;
}

Statement& Statement::Bind(int at, std::int64_t number) {
  bind_error_ |= sqlite3_bind_int64(statement_, at, number);
  return *this;
}

Statement& Statement::BindReal(int at, double number) {
  bind_error_ |= sqlite3_bind_double(statement_, at, number);
  return *this;
}

Statement& Statement::BindText(int at, std::string_view text) {
  const char* const bytes = text.data() == nullptr ? "" : text.data();
  bind_error_ |=
      sqlite3_bind_text64(statement_, at, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int at, ByteView blob) {
  // A null pointer would bind NULL instead of an empty blob.
  const char* const bytes = blob.data() == nullptr ? "" : blob.data();
  bind_error_ |= sqlite3_bind_blob64(statement_, at, bytes, blob.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindValue(int at, const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      return BindNull(at);
    case ValueType::kInteger:
      return Bind(at, value.integer());
    case ValueType::kReal:
      return BindReal(at, value.real());
    case ValueType::kText:
      return BindText(at, value.bytes);
    case ValueType::kBlob:
      return BindBlob(at, value.bytes);
  }
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) {
    const int error = std::exchange(bind_error_, SQLITE_OK);
    return database_->Failed(error, "binding a value");
  }
  if (may_write_) ++database_->writes_;
  const int result = sqlite3_step(statement_);
  const bool done = result == SQLITE_ROW || result == SQLITE_DONE;
  if (done && database_->open_savepoints_ > 0 && !database_->InTransaction()) {
    // A statement that was prepared before the schema changed is undone, prepared anew and
    // run again; where undoing it failed, it ran again after everything had been rolled back,
    // and committed by itself. Nothing may follow it.
    sqlite3_reset(statement_);
    return Fail(Code::kNoMemory, "SQLite rolled back the transaction in the middle of it (out of memory, or the journal "
                                 "cannot be read): what came before is not there, try again");
  }
  if (done) return result == SQLITE_ROW;
  auto failed = database_->Failed(result, sqlite3_sql(statement_));
  sqlite3_reset(statement_);
  return failed;
}

Status Statement::Run() {
  for (;;) {
    REJOIN_ASSIGN(const bool row, Step());
    if (!row) break;
  }
  Reset();
  return {};
}

bool Statement::TryRun() noexcept {
  if (may_write_) ++database_->writes_;
  const int result = sqlite3_step(statement_);
  sqlite3_reset(statement_);
  return result == SQLITE_DONE;
}

void Statement::Reset() { sqlite3_reset(statement_); }

int Statement::column_count() const { return sqlite3_column_count(statement_); }

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::Text(int column) const {
  const int type = sqlite3_column_type(statement_, column);
  if (type == SQLITE_NULL) return {};
  const void* const bytes = type == SQLITE_BLOB ? sqlite3_column_blob(statement_, column)
                                                : sqlite3_column_text(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  if (bytes != nullptr) return {static_cast<const char*>(bytes), size};
  if (type == SQLITE_BLOB && size == 0) return {};
  throw std::bad_alloc();
}

Value Statement::ColumnValue(int column) const {
  return ValueFrom(sqlite3_column_value(statement_, column));
}

int Statement::ColumnBytes(int column) const { return sqlite3_column_bytes(statement_, column); }

ValueView ViewOf(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return {ValueType::kInteger, static_cast<std::uint64_t>(sqlite3_value_int64(value)), {}};
    case SQLITE_FLOAT:
      return {ValueType::kReal, Value::Real(sqlite3_value_double(value)).bits, {}};
    case SQLITE_TEXT: {
      // The pointer first: it may convert, and the length is that of the result.
      const auto* const text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      if (text == nullptr) throw std::bad_alloc();
      return {ValueType::kText, 0, {text, static_cast<std::size_t>(sqlite3_value_bytes(value))}};
    }
    case SQLITE_BLOB: {
      const auto* const blob = static_cast<const char*>(sqlite3_value_blob(value));
      const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
      if (blob == nullptr && size > 0) throw std::bad_alloc();
      return {ValueType::kBlob, 0, {blob, size}};
    }
    default:
      return {};
  }
}

Value ValueFrom(sqlite3_value* value) {
  const ValueView view = ViewOf(value);
  return {view.type, view.bits, Bytes(view.bytes)};
}

CachedStatement::CachedStatement(Database& db, Statement* statement)
    : db_(&db), statement_(statement) {
  ++db_->holders_;
}

CachedStatement& CachedStatement::operator=(CachedStatement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(db_, other.db_);
  return *this;
}

void CachedStatement::Release() {
  if (statement_ == nullptr) return;
  statement_->Reset();
  sqlite3_clear_bindings(statement_->raw());
  if (--db_->holders_ == 0 && db_->finalize_when_idle_) db_->FinalizeAll();
}

Database::Database(sqlite3* handle, std::string schema)
    : handle_(handle), schema_(std::move(schema)), quoted_schema_(QuoteName(schema_)) {
  kept_.reserve(kMostKept);
}

// A mark inside quotes is part of somebody's name; a quote in a comment is none.
std::string Database::Expand(std::string_view sql) const {
  std::string expanded;
  char quote = 0;
  for (std::size_t at = 0; at < sql.size(); ++at) {
    const char c = sql[at];
    if (quote == 0 && sql.substr(at, 3) == "{s}") {
      expanded += quoted_schema_;
      at += 2;
      continue;
    }
    if (quote == 0 && sql.substr(at, 2) == "--") {
      const std::size_t end = std::min(sql.find('\n', at), sql.size());
      expanded.append(sql.substr(at, end - at));
      at = end - 1;
      continue;
    }
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
    expanded.push_back(c);
  }
  return expanded;
}

tl::unexpected<Error> Database::Failed(int result_code, std::string_view doing) const {
  return tl::unexpected(SqliteError(handle_, schema_, result_code, doing));
}

void Database::Keep(std::string&& sql, sqlite3_stmt* statement) noexcept {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (EndsTransaction(sql)) {
    sqlite3_finalize(statement);
    return;
  }
  sqlite3_stmt* oldest = nullptr;
  if (kept_.size() == kMostKept) {
    oldest = kept_.front().statement;
    kept_.erase(kept_.begin());
  }
  kept_.emplace_back(std::move(sql), statement);
  sqlite3_finalize(oldest);
}

sqlite3_stmt* Database::TakeKept(std::string_view sql) {
  const auto at = std::find_if(kept_.rbegin(), kept_.rend(), [sql](const Kept& kept) { return kept.sql == sql; });
  if (at == kept_.rend()) return nullptr;
  sqlite3_stmt* const statement = at->statement;
  kept_.erase(std::next(at).base());
  return statement;
}

Result<Statement> Database::Prepare(std::string_view sql) {
  REJOIN_TRY(UndoWhatIsOwed());
  std::string text(sql);
  if (sqlite3_stmt* const kept = TakeKept(sql)) return Statement(this, std::move(text), kept);
  const std::string expanded = Expand(sql);
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(handle_, expanded.c_str(), static_cast<int>(expanded.size() + 1),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return Failed(result, expanded);
  return Statement(this, std::move(text), statement);
}

Result<CachedStatement> Database::Cached(std::string_view sql) {
  REJOIN_TRY(UndoWhatIsOwed());
  auto at = cache_.find(sql);
  if (at == cache_.end()) {
    REJOIN_ASSIGN(Statement statement, Prepare(sql));
    at = cache_.emplace(std::string(sql), std::make_unique<Statement>(std::move(statement))).first;
  }
  return CachedStatement(*this, at->second.get());
}

Status Database::Exec(std::string_view sql) {
  REJOIN_TRY(UndoWhatIsOwed());
  const std::string expanded = Expand(sql);
  ++writes_;
  const int result = sqlite3_exec(handle_, expanded.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return Failed(result, expanded);
  return {};
}

std::optional<std::uint32_t> Database::DataVersion() const {
  std::uint32_t version = 0;
  const int result = sqlite3_file_control(handle_, schema_.c_str(), SQLITE_FCNTL_DATA_VERSION, &version);
  return result == SQLITE_OK ? std::optional<std::uint32_t>(version) : std::nullopt;
}

Status Database::Run(std::string_view sql) {
  REJOIN_ASSIGN(CachedStatement statement, Cached(sql));
  return statement->Run();
}

void Database::FinalizeAll() {
  finalize_when_idle_ = false;
  // They come to kept_. The last statement of a virtual table disconnects it, which may
  // call this again.
  std::exchange(cache_, {}).clear();
  while (!kept_.empty()) {
    sqlite3_stmt* const statement = kept_.back().statement;
    kept_.pop_back();
    sqlite3_finalize(statement);
  }
}

void Database::FinalizeWhenIdle() {
  finalize_when_idle_ = true;
  if (holders_ == 0) FinalizeAll();
}

}  // namespace rejoin
