#include "store/sqlite/triggers.h"

#include <algorithm>
#include <iterator>

#include "store/sqlite/capture_entry.h"
#include "store/sqlite/meta_schema.h"

namespace rejoin {
namespace {

constexpr char kReadTrigger[] =
    "SELECT sql FROM {s}.sqlite_schema WHERE type = 'trigger' AND name = ?1";

constexpr const char* kCaptures[] = {"insert", "update", "delete"};
constexpr const char* kEvents[] = {"insert", "update", "delete", "probe_insert", "probe_update"};

std::string TriggerName(TableNumber table, const char* event) {
  return "rejoin__" + std::to_string(table) + "_" + event;
}

std::string BlobLiteral(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string literal = "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    literal.push_back(kDigits[byte >> 4]);
    literal.push_back(kDigits[byte & 15]);
  }
  return literal + "'";
}

std::string Joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::size_t Width(const CaptureTable& table) { return static_cast<std::size_t>(table.width); }

bool HasProbes(const TableShape& shape) {
  return shape.kind == KeyKind::kIndexed || !shape.uniques.empty();
}

// Writes the triggers of one table.
class TriggerText {
 public:
  TriggerText(const TrackedTable& table, std::int64_t secret)
      : table_(table), shape_(table.shape), secret_(SecretBytes(secret)) {
    for (const ColumnId column : Catalog::LocalColumns(table)) columns_.push_back(column);
    if (shape_.kind == KeyKind::kRowid) return;
    for (const std::size_t part : shape_.key) key_.push_back(QuoteName(shape_.columns[part].name));
  }

  std::string Insert() const {
    return Trigger("insert", "AFTER INSERT", Values(ChangeKind::kInsert, {"NEW."}, "NEW."));
  }
  std::string Update() const {
    return Trigger("update", "AFTER UPDATE", Values(ChangeKind::kUpdate, {"OLD.", "NEW."}, "NEW."));
  }
  std::string Delete() const {
    return Trigger("delete", "AFTER DELETE", Values(ChangeKind::kDelete, {"OLD."}, "OLD."));
  }
  std::string ProbeInsert() const {
    std::string body;
    for (const std::string& condition : Conditions()) body += Probe(condition);
    if (shape_.kind == KeyKind::kIndexed) {
      // A rowid that the statement chose; SQLite passes -1 where it chose none.
      const std::string rowid = Rowid();
      body += Probe("NEW." + rowid + " <> -1 AND " + rowid + " = NEW." + rowid);
    }
    return Trigger("probe_insert", "BEFORE INSERT", body, shape_.replaces_on_conflict ? "" : WhenAsked());
  }
  std::string ProbeUpdate() const {
    std::string body;
    for (const std::string& condition : Conditions()) body += Probe(condition + " AND " + IsOther());
    if (shape_.kind == KeyKind::kIndexed) {
      const std::string rowid = Rowid();
      body += Probe(rowid + " = NEW." + rowid + " AND " + IsOther());
    }
    return Trigger("probe_update", "BEFORE UPDATE" + OfColumns(), body);
  }

 private:
  std::string Rowid() const { return QuoteName(shape_.rowid_name); }

  // See replace_watch.h.
  static std::string WhenAsked() { return std::string(" WHEN ") + kCaptureModule + "()"; }

  std::string Trigger(const char* event, const std::string& time, const std::string& body,
                      const std::string& when = {}) const {
    return "CREATE TRIGGER {s}." + QuoteName(TriggerName(table_.number, event)) + " " + time +
           " ON " + QuoteName(shape_.name) + when + " BEGIN " + body + "END";
  }

  // One INSERT per part: its start up to the values, and the values.
  struct Part {
    std::string into;
    std::string values;
  };

  // `sides`: the prefixes of each value, so that pairs stand side by side.
  std::vector<Part> Parts(ChangeKind kind, const std::vector<std::string>& sides,
                          const std::string& rowid_side) const {
    const std::vector<ColumnId> columns =
        kind == ChangeKind::kInsert ? std::vector<ColumnId>() : columns_;
    const bool old_rowid = kind == ChangeKind::kUpdate && shape_.kind != KeyKind::kWithoutRowid;
    const std::size_t fixed = key_.size() * sides.size() + (old_rowid ? 1 : 0);
    const CaptureTable* into = std::begin(kCaptureTables);
    const std::size_t wanted = fixed + columns.size() * sides.size();
    while (Width(*into) < wanted && std::next(into) != std::end(kCaptureTables)) ++into;
    const std::size_t room = (Width(*into) - fixed) / sides.size();

    std::vector<Part> parts;
    CaptureHead head;
    head.kind = kind;
    head.has_rowid = shape_.kind != KeyKind::kWithoutRowid;
    head.table = table_.number;
    head.version = table_.version;
    head.key_parts = static_cast<std::uint32_t>(key_.size());
    head.known = columns;
    do {
      head.count = static_cast<std::uint32_t>(std::min(columns.size() - head.from, room));
      head.continues = head.from > 0;
      parts.push_back(OnePart(head, sides, rowid_side, *into));
      head.from += head.count;
    } while (head.from < columns.size());
    return parts;
  }

  Part OnePart(const CaptureHead& head, const std::vector<std::string>& sides,
               const std::string& rowid_side, const CaptureTable& into) const {
    Bytes bytes = secret_;
    PutHead(bytes, head);
    std::vector<std::string> names = {"head"};
    std::vector<std::string> values = {BlobLiteral(bytes)};
    if (head.has_rowid) {
      names.push_back("\"row\"");
      values.push_back(rowid_side + Rowid());
    }
    std::size_t value = 0;
    if (head.has_rowid && head.kind == ChangeKind::kUpdate) {
      names.push_back("v" + std::to_string(value++));
      values.push_back("OLD." + Rowid());
    }
    std::vector<std::string> cells = key_;
    for (std::uint32_t i = head.from; i < head.from + head.count; ++i) {
      cells.push_back(QuoteName(*table_.columns[head.known[i]].local));
    }
    for (const std::string& cell : cells) {
      for (const std::string& side : sides) {
        names.push_back("v" + std::to_string(value++));
        values.push_back(side + cell);
      }
    }
    return {std::string("INSERT INTO ") + into.name + "(" + Joined(names, ",") + ") ",
            Joined(values, ",")};
  }

  std::string Values(ChangeKind kind, const std::vector<std::string>& sides,
                     const std::string& rowid_side) const {
    std::string body;
    for (const Part& part : Parts(kind, sides, rowid_side)) {
      body += part.into + "VALUES(" + part.values + "); ";
    }
    return body;
  }

  std::string Probe(const std::string& condition) const {
    std::string body;
    for (const Part& part : Parts(ChangeKind::kProbe, {""}, "")) {
      body += part.into + "SELECT " + part.values + " FROM " + QuoteName(shape_.name) + " WHERE " +
              condition + "; ";
    }
    return body;
  }

  // For each key or index by which a new row may displace another: what tells
  // that row.
  std::vector<std::string> Conditions() const {
    std::vector<std::string> conditions;
    const bool listed = std::any_of(shape_.uniques.begin(), shape_.uniques.end(),
                                    [](const UniqueIndex& unique) { return unique.primary; });
    if (shape_.kind == KeyKind::kIndexed && !listed) conditions.push_back(SameKeyCondition());
    for (const UniqueIndex& unique : shape_.uniques) conditions.push_back(SameTerms(unique));
    return conditions;
  }

  std::string SameKeyCondition() const {
    std::vector<std::string> equal;
    for (const std::string& part : key_) equal.push_back(part + " = NEW." + part);
    return Joined(equal, " AND ");
  }

  // The new row's value of a column as the index will see it: REPLACE puts the
  // default in place of a NULL that a NOT NULL refuses.
  std::string NewValue(const std::string& name) const {
    const std::string value = "NEW." + QuoteName(name);
    for (const ShapeColumn& column : shape_.columns) {
      if (column.name != name || !column.not_null || column.default_sql.empty()) continue;
      return "ifnull(" + value + ", (" + column.default_sql + "))";
    }
    return value;
  }

  // An expression over the new row: its columns under the table's own names.
  std::string OfNewRow(const UniqueIndex& unique, const std::string& expression) const {
    std::vector<std::string> columns;
    for (const std::string& name : unique.columns) {
      columns.push_back(NewValue(name) + " AS " + QuoteName(name));
    }
    if (columns.empty()) columns.push_back("1");
    return "(SELECT " + expression + " FROM (SELECT " + Joined(columns, ", ") + ") AS " +
           QuoteName(shape_.name) + ")";
  }

  std::string NewTerm(const UniqueIndex& unique, const std::string& term) const {
    for (const std::string& name : unique.columns) {
      const std::string quoted = QuoteName(name);
      if (term == quoted || term.rfind(quoted + " COLLATE ", 0) == 0) return NewValue(name);
    }
    return OfNewRow(unique, term);
  }

  std::string SameTerms(const UniqueIndex& unique) const {
    std::vector<std::string> equal;
    for (const std::string& term : unique.terms) equal.push_back(term + " = " + NewTerm(unique, term));
    if (!unique.where.empty()) {
      equal.push_back("(" + unique.where + ")");
      equal.push_back(OfNewRow(unique, "(" + unique.where + ")"));
    }
    return Joined(equal, " AND ");
  }

  // The row that is being updated does not displace itself.
  std::string IsOther() const {
    if (shape_.kind != KeyKind::kWithoutRowid) return Rowid() + " <> OLD." + Rowid();
    std::vector<std::string> same;
    for (const std::string& part : key_) same.push_back(part + " IS OLD." + part);
    return "NOT (" + Joined(same, " AND ") + ")";
  }

  // The columns whose update can displace a row; empty where a generated column
  // is among them, which no UPDATE names.
  std::string OfColumns() const {
    std::vector<std::string> names;
    for (const ShapeColumn& column : shape_.columns) {
      const bool in_index = std::any_of(
          shape_.uniques.begin(), shape_.uniques.end(), [&column](const UniqueIndex& unique) {
            return std::find(unique.columns.begin(), unique.columns.end(), column.name) !=
                   unique.columns.end();
          });
      if (in_index && column.generated) return {};
      if (in_index || column.key_part != 0) names.push_back(QuoteName(column.name));
    }
    // By whatever name: the columns of an UPDATE are told from these by their text.
    if (shape_.kind == KeyKind::kIndexed) names.insert(names.end(), {"rowid", "_rowid_", "oid"});
    return " OF " + Joined(names, ", ");
  }

  const TrackedTable& table_;
  const TableShape& shape_;
  Bytes secret_;
  std::vector<ColumnId> columns_;
  std::vector<std::string> key_;  // quoted; empty where the key is the rowid
};

// SQLite keeps the text without the name of the schema.
std::string AsStored(std::string sql) { return sql.erase(sql.find("{s}."), 4); }

Result<std::int64_t> Secret(Engine& engine) {
  REJOIN_ASSIGN(const auto secret, engine.Meta("secret"));
  if (secret && secret->type == ValueType::kInteger) return secret->integer();
  return Fail(Code::kCorrupt, "rejoin__meta lacks its entry 'secret'; restore the file from a "
                              "backup, or call rejoin_uninstall() and track the tables again");
}

}  // namespace

Bytes SecretBytes(std::int64_t secret) {
  Bytes bytes;
  PutFixed64(bytes, static_cast<std::uint64_t>(secret));
  return bytes;
}

std::vector<std::string> CaptureTriggerSql(const TrackedTable& table, std::int64_t secret) {
  const TriggerText text(table, secret);
  std::vector<std::string> triggers = {text.Insert(), text.Update(), text.Delete()};
  if (HasProbes(table.shape)) {
    triggers.push_back(text.ProbeInsert());
    triggers.push_back(text.ProbeUpdate());
  }
  return triggers;
}

std::vector<std::string> CaptureTriggerNames(const TrackedTable& table) {
  std::vector<std::string> names;
  for (const char* const event : kCaptures) names.push_back(TriggerName(table.number, event));
  return names;
}

Result<bool> CaptureTriggersAreCurrent(Engine& engine, const TrackedTable& table) {
  REJOIN_ASSIGN(const std::int64_t secret, Secret(engine));
  std::vector<std::string> expected;
  for (const std::string& sql : CaptureTriggerSql(table, secret)) expected.push_back(AsStored(sql));
  std::size_t found = 0;
  for (const char* const event : kEvents) {
    REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadTrigger));
    const std::string name = TriggerName(table.number, event);
    read->BindText(1, name);
    REJOIN_ASSIGN(const bool there, read->Step());
    if (!there) continue;
    ++found;
    if (std::find(expected.begin(), expected.end(), read->Text(0)) == expected.end()) return false;
  }
  return found == expected.size();
}

Status CreateCaptureTriggers(Engine& engine, const TrackedTable& table) {
  REJOIN_TRY(DropCaptureTriggers(engine, table.number));
  REJOIN_ASSIGN(const std::int64_t secret, Secret(engine));
  for (const std::string& sql : CaptureTriggerSql(table, secret)) REJOIN_TRY(engine.db.Exec(sql));
  return {};
}

Status DropCaptureTriggers(Engine& engine, TableNumber table) {
  for (const char* const event : kEvents) {
    REJOIN_TRY(engine.db.Exec("DROP TRIGGER IF EXISTS {s}." + QuoteName(TriggerName(table, event))));
  }
  return {};
}

}  // namespace rejoin
