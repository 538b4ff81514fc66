#include "bindings/sqlite/json_text.h"
#include "bindings/sqlite/view.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/log.h"
#include "store/sqlite/new_row_keys.h"

namespace rejoin {
namespace {

const char* KindOf(const Change& change) {
  switch (change.kind) {
    case ChangeKind::kInsert:
      return "insert";
    case ChangeKind::kUpdate:
      return "update";
    case ChangeKind::kDelete:
    case ChangeKind::kProbe:
      return "delete";
  }
  return "delete";
}

// rejoin_changes: one log record in memory at a time.
class ChangeRows : public ViewRows {
 public:
  ChangeRows(std::shared_ptr<Engine> engine, const ReplicaId& own, std::uint64_t after)
      : engine_(std::move(engine)), own_(own), position_(after), left_rows_(*engine_) {}

  Result<bool> Next(std::vector<Value>& row) override {
    while (at_ == Size()) {
      REJOIN_ASSIGN(const bool more, NextRecord());
      if (!more) return false;
    }
    const bool local = at_ < record_.changes.size();
    const HybridTimestamp time = local ? record_.own : MergedUntil();
    row = {Value::Integer(static_cast<std::int64_t>(record_.cursor.position)),
           Value::Text(TimeText(time.wall_ms())), Value::Text(std::to_string(time.value))};
    if (local) {
      REJOIN_TRY(AddChange(row, record_.changes[at_]));
    } else {
      AddMerged(row);
    }
    ++at_;
    return true;
  }

 private:
  // Rows that the record gives: its changes, its merged keys, and one without a key
  // for rows that it does not list (adopted, or too many).
  std::size_t Size() const {
    return record_.changes.size() + record_.touched.size() + (record_.overflow ? 1 : 0);
  }

  Result<bool> NextRecord() {
    bool found = false;
    REJOIN_TRY(ForEachAfter(*engine_, position_, [&](const LogRecord& record) -> Result<bool> {
      record_ = record;
      found = true;
      return false;
    }));
    at_ = 0;
    if (found) position_ = record_.cursor.position;
    return found;
  }

  HybridTimestamp MergedUntil() const {
    HybridTimestamp latest;
    for (const Advance& advance : record_.advances) latest = std::max(latest, advance.to);
    return latest;
  }

  Value TableName(const TrackedTable* table) const {
    return table == nullptr ? Value::Null() : Value::Text(table->name);
  }

  Status AddChange(std::vector<Value>& row, const Change& change) {
    Key key = change.key;
    if (change.key_hash) {
      REJOIN_ASSIGN(key, left_rows_.Find(change, record_.cursor.position));
    }
    const TrackedTable* const table = engine_->catalog.Find(change.table);
    std::vector<std::string> columns;
    for (const ColumnId column : change.columns) {
      if (table != nullptr && column < table->columns.size()) {
        columns.push_back(table->columns[column].name);
      }
    }
    row.push_back(Value::Text(own_.Hex()));
    row.push_back(TableName(table));
    row.push_back(key.empty() ? Value::Null() : Value::Text(KeyToJson(key)));
    row.push_back(Value::Text(KindOf(change)));
    row.push_back(change.kind == ChangeKind::kUpdate ? Value::Text(NamesToJson(columns))
                                                     : Value::Null());
    return {};
  }

  void AddMerged(std::vector<Value>& row) {
    // Whose changes came is known where they are of one replica.
    const ReplicaId* const from =
        record_.advances.size() == 1 ? engine_->catalog.Lookup(record_.advances[0].replica) : nullptr;
    row.push_back(from == nullptr ? Value::Null() : Value::Text(from->Hex()));
    const std::size_t at = at_ - record_.changes.size();
    if (at < record_.touched.size()) {
      row.push_back(TableName(engine_->catalog.Find(record_.touched[at].table)));
      row.push_back(Value::Text(KeyToJson(record_.touched[at].key)));
      row.push_back(Value::Text("merge"));
    } else {
      row.push_back(Value::Null());
      row.push_back(Value::Null());
      row.push_back(Value::Text(record_.rank == Rank::kAdopted ? "adopt" : "merge"));
    }
    row.push_back(Value::Null());
  }

  std::shared_ptr<Engine> engine_;
  ReplicaId own_;
  std::uint64_t position_;
  LeftRowKeys left_rows_;
  LogRecord record_;
  std::size_t at_ = 0;
};

Result<std::unique_ptr<ViewRows>> OpenChanges(Connection& connection,
                                              std::optional<std::int64_t> after) {
  std::shared_ptr<Engine> engine = connection.Main();
  REJOIN_ASSIGN(const ReplicaId own, ReadReplica(*engine));
  return std::make_unique<ChangeRows>(std::move(engine), own,
                                      static_cast<std::uint64_t>(after.value_or(0)));
}

constexpr ViewSpec kViews[] = {
    {"rejoin_changes",
     "CREATE TABLE x(position INTEGER, time TEXT, stamp TEXT, replica TEXT, tbl TEXT, key TEXT,"
     " kind TEXT, columns TEXT)",
     0, OpenChanges},
};

}  // namespace

std::span<const ViewSpec> LogViews() { return kViews; }

}  // namespace rejoin
