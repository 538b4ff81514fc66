#include "store/sqlite/extract_scan.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

#include "store/sqlite/runs.h"

namespace rejoin {
namespace {

// From the one that rowid ?2 may lie in.
constexpr char kScanRuns[] =
    "SELECT first, last, rank, time, replica, colset FROM {s}.rejoin__run "
    "WHERE tbl = ?1 AND first >= coalesce((SELECT max(first) FROM {s}.rejoin__run "
    "WHERE tbl = ?1 AND first <= ?2), ?2) ORDER BY first";

// Rows that are passed over one by one before the table is searched anew.
constexpr int kPatience = 16;

// A statement's rows, in order, one at a time.
class Rows {
 public:
  static Result<Rows> Open(Engine& engine, std::string_view sql) {
    REJOIN_ASSIGN(Statement statement, engine.db.Prepare(sql));
    return Rows(std::move(statement));
  }

  Statement& statement() { return statement_; }
  bool there() const { return there_; }
  Status Next() {
    REJOIN_ASSIGN(there_, statement_.Step());
    return {};
  }

 private:
  explicit Rows(Statement statement) : statement_(std::move(statement)) {}
  Statement statement_;
  bool there_ = false;
};

// The same where the first column is a rowid.
class RowsByRowid : public Rows {
 public:
  static Result<RowsByRowid> Open(Engine& engine, std::string_view sql) {
    REJOIN_ASSIGN(Rows rows, Rows::Open(engine, sql));
    return RowsByRowid(std::move(rows));
  }
  std::int64_t rowid() const { return rowid_; }
  Status Next() {
    REJOIN_TRY(Rows::Next());
    if (there()) rowid_ = statement().Integer(0);
    return {};
  }

 private:
  explicit RowsByRowid(Rows rows) : Rows(std::move(rows)) {}
  std::int64_t rowid_ = 0;
};

bool HasRowids(const TrackedTable& table) {
  return table.local && table.shape.kind != KeyKind::kWithoutRowid;
}

// The stretch of rows that are not in the table. False: there is none.
Result<bool> EnterRecords(Engine& engine, const TrackedTable& table, ScanPlace& place) {
  REJOIN_ASSIGN(CachedStatement last,
                engine.db.Cached("SELECT max(key) FROM {s}." + table.key_table()));
  REJOIN_TRY(last->Step());
  place = {};
  place.last_key = last->Text(0).substr(0, kMaxPlaceKeyBytes);
  return !place.last_key.empty();
}

// One pass over a table's rows and metadata.
class Scan {
 public:
  Scan(Engine& engine, const TrackedTable& table, const VersionVector& since, ScanPlace& place,
       std::uint64_t& most_rows, RowVisitor& visitor)
      : engine_(engine),
        table_(table),
        sql_(engine.row_sql.For(table)),
        since_(since),
        place_(place),
        most_rows_(most_rows),
        visitor_(visitor),
        hashes_(engine, table) {
    value_at_.assign(table.columns.size(), -1);
    for (std::size_t i = 0; i < sql_.local.size(); ++i) {
      value_at_[sql_.local[i]] = sql_.values_at + static_cast<int>(i);
    }
  }

  // True: at the end.
  Result<bool> Run() {
    if (place_.in_table) {
      if (HasRowids(table_)) REJOIN_TRY(ScanByRowid());
      if (stopped_ && last_rowid_ < place_.last_rowid) {
        place_.rowid = last_rowid_ + 1;
        return false;
      }
      REJOIN_ASSIGN(const bool any, EnterRecords(engine_, table_, place_));
      if (!any || stopped_) return !any;
    }
    if (place_.last_key.empty()) return true;
    REJOIN_TRY(table_.local && kind() == KeyKind::kWithoutRowid ? ScanByKey() : ScanKeyRecords());
    return !stopped_;
  }

 private:
  KeyKind kind() const { return table_.shape.kind; }
  bool indexed() const { return kind() == KeyKind::kIndexed; }

  // A row was looked at. Stops behind it, if it is time.
  void PassRow(std::int64_t rowid) {
    CountRow();
    last_rowid_ = rowid;
    stopped_ = stopped_ || wants_stop_;
  }
  void PassKey(const Key& key) {
    CountRow();
    if (!wants_stop_ || key.size() >= kMaxPlaceKeyBytes) return;
    place_.key = key + '\0';  // what comes directly behind it
    stopped_ = true;
  }
  void CountRow() {
    if (most_rows_ > 0) --most_rows_;
    wants_stop_ = wants_stop_ || most_rows_ == 0;
  }

  // --- Rowid tables: overrides and runs say which rows have news ---------------------

  Status ScanByRowid() {
    REJOIN_ASSIGN(RowsByRowid rows, RowsByRowid::Open(engine_, sql_.scan));
    REJOIN_ASSIGN(RowsByRowid overrides, RowsByRowid::Open(engine_, sql_.scan_overrides));
    overrides.statement().Bind(1, place_.rowid);
    REJOIN_TRY(overrides.Next());
    REJOIN_ASSIGN(Rows runs, Rows::Open(engine_, kScanRuns));
    runs.statement().Bind(1, std::int64_t{table_.number}).Bind(2, place_.rowid);
    REJOIN_TRY(runs.Next());

    while (runs.there() && !stopped_) {
      REJOIN_ASSIGN(rejoin::Run run, RunAt(engine_, table_, runs.statement()));
      if (run.first > place_.last_rowid) break;
      if (run.first > place_.rowid) REJOIN_TRY(Overrides(rows, overrides, run.first - 1));
      run.first = std::max(run.first, place_.rowid);
      run.last = std::min(run.last, place_.last_rowid);
      if (!stopped_ && run.first <= run.last) REJOIN_TRY(OneRun(rows, overrides, run));
      REJOIN_TRY(runs.Next());
    }
    return Overrides(rows, overrides, place_.last_rowid);
  }

  // Those up to `last`.
  Status Overrides(RowsByRowid& rows, RowsByRowid& overrides, std::int64_t last) {
    while (!stopped_ && overrides.there() && overrides.rowid() <= last) {
      REJOIN_TRY(OneOverride(rows, overrides));
      REJOIN_TRY(overrides.Next());
    }
    return {};
  }

  // The run's rows and the overrides among them.
  Status OneRun(RowsByRowid& rows, RowsByRowid& overrides, const rejoin::Run& run) {
    const bool news = !since_.Covers(run.birth);
    if (news) ChooseColumns(run);
    std::int64_t next = run.first;
    while (!stopped_) {
      const bool overridden = overrides.there() && overrides.rowid() <= run.last;
      const std::int64_t stop = overridden ? overrides.rowid() : run.last;
      if (news) REJOIN_TRY(PlainRows(rows, run, next, overridden ? stop - 1 : stop));
      if (!overridden || stopped_) return {};
      REJOIN_TRY(OneOverride(rows, overrides));
      REJOIN_TRY(overrides.Next());
      if (stop == run.last) return {};
      next = stop + 1;
    }
    return {};
  }

  // Those of the run that are in the table.
  void ChooseColumns(const rejoin::Run& run) {
    run_columns_.clear();
    const auto is_local = [this](ColumnId column) { return column < value_at_.size() && value_at_[column] >= 0; };
    std::copy_if(run.columns->begin(), run.columns->end(), std::back_inserter(run_columns_), is_local);
  }

  Status PlainRows(RowsByRowid& rows, const rejoin::Run& run, std::int64_t first, std::int64_t last) {
    if (first > last) return {};
    REJOIN_TRY(Seek(rows, first));
    while (!stopped_ && rows.there() && rows.rowid() <= last) {
      REJOIN_TRY(PlainRow(rows, run));
      PassRow(rows.rowid());
      REJOIN_TRY(rows.Next());
    }
    return {};
  }

  Status PlainRow(RowsByRowid& rows, const rejoin::Run& run) {
    const Statement& row = rows.statement();
    if (!ReadRowKey(row, sql_, kind(), row_key_)) return {};
    if (indexed()) REJOIN_TRY(hashes_.Check(rows.rowid(), row_key_));
    values_.clear();
    for (const ColumnId column : run_columns_) values_.push_back(ColumnView(row, value_at_[column]));
    return Show(InsertedRow{row_key_, run.birth, run_columns_, values_});
  }

  Status OneOverride(RowsByRowid& rows, RowsByRowid& overrides) {
    const std::int64_t rowid = overrides.rowid();
    REJOIN_TRY(OneOverride(rows, rowid, overrides.statement().Text(1)));
    PassRow(rowid);
    return {};
  }

  Status OneOverride(RowsByRowid& rows, std::int64_t rowid, ByteView record) {
    REJOIN_ASSIGN(PackedRow packed, News(record));
    if (packed.state.empty()) return {};
    REJOIN_TRY(Seek(rows, rowid));
    // No row: somebody wrote behind our back, which drift checks notice.
    if (!rows.there() || rows.rowid() != rowid) return {};
    Key key;
    if (!ReadRowKey(rows.statement(), sql_, kind(), key)) return {};
    if (indexed() && packed.key_hash != KeyHash(key)) return WrongRow(table_, rowid);
    return Visit(std::move(key), packed, &rows.statement());
  }

  // Makes `rows` stand on the first row at `rowid` or behind it.
  Status Seek(RowsByRowid& rows, std::int64_t rowid) {
    for (int i = 0; rows.there() && i < kPatience; ++i) {
      if (rows.rowid() >= rowid) return {};
      REJOIN_TRY(rows.Next());
    }
    if (rows.there() ? rows.rowid() >= rowid : passed_end_ && rowid > sought_) return {};
    rows.statement().Reset();
    rows.statement().Bind(1, rowid);
    sought_ = rowid;
    REJOIN_TRY(rows.Next());
    passed_end_ = !rows.there();
    return {};
  }

  // --- WITHOUT ROWID: records by key, each with a look at the table --------------------

  Status ScanByKey() {
    REJOIN_ASSIGN(Rows rows, Rows::Open(engine_, sql_.scan));
    // Where everything is news the table is read along, as long as its order is
    // that of our keys; it mostly is.
    bool along = since_.empty();
    Key first_key;  // of those along
    Key row_key;
    return EachRecord([&](const Key& key, PackedRow& packed) -> Status {
      if (!packed.shown) return Visit(key, packed, nullptr);
      if (along && first_key.empty()) {
        first_key = key;
        along = BindKey(rows.statement(), table_, first_key);
        if (along) REJOIN_TRY(rows.Next());
      }
      if (along) {
        along = rows.there() && ReadRowKey(rows.statement(), sql_, kind(), row_key) && row_key == key;
      }
      if (!along) return VisitRowOf(key, packed);
      REJOIN_TRY(Visit(key, packed, &rows.statement()));
      return rows.Next();
    });
  }

  Status VisitRowOf(const Key& key, PackedRow& packed) {
    REJOIN_ASSIGN(CachedStatement read, engine_.db.Cached(sql_.read_by_key));
    if (!BindKey(*read, table_, key)) return {};
    REJOIN_ASSIGN(const bool found, read->Step());
    Key found_key;
    if (!found || !ReadRowKey(*read, sql_, kind(), found_key) || found_key != key) return {};
    return Visit(key, packed, &*read);
  }

  // --- Rows that are not in the table ---------------------------------------------

  Status ScanKeyRecords() {
    return EachRecord(
        [this](const Key& key, PackedRow& packed) { return Visit(key, packed, nullptr); });
  }

  // Calls visit(key, packed) for those with news.
  template <class VisitRecord>
  Status EachRecord(VisitRecord visit) {
    REJOIN_ASSIGN(Rows records, Rows::Open(engine_, sql_.scan_keyed));
    const Key first = place_.key;
    records.statement().BindBlob(1, first);
    while (!stopped_) {
      REJOIN_TRY(records.Next());
      if (!records.there()) return {};
      const Key key(records.statement().Text(0));
      if (ByteView(key).substr(0, place_.last_key.size()) > place_.last_key) return {};
      REJOIN_ASSIGN(PackedRow packed, News(records.statement().Text(1)));
      if (!packed.state.empty()) REJOIN_TRY(visit(key, packed));
      PassKey(key);
    }
    return {};
  }

  // --- Both ------------------------------------------------------------------------

  Result<PackedRow> News(ByteView record) {
    REJOIN_ASSIGN(PackedRow packed, UnpackRecord({engine_.catalog, table_}, record));
    if (!since_.empty()) packed.state = Since(packed.state, since_);
    return packed;
  }

  // `row`: the row in the table; nullptr where there is none.
  Status Visit(Key key, PackedRow& packed, const Statement* row) {
    BringInline(packed, [this, row](ColumnId column) -> std::optional<Value> {
      const int at = row != nullptr && column < value_at_.size() ? value_at_[column] : -1;
      if (at < 0) return std::nullopt;
      return row->ColumnValue(at);
    });
    return Show(RowDelta{std::move(key), std::move(packed.state)});
  }

  template <class Row>
  Status Show(Row&& row) {
    REJOIN_ASSIGN(const bool more, visitor_.Take(std::forward<Row>(row)));
    wants_stop_ = wants_stop_ || !more;
    return {};
  }

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;
  const VersionVector& since_;
  ScanPlace& place_;
  std::uint64_t& most_rows_;
  RowVisitor& visitor_;
  HashChunks hashes_;
  bool wants_stop_ = false;  // behind the row at hand, or as soon as a place can tell where
  bool stopped_ = false;
  std::int64_t last_rowid_ = 0;  // of the row passed last
  std::vector<int> value_at_;  // by ColumnId: the result column, or -1
  std::vector<ColumnId> run_columns_;  // of the run at hand: those that are local
  Key row_key_;                        // of the row at hand, as are values_
  std::vector<ValueView> values_;
  bool passed_end_ = false;    // no row lies at sought_ or behind it
  std::int64_t sought_ = 0;
};

}  // namespace

Result<ScanPlace> BeginningOf(Engine& engine, const TrackedTable& table) {
  ScanPlace place;
  if (HasRowids(table)) {
    REJOIN_ASSIGN(Statement last, engine.db.Prepare("SELECT max(" + QuoteName(table.shape.rowid_name) +
                                                    ") FROM {s}." + QuoteName(*table.local)));
    REJOIN_TRY(last.Step());
    place.in_table = !last.IsNull(0);
    place.last_rowid = last.Integer(0);
  }
  if (!place.in_table) REJOIN_TRY(EnterRecords(engine, table, place));
  return place;
}

Result<bool> ScanOn(Engine& engine, const TrackedTable& table, const VersionVector& since,
                    ScanPlace& place, std::uint64_t& most_rows, RowVisitor& visitor) {
  return Scan(engine, table, since, place, most_rows, visitor).Run();
}

Status ScanTable(Engine& engine, const TrackedTable& table, const VersionVector& since, RowVisitor& visitor) {
  REJOIN_ASSIGN(ScanPlace place, BeginningOf(engine, table));
  std::uint64_t most_rows = std::numeric_limits<std::uint64_t>::max();
  REJOIN_TRY(ScanOn(engine, table, since, place, most_rows, visitor));
  return {};
}

}  // namespace rejoin
