#include "store/sqlite/table_shape.h"

#include <algorithm>
#include <cmath>

#include "store/sqlite/sql_text.h"

namespace rejoin {
namespace {

// Has no form that takes the table's name as a parameter.
constexpr char kFindTable[] = "PRAGMA {s}.table_list(%t)";
constexpr char kFindTemporary[] = "PRAGMA temp.table_list(%t)";
constexpr char kListColumns[] =
    "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, ?2) "
    "ORDER BY cid";
constexpr char kListIndexes[] =
    "SELECT name, origin, partial FROM pragma_index_list(?1, ?2) WHERE \"unique\" ORDER BY seq";
constexpr char kListTerms[] =
    "SELECT cid, name, coll FROM pragma_index_xinfo(?1, ?2) WHERE \"key\" ORDER BY seqno";
constexpr char kReadSql[] =
    "SELECT sql FROM {s}.sqlite_schema WHERE type = ?1 AND name = ?2";

constexpr std::string_view kRowidNames[] = {"rowid", "_rowid_", "oid"};

struct IndexTerm {
  bool expression = false;
  std::string column;  // empty for expressions
  std::string collation;
};

struct IndexInfo {
  std::string name;
  bool primary = false;
  bool declared = false;  // by CREATE INDEX, so sqlite_schema has its text
  std::vector<IndexTerm> terms;
};

tl::unexpected<Error> NotTrackable(const std::string& table, const std::string& reason) {
  return Fail(Code::kNotTrackable, "table " + table + " cannot be tracked: " + reason);
}

// Why a thing of this type is no table that rows can be synced of; empty: it is.
std::string WhyNot(const std::string& name, std::string_view type) {
  if (type == "view") return "it is a view; track the tables that it reads";
  if (type == "virtual") {
    return "it is a virtual table; track the ordinary table that its content comes from";
  }
  if (type == "shadow") {
    return "it belongs to a virtual table; track the ordinary table that its content comes from";
  }
  if (SameName(std::string_view(name).substr(0, 7), "sqlite_")) {
    return "it is a system table of SQLite; track your own tables";
  }
  if (SameName(std::string_view(name).substr(0, 8), "rejoin__")) {
    return "it is one of Rejoin's own tables; track your own tables";
  }
  return {};
}

Result<std::string> StoredSql(Database& db, std::string_view type, const std::string& name) {
  REJOIN_ASSIGN(CachedStatement read, db.Cached(kReadSql));
  read->BindText(1, type).BindText(2, name);
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? std::string(read->Text(0)) : std::string();
}

Result<Statement> FindTable(Database& db, std::string sql, const std::string& table) {
  return db.Prepare(sql.replace(sql.find("%t"), 2, QuoteName(table)));
}

// Name, kind of storage and strictness; or why there is nothing to track.
Status ReadTable(Database& db, const std::string& wanted, TableShape& shape) {
  REJOIN_ASSIGN(Statement find, FindTable(db, kFindTable, wanted));
  REJOIN_ASSIGN(const bool found, find.Step());
  if (!found) {
    REJOIN_ASSIGN(Statement temporary, FindTable(db, kFindTemporary, wanted));
    REJOIN_ASSIGN(const bool is_temporary, temporary.Step());
    if (is_temporary) {
      return NotTrackable(wanted, "it is a temporary table, which ends with its connection; create "
                                  "it without TEMP");
    }
    return Fail(Code::kUnknownTable, "there is no table " + wanted + " in " + db.schema() +
                                         "; create it first, or correct the name");
  }
  shape.name = std::string(find.Text(1));
  const std::string reason = WhyNot(shape.name, find.Text(2));
  if (!reason.empty()) return NotTrackable(shape.name, reason);
  if (find.Integer(4) != 0) shape.kind = KeyKind::kWithoutRowid;
  shape.strict = find.Integer(5) != 0;
  return {};
}

Result<std::string> CollationOf(Database& db, const std::string& table, const std::string& column) {
  const char* collation = nullptr;
  const int result =
      sqlite3_table_column_metadata(db.handle(), db.schema().c_str(), table.c_str(), column.c_str(),
                                    nullptr, &collation, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK && result != SQLITE_ERROR) {  // the latter: there is none
    return tl::unexpected(SqliteError(db.handle(), db.schema(), result, "reading the schema"));
  }
  return std::string(result == SQLITE_OK && collation != nullptr ? collation : "BINARY");
}

Status ReadColumns(Database& db, TableShape& shape) {
  REJOIN_ASSIGN(CachedStatement list, db.Cached(kListColumns));
  list->BindText(1, shape.name).BindText(2, db.schema());
  for (;;) {
    REJOIN_ASSIGN(const bool row, list->Step());
    if (!row) break;
    const std::int64_t hidden = list->Integer(5);
    if (hidden == 1) continue;
    ShapeColumn column;
    column.name = std::string(list->Text(0));
    column.declared_type = std::string(list->Text(1));
    const bool any = shape.strict && SameName(column.declared_type, "ANY");
    column.affinity = any ? Affinity::kBlob : AffinityOf(column.declared_type);
    column.not_null = list->Integer(2) != 0;
    column.default_sql = std::string(list->Text(3));
    column.key_part = static_cast<std::uint32_t>(list->Integer(4));
    column.generated = hidden == 2 || hidden == 3;
    REJOIN_ASSIGN(column.collation, CollationOf(db, shape.name, column.name));
    shape.columns.push_back(std::move(column));
  }
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.columns[i].key_part != 0) shape.key.push_back(i);
  }
  std::sort(shape.key.begin(), shape.key.end(), [&shape](std::size_t a, std::size_t b) {
    return shape.columns[a].key_part < shape.columns[b].key_part;
  });
  return {};
}

Status ReadTerms(Database& db, IndexInfo& index) {
  REJOIN_ASSIGN(CachedStatement list, db.Cached(kListTerms));
  list->BindText(1, index.name).BindText(2, db.schema());
  for (;;) {
    REJOIN_ASSIGN(const bool row, list->Step());
    if (!row) return {};
    IndexTerm term;
    term.expression = list->Integer(0) < 0;
    if (!term.expression) term.column = std::string(list->Text(1));
    term.collation = std::string(list->Text(2));
    index.terms.push_back(std::move(term));
  }
}

Result<std::vector<IndexInfo>> ReadIndexes(Database& db, const std::string& table) {
  std::vector<IndexInfo> indexes;
  {
    REJOIN_ASSIGN(CachedStatement list, db.Cached(kListIndexes));
    list->BindText(1, table).BindText(2, db.schema());
    for (;;) {
      REJOIN_ASSIGN(const bool row, list->Step());
      if (!row) break;
      IndexInfo index;
      index.name = std::string(list->Text(0));
      index.primary = list->Text(1) == "pk";
      index.declared = list->Text(1) == "c";
      indexes.push_back(std::move(index));
    }
  }
  for (IndexInfo& index : indexes) REJOIN_TRY(ReadTerms(db, index));
  return indexes;
}

const ShapeColumn* FindColumn(const TableShape& shape, std::string_view name) {
  for (const ShapeColumn& column : shape.columns) {
    if (SameName(column.name, name)) return &column;
  }
  return nullptr;
}

Result<UniqueIndex> Describe(Database& db, const TableShape& shape, const IndexInfo& index) {
  UniqueIndex unique;
  unique.name = index.name;
  unique.primary = index.primary;
  IndexParts parts;
  if (index.declared) {
    REJOIN_ASSIGN(const std::string sql, StoredSql(db, "index", index.name));
    parts = PartsOfCreateIndex(sql);
    if (parts.terms.size() != index.terms.size()) {
      return NotTrackable(shape.name, "its index " + index.name +
                                          " is not understood; please report its CREATE INDEX");
    }
  }
  unique.where = parts.where;
  std::string mentions = parts.where;
  for (std::size_t i = 0; i < index.terms.size(); ++i) {
    const IndexTerm& term = index.terms[i];
    const ShapeColumn* const column = term.expression ? nullptr : FindColumn(shape, term.column);
    std::string text = term.expression ? "(" + parts.terms[i] + ")" : QuoteName(term.column);
    mentions += " " + text;
    if (column == nullptr || !SameName(column->collation, term.collation)) {
      text += " COLLATE " + QuoteName(term.collation);
    }
    unique.terms.push_back(std::move(text));
  }
  std::vector<std::string> names;
  for (const ShapeColumn& column : shape.columns) names.push_back(column.name);
  unique.columns = MentionedNames(mentions, names);
  return unique;
}

// Whether the primary key's index may call two stored values equal that differ
// in class or bytes.
bool MayEqualUnlikes(const TableShape& shape, const ShapeColumn& column, const IndexTerm& term) {
  if (!SameName(term.collation, "BINARY")) return true;
  if (shape.strict && SameName(column.declared_type, "BLOB")) return false;
  // 1 and 1.0. Other affinities store one of them only.
  return column.affinity == Affinity::kBlob;
}

bool KeyMayEqualUnlikes(const TableShape& shape, const IndexInfo& primary) {
  for (std::size_t i = 0; i < primary.terms.size() && i < shape.key.size(); ++i) {
    if (MayEqualUnlikes(shape, shape.columns[shape.key[i]], primary.terms[i])) return true;
  }
  return false;
}

Status NameRowid(TableShape& shape) {
  if (shape.kind == KeyKind::kWithoutRowid) return {};
  if (shape.kind == KeyKind::kRowid) {
    shape.rowid_name = shape.columns[shape.key.front()].name;
    return {};
  }
  for (const std::string_view name : kRowidNames) {
    if (FindColumn(shape, name) != nullptr) continue;
    shape.rowid_name = std::string(name);
    return {};
  }
  return NotTrackable(shape.name, "its columns rowid, _rowid_ and oid leave no name for the "
                                  "rowid; rename one, or create the table WITHOUT ROWID");
}

bool HasInfix(std::string_view type, std::string_view infix) {
  for (std::size_t at = 0; at + infix.size() <= type.size(); ++at) {
    if (SameName(type.substr(at, infix.size()), infix)) return true;
  }
  return false;
}

// A real that a column with numeric affinity turns into an integer.
bool MayBecomeInteger(double number) {
  return std::isfinite(number) && std::trunc(number) == number && std::fabs(number) <= 9.3e18;
}

}  // namespace

Result<TableShape> ReadTableShape(Database& db, const std::string& table) {
  TableShape shape;
  REJOIN_TRY(ReadTable(db, table, shape));
  REJOIN_TRY(ReadColumns(db, shape));
  if (shape.key.empty()) {
    return NotTrackable(shape.name, "it has no PRIMARY KEY, which rows are known by on other "
                                    "replicas; create it with one");
  }
  if (shape.key.size() > kMaxTrackedKeyParts) {
    return NotTrackable(shape.name, "its PRIMARY KEY has more than " +
                                        std::to_string(kMaxTrackedKeyParts) +
                                        " columns; use a shorter one, such as a UUID");
  }
  REJOIN_ASSIGN(const std::vector<IndexInfo> indexes, ReadIndexes(db, shape.name));
  const bool key_is_indexed = std::any_of(indexes.begin(), indexes.end(),
                                          [](const IndexInfo& index) { return index.primary; });
  if (shape.kind != KeyKind::kWithoutRowid && key_is_indexed) shape.kind = KeyKind::kIndexed;
  REJOIN_TRY(NameRowid(shape));
  // Rows are read with the rowid beside all columns: one result more than columns.
  const int most_results = sqlite3_limit(db.handle(), SQLITE_LIMIT_COLUMN, -1);
  if (shape.kind == KeyKind::kIndexed && shape.columns.size() >= static_cast<std::size_t>(most_results)) {
    return NotTrackable(shape.name, "it has " + std::to_string(shape.columns.size()) +
                                        " columns, as many as SQLite can read at once, and a rowid beside "
                                        "them; create it WITHOUT ROWID, or with a column less");
  }
  for (const IndexInfo& index : indexes) {
    if (index.primary) {
      for (const IndexTerm& term : index.terms) shape.key_collations.push_back(term.collation);
      shape.key_collations.resize(shape.key.size());
    }
    if (index.primary && !KeyMayEqualUnlikes(shape, index)) continue;
    REJOIN_ASSIGN(UniqueIndex unique, Describe(db, shape, index));
    shape.uniques.push_back(std::move(unique));
  }
  REJOIN_ASSIGN(const std::string sql, StoredSql(db, "table", shape.name));
  shape.replaces_on_conflict = SaysOnConflictReplace(sql);
  return shape;
}

bool IsAboutTable(Code code) { return code == Code::kUnknownTable || code == Code::kNotTrackable; }

Affinity AffinityOf(std::string_view declared_type) {
  if (HasInfix(declared_type, "INT")) return Affinity::kInteger;
  for (const char* const text : {"CHAR", "CLOB", "TEXT"}) {
    if (HasInfix(declared_type, text)) return Affinity::kText;
  }
  if (declared_type.empty() || HasInfix(declared_type, "BLOB")) return Affinity::kBlob;
  for (const char* const real : {"REAL", "FLOA", "DOUB"}) {
    if (HasInfix(declared_type, real)) return Affinity::kReal;
  }
  return Affinity::kNumeric;
}

bool MayAlter(Affinity affinity, const Value& value) {
  if (value.type == ValueType::kNull || value.type == ValueType::kBlob) return false;
  const bool real = value.type == ValueType::kReal;
  if (real && std::isnan(value.real())) return true;  // SQLite stores NULL
  switch (affinity) {
    case Affinity::kBlob:
      return false;
    case Affinity::kText:
      return value.type != ValueType::kText;
    case Affinity::kNumeric:
    case Affinity::kInteger:
      // Text may look like a number.
      return real ? MayBecomeInteger(value.real()) : value.type == ValueType::kText;
    case Affinity::kReal:
      // Whole reals are kept as integers in the file, so -0.0 loses its sign.
      return !real || (value.real() == 0 && std::signbit(value.real()));
  }
  return true;
}

}  // namespace rejoin
