#include "bindings/sqlite/json_text.h"
#include "bindings/sqlite/view.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

constexpr char kCount[] = "SELECT count(*) FROM {s}.";
constexpr char kHidden[] = "SELECT count(*) FROM {s}.rejoin__hidden WHERE tbl = ?1";
constexpr char kClashes[] = "SELECT count(*) FROM {s}.rejoin__clash WHERE tbl = ?1";
constexpr char kUserTriggers[] =
    "SELECT name FROM {s}.sqlite_schema WHERE type = 'trigger'"
    " AND lower(tbl_name) = lower(?1) AND name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\' ORDER BY name";
constexpr char kEvents[] = "SELECT wall_ms, kind, message FROM {s}.rejoin__event ORDER BY number";

Value Flag(bool on) { return Value::Integer(on ? 1 : 0); }

Value TextOrNull(const std::optional<std::string>& text) {
  return text ? Value::Text(*text) : Value::Null();
}

// rejoin_tables: one row per table of the dictionary.
class TableRows : public ViewRows {
 public:
  explicit TableRows(Connection& connection) : engine_(connection.Main()) {
    for (const auto& table : engine_->catalog.tables()) numbers_.push_back(table->number);
  }

  Result<bool> Next(std::vector<Value>& row) override {
    const TrackedTable* table = nullptr;
    while (table == nullptr && at_ < numbers_.size()) {
      table = engine_->catalog.Find(numbers_[at_++]);  // untracked meanwhile: nullptr
    }
    if (table == nullptr) return false;
    std::vector<std::string> known;
    std::vector<std::string> unknown;
    for (const TrackedColumn& column : table->columns) {
      (column.local ? known : unknown).push_back(column.name);
    }
    row = {TextOrNull(table->local),
           Value::Text(table->name),
           Value::Text(table->rules.same_key == SameKey::kMerge ? "merge" : "newest"),
           Flag(table->rules.delete_wins),
           Flag(table->fire_triggers),
           Value::Text(NamesToJson(known)),
           Value::Text(NamesToJson(unknown))};
    REJOIN_TRY(AddTriggers(row, *table));
    REJOIN_TRY(AddCounts(row, *table));
    return true;
  }

 private:
  Status AddTriggers(std::vector<Value>& row, const TrackedTable& table) {
    std::vector<std::string> names;
    if (table.local && table.fire_triggers) {
      REJOIN_ASSIGN(Statement statement, engine_->db.Prepare(kUserTriggers));
      statement.BindText(1, *table.local);
      for (;;) {
        REJOIN_ASSIGN(const bool more, statement.Step());
        if (!more) break;
        names.emplace_back(statement.Text(0));
      }
    }
    row.push_back(Value::Text(NamesToJson(names)));
    return {};
  }

  Status AddCounts(std::vector<Value>& row, const TrackedTable& table) {
    if (table.local) {
      REJOIN_ASSIGN(Statement count, engine_->db.Prepare(kCount + QuoteName(*table.local)));
      REJOIN_TRY(count.Step());
      row.push_back(count.ColumnValue(0));
    } else {
      row.push_back(Value::Null());
    }
    for (const char* const sql : {kHidden, kClashes}) {
      REJOIN_ASSIGN(Statement count, engine_->db.Prepare(sql));
      count.Bind(1, std::int64_t{table.number});
      REJOIN_TRY(count.Step());
      row.push_back(count.ColumnValue(0));
    }
    return {};
  }

  std::shared_ptr<Engine> engine_;
  std::vector<TableNumber> numbers_;
  std::size_t at_ = 0;
};

// rejoin_peers: the version vector, one row per replica.
class PeerRows : public ViewRows {
 public:
  PeerRows(VersionVector vector, const ReplicaId& own) : vector_(std::move(vector)), own_(own) {}

  Result<bool> Next(std::vector<Value>& row) override {
    if (at_ == vector_.entries().size()) return false;
    const auto& [replica, time] = vector_.entries()[at_++];
    row = {Value::Text(replica.Hex()), Flag(replica == own_),
           Value::Text(TimeText(time.wall_ms())), Value::Text(std::to_string(time.value))};
    return true;
  }

 private:
  VersionVector vector_;
  ReplicaId own_;
  std::size_t at_ = 0;
};

// rejoin_log: the ring of events.
class EventRows : public ViewRows {
 public:
  explicit EventRows(Statement statement) : statement_(std::move(statement)) {}

  Result<bool> Next(std::vector<Value>& row) override {
    REJOIN_ASSIGN(const bool more, statement_.Step());
    if (!more) return false;
    row = {Value::Text(TimeText(statement_.Unsigned(0))), statement_.ColumnValue(1),
           statement_.ColumnValue(2)};
    return true;
  }

 private:
  Statement statement_;
};

Result<std::unique_ptr<ViewRows>> OpenTables(Connection& connection, std::optional<std::int64_t>) {
  return std::make_unique<TableRows>(connection);
}

Result<std::unique_ptr<ViewRows>> OpenPeers(Connection& connection, std::optional<std::int64_t>) {
  const std::shared_ptr<Engine> engine = connection.Main();
  REJOIN_ASSIGN(VersionVector vector, ReadVector(*engine));
  REJOIN_ASSIGN(const ReplicaId own, ReadReplica(*engine));
  return std::make_unique<PeerRows>(std::move(vector), own);
}

Result<std::unique_ptr<ViewRows>> OpenEvents(Connection& connection, std::optional<std::int64_t>) {
  REJOIN_ASSIGN(Statement statement, connection.Main()->db.Prepare(kEvents));
  return std::make_unique<EventRows>(std::move(statement));
}

constexpr ViewSpec kViews[] = {
    {"rejoin_tables",
     "CREATE TABLE x(tbl TEXT, name TEXT, same_key TEXT, delete_wins INTEGER,"
     " fire_triggers INTEGER, columns TEXT, unknown_columns TEXT, firing TEXT, rows INTEGER,"
     " quarantined INTEGER, conflicts INTEGER)",
     -1, OpenTables},
    {"rejoin_peers",
     "CREATE TABLE x(replica TEXT, is_self INTEGER, applied_until TEXT, stamp TEXT)", -1,
     OpenPeers},
    {"rejoin_log", "CREATE TABLE x(time TEXT, kind TEXT, message TEXT)", -1, OpenEvents},
};

}  // namespace

std::span<const ViewSpec> CatalogViews() { return kViews; }

}  // namespace rejoin
