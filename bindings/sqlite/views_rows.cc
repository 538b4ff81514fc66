#include <deque>

#include "bindings/sqlite/json_text.h"
#include "bindings/sqlite/view.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/meta_schema.h"
#include "store/sqlite/row_access.h"

namespace rejoin {
namespace {

constexpr char kClashes[] = "SELECT tbl, key FROM {s}.rejoin__clash ORDER BY tbl, key";
constexpr char kHidden[] =
    "SELECT tbl, key, reason, detail FROM {s}.rejoin__hidden ORDER BY tbl, key";

const char* ReasonText(std::int64_t reason) {
  switch (static_cast<QuarantineReason>(reason)) {
    case QuarantineReason::kUnique:
      return "unique";
    case QuarantineReason::kCheck:
      return "check";
    case QuarantineReason::kUnknownTable:
      return "unknown table";
    case QuarantineReason::kTooLarge:
      return "too large";
    case QuarantineReason::kNoKey:
      return "no key";
  }
  return "unknown";
}

// What loading rows asks for: metadata in line with schema and commits.
Result<std::shared_ptr<Engine>> FoldedEngine(Connection& connection, const char* view) {
  REJOIN_TRY(connection.RequireNoCapture(view));
  std::shared_ptr<Engine> engine = connection.Main();
  REJOIN_TRY(FollowSchema(*engine));
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(*engine));
  if (pending > 0) REJOIN_TRY(Fold(*engine));
  return engine;
}

// One value, and whose it is.
void AddSide(std::vector<Value>& row, const Value& value, const Stamp& stamp) {
  row.push_back(value);
  row.push_back(Value::Text(stamp.replica.Hex()));
  row.push_back(Value::Text(TimeText(stamp.time.wall_ms())));
}

// rejoin_conflicts: per row that was made twice, each value that is not shown.
class ConflictRows : public ViewRows {
 public:
  ConflictRows(std::shared_ptr<Engine> engine, Statement statement)
      : engine_(std::move(engine)), statement_(std::move(statement)) {}

  Result<bool> Next(std::vector<Value>& row) override {
    while (waiting_.empty()) {
      REJOIN_ASSIGN(const bool more, statement_.Step());
      if (!more) return false;
      const auto* const table =
          engine_->catalog.Find(static_cast<TableNumber>(statement_.Integer(0)));
      if (table == nullptr) continue;
      const Key key(statement_.Text(1));
      REJOIN_ASSIGN(const LocatedRow located, LoadRow(*engine_, *table, key));
      AddRow(*table, key, located.state);
    }
    row = std::move(waiting_.front());
    waiting_.pop_front();
    return true;
  }

 private:
  void AddRow(const TrackedTable& table, const Key& key, const RowState& state) {
    const std::vector<const Cell*> shown = ShownCells(state, table.rules);
    const Incarnation* const newest = ShownIncarnation(state, table.rules);
    if (newest == nullptr) return;
    for (const Incarnation& other : state.incarnations) {
      if (&other != newest && IsAlive(other, state.removes, table.rules)) {
        AddPair(table, key, shown, *newest, other);
      }
    }
  }

  // Under `merge` a value of either incarnation may be the one not shown.
  void AddPair(const TrackedTable& table, const Key& key, const std::vector<const Cell*>& shown,
               const Incarnation& newest, const Incarnation& other) {
    const std::size_t before = waiting_.size();
    for (const Cell* const cell : shown) {
      for (const Incarnation* const side : {&newest, &other}) {
        for (const Cell& rival : side->cells) {
          if (rival.column != cell->column || rival.value == cell->value) continue;
          std::vector<Value> row = {Value::Text(table.name), Value::Text(KeyToJson(key)),
                                    Value::Text(table.columns[cell->column].name)};
          AddSide(row, cell->value, cell->stamp);
          AddSide(row, rival.value, rival.stamp);
          waiting_.push_back(std::move(row));
        }
      }
    }
    if (waiting_.size() > before) return;
    std::vector<Value> row = {Value::Text(table.name), Value::Text(KeyToJson(key)), Value::Null()};
    AddSide(row, Value::Null(), newest.birth);
    AddSide(row, Value::Null(), other.birth);
    waiting_.push_back(std::move(row));
  }

  std::shared_ptr<Engine> engine_;
  Statement statement_;
  std::deque<std::vector<Value>> waiting_;  // of one key
};

// rejoin_quarantine: rows that are present and not shown, then rows that stay
// here because their key holds a NULL.
class QuarantineRows : public ViewRows {
 public:
  QuarantineRows(std::shared_ptr<Engine> engine, Statement statement)
      : engine_(std::move(engine)), statement_(std::move(statement)) {}

  Result<bool> Next(std::vector<Value>& row) override {
    while (in_hidden_) {
      REJOIN_ASSIGN(in_hidden_, statement_.Step());
      if (!in_hidden_) break;
      REJOIN_ASSIGN(const bool filled, FillHidden(row));
      if (filled) return true;
    }
    return NextWithoutKey(row);
  }

 private:
  Result<bool> FillHidden(std::vector<Value>& row) {
    const auto* const table = engine_->catalog.Find(static_cast<TableNumber>(statement_.Integer(0)));
    if (table == nullptr) return false;
    const Key key(statement_.Text(1));
    REJOIN_ASSIGN(const LocatedRow located, LoadRow(*engine_, *table, key));
    row = {Value::Text(table->name), Value::Text(KeyToJson(key)),
           Value::Text(ReasonText(statement_.Integer(2))), statement_.ColumnValue(3),
           Value::Text(RowToJson(*table, key, ShownCells(located.state, table->rules)))};
    return true;
  }

  Result<bool> NextWithoutKey(std::vector<Value>& row) {
    for (;;) {
      if (without_key_) {
        REJOIN_ASSIGN(const bool more, without_key_.Step());
        if (more) {
          FillWithoutKey(row);
          return true;
        }
        without_key_ = Statement();
        ++table_;
      }
      if (table_ >= engine_->catalog.tables().size()) return false;
      REJOIN_TRY(SelectWithoutKey(*engine_->catalog.tables()[table_]));
      if (!without_key_) ++table_;
    }
  }

  // Leaves the statement empty where no key of the table can hold a NULL.
  Status SelectWithoutKey(const TrackedTable& table) {
    if (!table.local || table.shape.kind != KeyKind::kIndexed) return {};
    std::string where;
    for (const std::size_t part : table.shape.key) {
      if (table.shape.columns[part].not_null) continue;
      where += (where.empty() ? "" : " OR ") + QuoteName(table.shape.columns[part].name) + " IS NULL";
    }
    if (where.empty()) return {};
    std::string columns;
    names_.clear();
    for (const ShapeColumn& column : table.shape.columns) {
      columns += (columns.empty() ? "" : ", ") + QuoteName(column.name);
      names_.push_back(column.name);
    }
    REJOIN_ASSIGN(without_key_, engine_->db.Prepare("SELECT " + columns + " FROM {s}." +
                                                    QuoteName(*table.local) + " WHERE " + where));
    name_ = table.name;
    return {};
  }

  void FillWithoutKey(std::vector<Value>& row) {
    std::string json = "{";
    for (std::size_t at = 0; at < names_.size(); ++at) {
      if (at > 0) json += ',';
      AppendJsonText(json, names_[at]);
      json += ':';
      AppendJsonValue(json, without_key_.ColumnValue(static_cast<int>(at)), kShownBytes);
    }
    row = {Value::Text(name_), Value::Null(),
           Value::Text(ReasonText(static_cast<int>(QuarantineReason::kNoKey))),
           Value::Text("a NULL in the primary key: the row stays on this replica"),
           Value::Text(json + '}')};
  }

  std::shared_ptr<Engine> engine_;
  Statement statement_;
  bool in_hidden_ = true;
  Statement without_key_;
  std::size_t table_ = 0;  // index into the dictionary
  std::string name_;
  std::vector<std::string> names_;
};

Result<std::unique_ptr<ViewRows>> OpenConflicts(Connection& connection,
                                                std::optional<std::int64_t>) {
  REJOIN_ASSIGN(std::shared_ptr<Engine> engine, FoldedEngine(connection, "rejoin_conflicts"));
  REJOIN_ASSIGN(Statement statement, engine->db.Prepare(kClashes));
  return std::make_unique<ConflictRows>(std::move(engine), std::move(statement));
}

Result<std::unique_ptr<ViewRows>> OpenQuarantine(Connection& connection,
                                                 std::optional<std::int64_t>) {
  REJOIN_ASSIGN(std::shared_ptr<Engine> engine, FoldedEngine(connection, "rejoin_quarantine"));
  REJOIN_ASSIGN(Statement statement, engine->db.Prepare(kHidden));
  return std::make_unique<QuarantineRows>(std::move(engine), std::move(statement));
}

constexpr ViewSpec kViews[] = {
    {"rejoin_conflicts",
     "CREATE TABLE x(tbl TEXT, key TEXT, \"column\" TEXT, shown_value, shown_replica TEXT,"
     " shown_time TEXT, other_value, other_replica TEXT, other_time TEXT)",
     -1, OpenConflicts},
    {"rejoin_quarantine",
     "CREATE TABLE x(tbl TEXT, key TEXT, reason TEXT, detail TEXT, row TEXT)", -1, OpenQuarantine},
};

}  // namespace

std::span<const ViewSpec> RowViews() { return kViews; }

}  // namespace rejoin
