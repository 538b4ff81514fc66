#include "store/sqlite/row_writer.h"

#include <algorithm>
#include <limits>

#include "store/sqlite/row_access.h"

namespace rejoin {
namespace {

constexpr char kTableSql[] =
    "SELECT sql LIKE '%conflict%' FROM {s}.sqlite_schema WHERE type = 'table' AND name = ?1 "
    "COLLATE NOCASE";

// Rows mostly come with few sets of columns; a peer that sends a new one with
// each row must not fill the memory with statements.
constexpr std::size_t kMaxStatements = 64;

void AppendTo(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

std::string Parameter(std::size_t number) { return "?" + std::to_string(number); }

bool SameColumns(const std::vector<ColumnId>& columns, const Image& image) {
  return std::equal(columns.begin(), columns.end(), image.begin(), image.end(),
                    [](ColumnId column, const ColumnValue& value) { return column == value.column; });
}

}  // namespace

struct RowWriter::Cache {
  struct Entry {
    Verb verb = Verb::kInsert;
    std::vector<ColumnId> columns;
    Statement statement;
  };
  std::vector<std::unique_ptr<Entry>> entries;  // the one last used first
  Statement remove;
  Statement read_key;
};

RowWriter::RowWriter(Engine& engine, const TrackedTable& table, MergeScope& scope)
    : engine_(engine), table_(table), scope_(scope), cache_(std::make_unique<Cache>()) {}

RowWriter::~RowWriter() = default;

// --- SQL -------------------------------------------------------------------------

std::string RowWriter::InsertSql(const Image& image) const {
  const TableShape& shape = table_.shape;
  std::string columns;
  if (shape.kind == KeyKind::kIndexed) columns = QuoteName(shape.rowid_name);
  for (const std::size_t key : shape.key) AppendTo(columns, QuoteName(shape.columns[key].name));
  for (const ColumnValue& value : image) {
    AppendTo(columns, QuoteName(*table_.columns[value.column].local));
  }
  const std::size_t count =
      shape.key.size() + image.size() + (shape.kind == KeyKind::kIndexed ? 1 : 0);
  std::string parameters;
  for (std::size_t i = 1; i <= count; ++i) AppendTo(parameters, Parameter(i));
  return "INSERT " + *or_abort_ + "INTO {s}." + QuoteName(*table_.local) + "(" + columns +
         ") VALUES(" + parameters + ")";
}

std::string RowWriter::UpdateSql(const Image& image) const {
  std::string assignments;
  for (std::size_t i = 0; i < image.size(); ++i) {
    AppendTo(assignments,
             QuoteName(*table_.columns[image[i].column].local) + " = " + Parameter(i + 1));
  }
  return "UPDATE " + *or_abort_ + "{s}." + QuoteName(*table_.local) + " SET " + assignments +
         Place(image.size() + 1);
}

// A column's own collation may be one that this connection does not have.
std::string RowWriter::UpdateDifferingSql(const Image& image) const {
  std::string differs;
  for (std::size_t i = 0; i < image.size(); ++i) {
    differs += (i == 0 ? " AND (" : " OR ") + QuoteName(*table_.columns[image[i].column].local) +
               " COLLATE BINARY IS NOT " + Parameter(i + 1);
  }
  return UpdateSql(image) + differs + ")";
}

// The row that stands in the way is "updated" to what it is, so as to be named.
std::string RowWriter::ProbeSql(const Image& image) const {
  const TableShape& shape = table_.shape;
  const ShapeColumn* touched = &shape.columns[shape.key.front()];
  for (const ShapeColumn& column : shape.columns) {
    if (column.generated || column.key_part != 0) continue;
    touched = &column;
    break;
  }
  std::string keys;
  for (const std::size_t key : shape.key) AppendTo(keys, QuoteName(shape.columns[key].name));
  const std::string name = QuoteName(touched->name);
  return InsertSql(image) + " ON CONFLICT DO UPDATE SET " + name + " = " + name + " RETURNING " + keys;
}

std::string RowWriter::Place(std::size_t parameter) const {
  const TableShape& shape = table_.shape;
  if (shape.kind != KeyKind::kWithoutRowid) {
    return " WHERE " + QuoteName(shape.rowid_name) + " = " + Parameter(parameter);
  }
  std::string where;
  for (const std::size_t key : shape.key) {
    where += where.empty() ? " WHERE " : " AND ";
    where += QuoteName(shape.columns[key].name) + " = " + Parameter(parameter++);
  }
  return where;
}

std::string RowWriter::Sql(Verb verb, const Image& image) const {
  switch (verb) {
    case Verb::kInsert:
      return InsertSql(image);
    case Verb::kUpdate:
      return UpdateSql(image);
    case Verb::kUpdateDiffering:
      return UpdateDifferingSql(image);
    default:
      return ProbeSql(image);
  }
}

// Clauses such as UNIQUE ON CONFLICT REPLACE would do what nobody asked for. OR
// ABORT overrules them, but those of triggers' statements too: only where needed.
Status RowWriter::FindConflictClauses() {
  if (or_abort_) return {};
  REJOIN_ASSIGN(CachedStatement read, engine_.db.Cached(kTableSql));
  read->BindText(1, *table_.local);
  REJOIN_ASSIGN(const bool found, read->Step());
  or_abort_ = found && read->Integer(0) != 0 ? "OR ABORT " : "";
  return {};
}

Result<Statement*> RowWriter::StatementFor(Verb verb, const Image& image) {
  auto& entries = cache_->entries;
  const auto known = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry->verb == verb && SameColumns(entry->columns, image);
  });
  if (known != entries.end()) {
    std::rotate(entries.begin(), known, known + 1);
    return &entries.front()->statement;
  }
  REJOIN_TRY(FindConflictClauses());
  auto entry = std::make_unique<Cache::Entry>();
  entry->verb = verb;
  for (const ColumnValue& value : image) entry->columns.push_back(value.column);
  REJOIN_ASSIGN(entry->statement, engine_.db.Prepare(Sql(verb, image)));
  if (entries.size() >= kMaxStatements) entries.pop_back();
  entries.insert(entries.begin(), std::move(entry));
  return &entries.front()->statement;
}

void RowWriter::BindPlace(Statement& statement, int parameter, const Key& key,
                          std::int64_t rowid) const {
  if (table_.shape.kind != KeyKind::kWithoutRowid) {
    statement.Bind(parameter, rowid);
    return;
  }
  ByteReader parts(key);
  while (parts.remaining() > 0) {
    if (const auto part = ReadKeyPart(parts)) BindView(statement, parameter++, *part);
  }
}

void RowWriter::BindRow(Statement& statement, const Key& key, std::int64_t rowid,
                        const Image& image) const {
  int at = 1;
  if (table_.shape.kind == KeyKind::kIndexed) statement.Bind(at++, rowid);
  ByteReader parts(key);
  while (parts.remaining() > 0) {
    if (const auto part = ReadKeyPart(parts)) BindView(statement, at++, *part);
  }
  for (const ColumnValue& value : image) statement.BindValue(at++, *value.value);
}

// --- Writing -----------------------------------------------------------------------

Result<Written> RowWriter::Classify(const Error& error) {
  sqlite3* const db = engine_.db.handle();
  const int code = sqlite3_extended_errcode(db);
  const bool constraint = (code & 0xff) == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH;
  // A trigger's RAISE(ROLLBACK) has ended the transaction: nothing is left to go on
  // with. (While a statement commits by itself, autocommit is on, too.)
  const bool ended = sqlite3_get_autocommit(db) != 0 && !engine_.db.committing();
  if (!constraint || ended) return tl::unexpected(error);
  refusal_ = sqlite3_errmsg(db);
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return Written::kTaken;
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_NOTNULL:
    case SQLITE_CONSTRAINT_DATATYPE:
    case SQLITE_CONSTRAINT_TRIGGER:
    case SQLITE_MISMATCH:
      return Written::kRefused;
    default:
      return tl::unexpected(error);
  }
}

Status RowWriter::CheckTriggers() const {
  const MergeInProgress& merging = *engine_.merging;
  if (merging.foreign_write.empty() && merging.own_writes <= 1) return {};
  const std::string& written =
      merging.foreign_write.empty() ? *table_.local : merging.foreign_write;
  return Fail(Code::kTriggerWrote,
              "a trigger that fires when rows are merged into table " + *table_.local +
                  " wrote to tracked table " + written +
                  "; let it write untracked tables only, or switch fire_triggers off for " +
                  *table_.local);
}

Result<Written> RowWriter::Execute(Statement& statement, const Key& key) {
  engine_.merging->key = &key;
  engine_.merging->own_writes = 0;
  const Status ran = statement.Run();
  engine_.merging->key = nullptr;
  REJOIN_TRY(CheckTriggers());
  if (!ran) return Classify(ran.error());
  if (sqlite3_changes(engine_.db.handle()) != 0) return Written::kDone;
  refusal_ = "a trigger ignored the row";
  return Written::kRefused;
}

Result<Written> RowWriter::Update(const Key& key, std::int64_t rowid, const Image& changed) {
  return Update(Verb::kUpdate, key, rowid, changed);
}

Result<Written> RowWriter::UpdateDiffering(const Key& key, std::int64_t rowid, const Image& changed) {
  return Update(Verb::kUpdateDiffering, key, rowid, changed);
}

Result<Written> RowWriter::Update(Verb verb, const Key& key, std::int64_t rowid, const Image& changed) {
  REJOIN_ASSIGN(Statement* const update, StatementFor(verb, changed));
  int at = 1;
  for (const ColumnValue& value : changed) update->BindValue(at++, *value.value);
  BindPlace(*update, at, key, rowid);
  return Execute(*update, key);
}

Status RowWriter::Delete(const Key& key, std::int64_t rowid) {
  if (!cache_->remove) {
    REJOIN_ASSIGN(cache_->remove, engine_.db.Prepare("DELETE FROM {s}." +
                                                     QuoteName(*table_.local) + Place(1)));
  }
  BindPlace(cache_->remove, 1, key, rowid);
  REJOIN_ASSIGN(const Written written, Execute(cache_->remove, key));
  highest_deleted_ = std::max(highest_deleted_, rowid);
  if (written == Written::kDone) return {};
  // The row is gone from the state: a trigger that objects has to be passed over. (One that is
  // there where only ours may fire is temporary, which no switch stops.)
  if (engine_.merging->ours_may_fire) return {};
  scope_.FireTriggers(false);
  BindPlace(cache_->remove, 1, key, rowid);
  const Result<Written> again = Execute(cache_->remove, key);
  scope_.FireTriggers(table_.fire_triggers);
  if (!again) return tl::unexpected(again.error());
  return {};
}

Result<Written> RowWriter::InsertOnce(const Key& key, std::int64_t rowid, const Image& image) {
  REJOIN_ASSIGN(Statement* const insert, StatementFor(Verb::kInsert, image));
  BindRow(*insert, key, rowid, image);
  return Execute(*insert, key);
}

Result<Written> RowWriter::Insert(const Key& key, std::int64_t rowid, const Image& image) {
  const bool check_key = MayAlterKey(key);
  if (check_key && table_.shape.kind == KeyKind::kRowid) {
    refusal_ = "the key is not an integer, as PRIMARY KEY of " + *table_.local + " asks";
    return Written::kRefused;
  }
  REJOIN_ASSIGN(const Written written, InsertOnce(key, rowid, image));
  if (written != Written::kDone || !check_key) return written;
  REJOIN_ASSIGN(const bool stands, KeyStands(key, rowid));
  if (stands) return Written::kDone;
  REJOIN_TRY(Delete(key, rowid));
  refusal_ = "the PRIMARY KEY of " + *table_.local + " would store the key as another value";
  return Written::kRefused;
}

// --- Keys --------------------------------------------------------------------------

bool RowWriter::MayAlterKey(const Key& key) const {
  ByteReader parts(key);
  for (const std::size_t column : table_.shape.key) {
    const auto part = ReadKeyPart(parts);
    if (!part) return true;
    if (table_.shape.kind == KeyKind::kRowid) return part->type != ValueType::kInteger;
    const Affinity affinity = table_.shape.columns[column].affinity;
    const bool bytes = part->type == ValueType::kText || part->type == ValueType::kBlob;
    if (affinity == Affinity::kBlob || (affinity == Affinity::kText && bytes)) continue;
    if (MayAlter(affinity, Value{part->type, part->bits, Bytes(part->bytes)})) return true;
  }
  return false;
}

// Whether the row just inserted has the key byte by byte.
Result<bool> RowWriter::KeyStands(const Key& key, std::int64_t rowid) {
  if (!cache_->read_key) {
    std::string keys;
    for (const std::size_t part : table_.shape.key) {
      AppendTo(keys, QuoteName(table_.shape.columns[part].name));
    }
    REJOIN_ASSIGN(cache_->read_key, engine_.db.Prepare("SELECT " + keys + " FROM {s}." +
                                                       QuoteName(*table_.local) + Place(1)));
  }
  Statement& read = cache_->read_key;
  BindPlace(read, 1, key, rowid);
  REJOIN_ASSIGN(const bool found, read.Step());
  Key stored;
  for (int i = 0; found && i < read.column_count(); ++i) AppendKeyPart(stored, ColumnView(read, i));
  read.Reset();
  return stored == key;
}

Result<std::optional<Key>> RowWriter::FindHolder(const Key& key, std::int64_t rowid,
                                                 const Image& image) {
  REJOIN_ASSIGN(Statement* const probe, StatementFor(Verb::kProbe, image));
  BindRow(*probe, key, rowid, image);
  // Nobody's trigger is to hear of an update that is none. Ours know one, and to switch them off in
  // the middle would take what undoes the merge away.
  const bool ours_only = engine_.merging->ours_may_fire;
  if (!ours_only) scope_.FireTriggers(false);
  engine_.merging->key = &key;
  engine_.merging->own_writes = 0;
  engine_.merging->probing = true;
  std::optional<Key> holder = Key();
  Result<bool> row = probe->Step();
  for (int i = 0; row && *row && i < probe->column_count(); ++i) {
    const ValueView part = ColumnView(*probe, i);
    if (part.type == ValueType::kNull) holder.reset();
    if (holder) AppendKeyPart(*holder, part);
  }
  while (row && *row) row = probe->Step();
  probe->Reset();
  engine_.merging->key = nullptr;
  engine_.merging->probing = false;
  if (!ours_only) scope_.FireTriggers(table_.fire_triggers);
  REJOIN_TRY(CheckTriggers());
  if (!row) return tl::unexpected(row.error());
  return holder;
}

// --- Rowids ------------------------------------------------------------------------

Result<std::int64_t> RowWriter::HighestRowid() {
  REJOIN_ASSIGN(const std::int64_t high, HighRowid(engine_, table_));
  REJOIN_ASSIGN(Statement read, engine_.db.Prepare("SELECT max(" + QuoteName(table_.shape.rowid_name) +
                                                   ") FROM {s}." + QuoteName(*table_.local)));
  REJOIN_TRY(read.Step());
  return std::max({high, read.Integer(0), highest_deleted_});
}

Result<std::int64_t> RowWriter::NewRowid() {
  if (!last_new_rowid_) {
    REJOIN_ASSIGN(last_new_rowid_, HighestRowid());
  }
  if (*last_new_rowid_ < std::numeric_limits<std::int64_t>::max()) return ++*last_new_rowid_;
  // As SQLite does then: any that is free.
  REJOIN_ASSIGN(Statement find, engine_.db.Prepare("SELECT 1 FROM {s}." + QuoteName(*table_.local) +
                                                   Place(1)));
  for (;;) {
    const auto candidate = static_cast<std::int64_t>(engine_.env.random->Draw64() >> 1);
    find.Bind(1, candidate);
    REJOIN_ASSIGN(const bool used, find.Step());
    find.Reset();
    if (!used) return candidate;
  }
}

}  // namespace rejoin
