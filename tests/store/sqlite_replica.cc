#include "tests/store/sqlite_replica.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "store/sqlite/capture_table.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "store/sqlite/meta_schema.h"
#include "store/sqlite/row_access.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/fakes.h"
#include "tests/store/table_sql.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {
namespace {

constexpr char kMemory[] = ":memory:";

void Require(int result, const std::string& what) {
  if (result == SQLITE_OK) return;
  std::fprintf(stderr, "sqlite_replica: %s: %s\n", what.c_str(), sqlite3_errstr(result));
  std::abort();
}

template <class Outcome>
const Outcome& Must(const Outcome& outcome) {
  if (!outcome) Require(SQLITE_ERROR, outcome.error().message);
  return outcome;
}

// One connection, with all that a process has for it.
class Connection {
 public:
  Connection(const std::string& path, const SqliteKind& kind, const Environment& environment) {
    Require(sqlite3_open(path.c_str(), &db_), "open");
    engine_ = NewEngine(db_, "main", environment);
    engine_->limits = kind.limits;
    Require(RegisterCaptureModule(db_, [this](sqlite3*, const std::string&) { return engine_; }),
            "the capture module");
    store_ = std::make_unique<SqliteStore>(engine_);
    app_.emplace(db_, "main");
    if (path == kMemory) return;
    Must(engine_->db.Exec("PRAGMA journal_mode = " + std::string(kind.has_wal ? "WAL" : "DELETE")));
    Must(engine_->db.Exec("PRAGMA synchronous = OFF"));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    app_.reset();
    engine_->db.FinalizeAll();
    store_.reset();
    engine_.reset();
    Require(sqlite3_close(db_), "close");
  }

  Engine& engine() { return *engine_; }
  SqliteStore& store() { return *store_; }
  // For the application's statements, which the engine knows nothing of.
  Database& app() { return *app_; }

 private:
  sqlite3* db_ = nullptr;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<SqliteStore> store_;
  std::optional<Database> app_;
};

class SqliteReplica final : public TestReplica {
 public:
  SqliteReplica(const SqliteKind& kind, const SqlitePlace& place, Clock& clock)
      : kind_(kind), random_(place.seed), defs_(place.tables) {
    const bool needs_file = kind.has_own_link && place.path == kMemory;
    if (needs_file) file_.emplace();
    const std::string path = needs_file ? file_->text() : place.path;
    connection_.emplace(path, kind, Environment{&clock, &random_});
    engine_ = &connection_->engine();
    store_ = &connection_->store();
    app_ = &connection_->app();
    if (place.tables.empty()) Must(SetUp());
    if (kind.has_own_link) link_.emplace(path, kind, Environment{&clock, &random_});
  }

  SyncStore& store() override { return link_ ? link_->store() : *store_; }

  Status Define(const TableDef& def, const Rows& existing) override {
    REJOIN_TRY(app_->Exec(CreateTableSql(def, kind_.without_rowid)));
    for (const auto& [key, row] : existing) {
      REJOIN_TRY(Insert("INSERT", def, {Op::Kind::kInsert, def.name, key, row}));
    }
    TrackOptions options;
    options.same_key = def.rules.same_key;
    options.delete_wins = def.rules.delete_wins;
    const auto tracked = store_->Track(def.name, options);
    if (!tracked) return tl::unexpected(tracked.error());
    defs_[def.name] = def;
    return {};
  }

  Status AddColumn(const std::string& table, const ColumnDef& column) override {
    REJOIN_TRY(app_->Exec("ALTER TABLE " + QuoteName(table) + " ADD COLUMN " + Declared(column)));
    defs_[table].columns.push_back(column);
    return FollowSchema(*engine_);
  }

  // --- Transactions ---------------------------------------------------------------

  Status Begin() override { return app_->Exec("BEGIN"); }
  Status Run(const Op& op) override {
    if (!app_->InTransaction()) REJOIN_TRY(ShowWhatWasFreed());
    const auto def = defs_.find(op.table);
    if (def == defs_.end()) return app_->Exec("DELETE FROM " + QuoteName(op.table));
    switch (op.kind) {
      case Op::Kind::kInsert:
      case Op::Kind::kUpsert:
        return Insert("INSERT", def->second, op);
      case Op::Kind::kReplace:
        return Insert("REPLACE", def->second, op);
      case Op::Kind::kUpdate:
      case Op::Kind::kChangeKey:
        return Update(def->second, op);
      case Op::Kind::kDelete:
        return RunWith("DELETE FROM " + QuoteName(op.table) + Where(def->second), PartsOf(op.key));
    }
    return Fail(Code::kInvalidArgument, "unknown kind of operation");
  }
  Status RunTogether(const Transaction& ops) override {
    const auto at = defs_.find(ops.front().table);
    if (at == defs_.end()) return Run(ops.front());
    if (!app_->InTransaction()) REJOIN_TRY(ShowWhatWasFreed());
    const TableDef& def = at->second;
    std::vector<std::string> names = def.key_columns;
    for (const ColumnDef& column : def.columns) names.push_back(column.name);
    std::vector<std::string> rows;
    std::vector<Value> values;
    for (const Op& op : ops) {
      std::vector<Value> row = PartsOf(op.key);
      for (const ColumnDef& column : def.columns) {
        const auto given = op.values.find(column.name);
        row.push_back(given == op.values.end() ? column.default_value : given->second);
      }
      rows.push_back("(" + Parameters(values.size() + 1, row.size()) + ")");
      values.insert(values.end(), row.begin(), row.end());
    }
    return RunWith((ops.front().kind == Op::Kind::kReplace ? "REPLACE INTO " : "INSERT INTO ") +
                       QuoteName(def.name) + NameList(names) + " VALUES" + Joined(rows),
                   values);
  }
  Status SetSavepoint() override { return app_->Exec("SAVEPOINT a"); }
  Status RollBackToSavepoint() override { return app_->Exec("ROLLBACK TO a"); }
  Status ReleaseSavepoint() override { return app_->Exec("RELEASE a"); }
  Status Commit() override {
    REJOIN_TRY(app_->Exec("COMMIT"));
    return kind_.folds_at_once ? Fold(*engine_) : Status();
  }
  Status RollBack() override { return app_->Exec("ROLLBACK"); }

  // --- What is seen ---------------------------------------------------------------

  Rows Shown(const std::string& table) override {
    const auto def = defs_.find(table);
    if (def == defs_.end()) return {};
    Must(ShowWhatWasFreed());
    Rows rows;
    auto read = app_->Prepare("SELECT * FROM " + QuoteName(table));
    Must(read);
    while (*Must(read->Step())) {
      Key key;
      Row row;
      for (int i = 0; i < read->column_count(); ++i) {
        const std::string name = sqlite3_column_name(read->raw(), i);
        const auto& keys = def->second.key_columns;
        if (std::find(keys.begin(), keys.end(), name) != keys.end()) {
          AppendKeyPart(key, read->ColumnValue(i));
        } else {
          row[name] = read->ColumnValue(i);
        }
      }
      rows.emplace(std::move(key), std::move(row));
    }
    return rows;
  }

  std::vector<KeyClash> Conflicts() override {
    Must(FollowSchema(*engine_));
    Must(Fold(*engine_));
    std::vector<KeyClash> clashes;
    auto read = engine_->db.Prepare("SELECT tbl, key FROM {s}.rejoin__clash");
    Must(read);
    while (*Must(read->Step())) {
      const TrackedTable& table = *engine_->catalog.Find(static_cast<TableNumber>(read->Integer(0)));
      if (!table.local) continue;
      KeyClash& clash = clashes.emplace_back(KeyClash{table.name, Key(read->Text(1)), {}});
      const auto row = LoadRow(*engine_, table, clash.key);
      Must(row);
      const auto& made = row->state.incarnations;
      for (auto side = made.rbegin(); side != made.rend(); ++side) {
        if (!IsAlive(*side, row->state.removes, table.rules)) continue;
        Row& values = clash.sides.emplace_back();
        for (const Cell& cell : side->cells) values[table.columns[cell.column].name] = cell.value;
      }
    }
    std::sort(clashes.begin(), clashes.end(), [](const KeyClash& a, const KeyClash& b) {
      return std::tie(a.table, a.key) < std::tie(b.table, b.key);
    });
    return clashes;
  }

  std::vector<QuarantinedRow> Quarantine() override {
    Must(FollowSchema(*engine_));
    Must(Fold(*engine_));
    std::vector<QuarantinedRow> rows;
    auto read = engine_->db.Prepare("SELECT tbl, key, reason FROM {s}.rejoin__hidden");
    Must(read);
    while (*Must(read->Step())) {
      const TrackedTable& table = *engine_->catalog.Find(static_cast<TableNumber>(read->Integer(0)));
      rows.push_back({table.name, Key(read->Text(1)), ReasonOf(read->Integer(2))});
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  std::string Damage() override {
    const auto found = store_->Check();
    Must(found);
    std::string text;
    for (const Finding& finding : *found) text += finding.table + ": " + finding.problem + "\n";
    return text;
  }

  void TrimLog() override {
    Must(Fold(*engine_));
    const Limits limits = engine_->limits;
    engine_->limits.log_min_bytes = 0;
    engine_->limits.log_file_percent = 0;
    Must(rejoin::TrimLog(*engine_));
    engine_->limits = limits;
  }

 private:
  // A replica that has no table yet: what a relay is.
  Status SetUp() {
    REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine_->db));
    REJOIN_TRY(CreateMeta(*engine_));
    REJOIN_TRY(RememberSchema(*engine_));
    return savepoint.Release();
  }

  // A row that waits for a value comes back when the commit that freed it is folded.
  Status ShowWhatWasFreed() {
    auto any = app_->Prepare("SELECT 1 FROM {s}.rejoin__hidden WHERE holder IS NOT NULL");
    Must(any);
    const bool hidden = *Must(any->Step());
    any = Statement();
    return hidden ? Fold(*engine_) : Status();
  }
  static Hidden ReasonOf(std::int64_t reason) {
    switch (static_cast<QuarantineReason>(reason)) {
      case QuarantineReason::kUnique: return Hidden::kUnique;
      case QuarantineReason::kUnknownTable: return Hidden::kUnknownTable;
      default: return Hidden::kCheck;
    }
  }

  static std::vector<Value> PartsOf(const Key& key) { return *DecodeKey(key); }

  // Byte by byte: where the key says 1 and the table holds 1.0, it is another row.
  static std::string Where(const TableDef& def, std::size_t first = 1) {
    std::vector<std::string> terms;
    for (const std::string& key : def.key_columns) {
      const std::string parameter = "?" + std::to_string(first++);
      terms.push_back(QuoteName(key) + " = " + parameter);
      terms.push_back("typeof(" + QuoteName(key) + ") = typeof(" + parameter + ")");
    }
    return " WHERE " + Joined(terms, " AND ");
  }

  Status Insert(const std::string& verb, const TableDef& def, const Op& op) {
    std::vector<std::string> names = def.key_columns;
    std::vector<Value> values = PartsOf(op.key);
    std::vector<std::string> assignments;
    for (const auto& [name, value] : op.values) {
      names.push_back(name);
      values.push_back(value);
      assignments.push_back(QuoteName(name) + " = excluded." + QuoteName(name));
    }
    std::string sql = verb + " INTO " + QuoteName(def.name) + NameList(names) + " VALUES(" +
                      Parameters(1, values.size()) + ")";
    if (op.kind == Op::Kind::kUpsert) {
      sql += " ON CONFLICT" + NameList(def.key_columns) + " DO " +
             (assignments.empty() ? "NOTHING" : "UPDATE SET " + Joined(assignments));
    }
    return RunWith(sql, values);
  }

  Status Update(const TableDef& def, const Op& op) {
    std::vector<std::string> assignments;
    std::vector<Value> values;
    const auto assign = [&](const std::string& name, const Value& value) {
      values.push_back(value);
      assignments.push_back(QuoteName(name) + " = ?" + std::to_string(values.size()));
    };
    if (op.kind == Op::Kind::kChangeKey) {
      const std::vector<Value> parts = PartsOf(op.new_key);
      for (std::size_t i = 0; i < parts.size(); ++i) assign(def.key_columns.at(i), parts[i]);
    }
    for (const auto& [name, value] : op.values) assign(name, value);
    if (assignments.empty()) {
      const std::string name = QuoteName(def.key_columns.front());
      assignments.push_back(name + " = " + name);
    }
    const std::string sql = "UPDATE " + QuoteName(def.name) + " SET " + Joined(assignments) +
                            Where(def, values.size() + 1);
    for (Value& part : PartsOf(op.key)) values.push_back(std::move(part));
    return RunWith(sql, values);
  }

  Status RunWith(const std::string& sql, const std::vector<Value>& values) {
    REJOIN_ASSIGN(Statement statement, app_->Prepare(sql));
    int at = 1;
    for (const Value& value : values) statement.BindValue(at++, value);
    return statement.Run();
  }

  SqliteKind kind_;
  FakeRandom random_;
  std::optional<ScratchPath> file_;  // where it has to have one and was given none
  std::optional<Connection> connection_;
  std::optional<Connection> link_;
  Engine* engine_ = nullptr;         // of the first
  SqliteStore* store_ = nullptr;
  Database* app_ = nullptr;
  std::map<std::string, TableDef> defs_;
};

}  // namespace

Limits SmallLimits() {
  Limits limits;
  limits.log_body_bytes = 40;
  limits.fold_batch_bytes = 64;
  limits.listed_keys_bytes = 64;
  return limits;
}

// Every row spills: a transaction is taken window by window.
Limits SpillingLimits() {
  Limits limits = SmallLimits();
  limits.capture_memory_bytes = 1;
  return limits;
}

std::vector<SqliteKind> AllSqliteKinds() {
  return {{"Rowids", false, false, {}},
          {"WithoutRowid", true, false, {}},
          {"RowidsFoldedAtOnce", false, true, {}},
          {"RowidsInSmallPortions", false, false, SmallLimits()},
          {"WithoutRowidInSmallPortions", true, false, SmallLimits()},
          {"Spilling", false, false, SpillingLimits()},
          {"WithoutRowidSpilling", true, false, SpillingLimits()},
          {"RowidsWithItsOwnLink", false, false, {}, true},
          {"WithoutRowidWithItsOwnLinkAndJournal", true, false, SmallLimits(), true, false}};
}

std::vector<SqliteKind> SqliteKindsOfOneConnection() {
  std::vector<SqliteKind> kinds = AllSqliteKinds();
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(), [](const SqliteKind& kind) { return kind.has_own_link; }),
              kinds.end());
  return kinds;
}

std::unique_ptr<TestReplica> OpenSqliteReplica(const SqliteKind& kind, const SqlitePlace& place, Clock& clock) {
  return std::make_unique<SqliteReplica>(kind, place, clock);
}

TestReplicaMaker SqliteReplicas(const SqliteKind& kind) {
  return {"Sqlite" + kind.name, [kind](std::size_t number, Clock& clock) {
            return OpenSqliteReplica(kind, {":memory:", number}, clock);
          }};
}

TestReplicaMaker MixedSqliteReplicas(const std::vector<SqliteKind>& kinds) {
  return {"SqliteOfEveryKind", [kinds](std::size_t number, Clock& clock) {
            return OpenSqliteReplica(kinds[number % kinds.size()], {":memory:", number}, clock);
          }};
}

}  // namespace rejoin
