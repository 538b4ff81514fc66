#include "store/sqlite/extract_scan.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "crdt/delta_format.h"
#include "store/sqlite/runs.h"

namespace rejoin {
namespace {

constexpr char kScanRuns[] =
    "SELECT first, last, rank, time, replica, colset FROM {s}.rejoin__run "
    "WHERE tbl = ?1 ORDER BY first";

constexpr std::int64_t kLowestRowid = std::numeric_limits<std::int64_t>::min();
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

// One pass over a table's rows and metadata.
class Scan {
 public:
  Scan(Engine& engine, const TrackedTable& table, const VersionVector& since,
       const RowVisitor& visit)
      : engine_(engine),
        table_(table),
        sql_(engine.row_sql.For(table)),
        since_(since),
        visit_(visit),
        hashes_(engine, table) {
    value_at_.assign(table.columns.size(), -1);
    for (std::size_t i = 0; i < sql_.local.size(); ++i) {
      value_at_[sql_.local[i]] = sql_.values_at + static_cast<int>(i);
    }
  }

  Status Run() {
    if (table_.local && kind() == KeyKind::kWithoutRowid) return ScanByKey();
    if (table_.local) REJOIN_TRY(ScanByRowid());
    return ScanKeyRecords();
  }

 private:
  KeyKind kind() const { return table_.shape.kind; }
  bool indexed() const { return kind() == KeyKind::kIndexed; }

  // --- Rowid tables: overrides and runs say which rows have news ---------------------

  Status ScanByRowid() {
    REJOIN_ASSIGN(Rows rows, Rows::Open(engine_, sql_.scan));
    REJOIN_ASSIGN(Rows overrides, Rows::Open(engine_, sql_.scan_overrides));
    overrides.statement().Bind(1, kLowestRowid);
    REJOIN_TRY(overrides.Next());
    REJOIN_ASSIGN(Rows runs, Rows::Open(engine_, kScanRuns));
    runs.statement().Bind(1, std::int64_t{table_.number});
    REJOIN_TRY(runs.Next());

    while (runs.there()) {
      REJOIN_ASSIGN(const rejoin::Run run, RunAt(engine_, table_, runs.statement()));
      REJOIN_TRY(Overrides(rows, overrides, run.first));
      REJOIN_TRY(OneRun(rows, overrides, run));
      REJOIN_TRY(runs.Next());
    }
    return Overrides(rows, overrides, std::nullopt);
  }

  // The overrides that come before `end`.
  Status Overrides(Rows& rows, Rows& overrides, std::optional<std::int64_t> end) {
    while (overrides.there() && (!end || overrides.statement().Integer(0) < *end)) {
      REJOIN_TRY(OneOverride(rows, overrides.statement()));
      REJOIN_TRY(overrides.Next());
    }
    return {};
  }

  // The run's rows and the overrides among them.
  Status OneRun(Rows& rows, Rows& overrides, const rejoin::Run& run) {
    const bool news = !since_.Covers(run.birth);
    std::int64_t next = run.first;
    for (;;) {
      const bool overridden = overrides.there() && overrides.statement().Integer(0) <= run.last;
      const std::int64_t stop = overridden ? overrides.statement().Integer(0) : run.last;
      if (news) REJOIN_TRY(PlainRows(rows, run, next, overridden ? stop - 1 : stop));
      if (!overridden) return {};
      REJOIN_TRY(OneOverride(rows, overrides.statement()));
      REJOIN_TRY(overrides.Next());
      if (stop == run.last) return {};
      next = stop + 1;
    }
  }

  Status PlainRows(Rows& rows, const rejoin::Run& run, std::int64_t first, std::int64_t last) {
    if (first > last) return {};
    REJOIN_TRY(Seek(rows, first));
    while (rows.there() && rows.statement().Integer(0) <= last) {
      REJOIN_TRY(PlainRow(rows.statement(), run));
      REJOIN_TRY(rows.Next());
    }
    return {};
  }

  Status PlainRow(const Statement& row, const rejoin::Run& run) {
    RowDelta delta;
    if (!ReadRowKey(row, sql_, kind(), delta.key)) return {};
    if (indexed()) REJOIN_TRY(hashes_.Check(row.Integer(0), delta.key));
    Incarnation incarnation{run.birth, {}};
    incarnation.cells.reserve(run.columns->size());
    for (const ColumnId column : *run.columns) {
      const int at = column < value_at_.size() ? value_at_[column] : -1;
      if (at >= 0) incarnation.cells.push_back({column, run.birth, row.ColumnValue(at)});
    }
    delta.state.incarnations.push_back(std::move(incarnation));
    return visit_(std::move(delta));
  }

  Status OneOverride(Rows& rows, const Statement& override_row) {
    const std::int64_t rowid = override_row.Integer(0);
    REJOIN_ASSIGN(PackedRow packed, News(override_row.Text(1)));
    if (packed.state.empty()) return {};
    REJOIN_TRY(Seek(rows, rowid));
    // No row: somebody wrote behind our back, which drift checks notice.
    if (!rows.there() || rows.statement().Integer(0) != rowid) return {};
    Key key;
    if (!ReadRowKey(rows.statement(), sql_, kind(), key)) return {};
    if (indexed() && packed.key_hash != KeyHash(key)) return WrongRow(table_, rowid);
    return Visit(std::move(key), packed, &rows.statement());
  }

  // Makes `rows` stand on the first row at `rowid` or behind it.
  Status Seek(Rows& rows, std::int64_t rowid) {
    for (int i = 0; rows.there() && i < kPatience; ++i) {
      if (rows.statement().Integer(0) >= rowid) return {};
      REJOIN_TRY(rows.Next());
    }
    if (rows.there() ? rows.statement().Integer(0) >= rowid : passed_end_ && rowid > sought_) return {};
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
    if (along) REJOIN_TRY(rows.Next());
    REJOIN_ASSIGN(Rows records, Rows::Open(engine_, sql_.scan_keyed));
    records.statement().BindBlob(1, ByteView());
    Key row_key;
    for (;;) {
      REJOIN_TRY(records.Next());
      if (!records.there()) return {};
      const ByteView record = records.statement().Text(1);
      REJOIN_ASSIGN(PackedRow packed, News(record));
      if (packed.state.empty()) continue;
      Key key(records.statement().Text(0));
      if (!packed.shown) {
        REJOIN_TRY(Visit(std::move(key), packed, nullptr));
        continue;
      }
      if (along) {
        along = rows.there() && ReadRowKey(rows.statement(), sql_, kind(), row_key) && row_key == key;
      }
      if (along) {
        REJOIN_TRY(Visit(std::move(key), packed, &rows.statement()));
        REJOIN_TRY(rows.Next());
      } else {
        REJOIN_TRY(VisitRowOf(std::move(key), packed));
      }
    }
  }

  Status VisitRowOf(Key key, PackedRow& packed) {
    REJOIN_ASSIGN(CachedStatement read, engine_.db.Cached(sql_.read_by_key));
    if (!BindKey(*read, table_, key)) return {};
    REJOIN_ASSIGN(const bool found, read->Step());
    Key found_key;
    if (!found || !ReadRowKey(*read, sql_, kind(), found_key) || found_key != key) return {};
    return Visit(std::move(key), packed, &*read);
  }

  // --- Rows that are not in the table ---------------------------------------------

  Status ScanKeyRecords() {
    REJOIN_ASSIGN(Rows records, Rows::Open(engine_, sql_.scan_keyed));
    records.statement().BindBlob(1, ByteView());
    for (;;) {
      REJOIN_TRY(records.Next());
      if (!records.there()) return {};
      REJOIN_ASSIGN(PackedRow packed, News(records.statement().Text(1)));
      if (packed.state.empty()) continue;
      REJOIN_TRY(Visit(Key(records.statement().Text(0)), packed, nullptr));
    }
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
    return visit_({std::move(key), std::move(packed.state)});
  }

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;
  const VersionVector& since_;
  const RowVisitor& visit_;
  HashChunks hashes_;
  std::vector<int> value_at_;  // by ColumnId: the result column, or -1
  bool passed_end_ = false;    // no row lies at sought_ or behind it
  std::int64_t sought_ = 0;
};

}  // namespace

Status ScanTable(Engine& engine, const TrackedTable& table, const VersionVector& since,
                 const RowVisitor& visit) {
  return Scan(engine, table, since, visit).Run();
}

bool LeaveOutLarge(const Limits& limits, RowState& state) {
  const std::uint64_t most = std::min<std::uint64_t>(limits.max_cell_bytes, kMaxCellBytes);
  std::uint64_t row_bytes = 0;
  std::uint64_t largest = 0;
  bool any = false;
  for (Incarnation& incarnation : state.incarnations) {
    auto& cells = incarnation.cells;
    const auto too_large = [most](const Cell& cell) { return cell.value.bytes.size() > most; };
    const auto kept = std::remove_if(cells.begin(), cells.end(), too_large);
    any = any || kept != cells.end();
    cells.erase(kept, cells.end());
    for (const Cell& cell : cells) {
      row_bytes += cell.value.size_bytes();
      largest = std::max<std::uint64_t>(largest, cell.value.bytes.size());
    }
  }
  if (row_bytes <= kMaxRowBytes) return any;
  Limits stricter = limits;
  stricter.max_cell_bytes = largest - 1;
  LeaveOutLarge(stricter, state);
  return true;
}

}  // namespace rejoin
