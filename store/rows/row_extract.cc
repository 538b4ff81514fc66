#include "store/rows/row_extract.h"

#include <algorithm>
#include <vector>

#include "store/rows/local_order.h"
#include "store/rows/state_record.h"

namespace rejoin {
namespace {

constexpr char kBeyond[] =
    "SELECT position, room_table, key, state FROM {s}.row WHERE position > ?1 ORDER BY position";
constexpr char kOfTable[] =
    "SELECT position, room_table, key, state FROM {s}.row WHERE room_table = ?1";

struct FoundRow {
  const RoomTable* table = nullptr;
  RowDelta delta;
};

// Stands on one row after the other; the first Advance() leads to the first one.
class RowScan {
 public:
  static Result<RowScan> Beyond(RowFile& file, std::uint64_t position) {
    return Bound(file, kBeyond, position);
  }
  static Result<RowScan> Of(RowFile& file, const RoomTable& table) {
    return Bound(file, kOfTable, table.number);
  }

  Status Advance() {
    REJOIN_ASSIGN(const bool found, rows_->Step());
    at_end_ = !found;
    return {};
  }
  bool at_end() const { return at_end_; }

  std::uint64_t position() const { return rows_->Unsigned(0); }
  std::size_t stored_bytes() const {
    return static_cast<std::size_t>(rows_->ColumnBytes(2)) +
           static_cast<std::size_t>(rows_->ColumnBytes(3));
  }
  Result<FoundRow> Row() const {
    const RoomTable* const table = file_.catalog.Table(rows_->Unsigned(1));
    if (table == nullptr) {
      return Fail(Code::kCorrupt, "a row in the hub's file is of no table; restore the file from a backup");
    }
    REJOIN_ASSIGN(RowState state, DecodeState(file_.catalog, *table, rows_->Text(3)));
    return FoundRow{table, {Key(rows_->Text(2)), std::move(state)}};
  }

 private:
  RowScan(RowFile& file, CachedStatement rows) : file_(file), rows_(std::move(rows)) {}

  static Result<RowScan> Bound(RowFile& file, const char* sql, std::uint64_t bound) {
    REJOIN_ASSIGN(CachedStatement rows, file.db().Cached(sql));
    rows->Bind(1, bound);
    RowScan scan(file, std::move(rows));
    REJOIN_TRY(scan.Advance());
    return scan;
  }

  RowFile& file_;
  CachedStatement rows_;
  bool at_end_ = false;
};

// Rows in any order into a delta, whose blocks want them by table and key.
class DeltaRows {
 public:
  explicit DeltaRows(ByteSink& out) : writer_(out) {}

  Status Begin(const DeltaHeader& header) { return writer_.Begin(header); }

  Status Add(std::vector<FoundRow> rows) {
    std::sort(rows.begin(), rows.end(), [](const FoundRow& a, const FoundRow& b) {
      if (a.table != b.table) return a.table->number < b.table->number;
      return a.delta.key < b.delta.key;
    });
    for (const FoundRow& row : rows) {
      REJOIN_ASSIGN(const std::uint32_t table, Number(*row.table));
      REJOIN_TRY(writer_.Add(table, row.delta));
    }
    return {};
  }

  Result<std::uint64_t> Finish() {
    REJOIN_TRY(writer_.Finish());
    return writer_.rows_written();
  }

 private:
  // A delta tells only of tables that it has rows of.
  Result<std::uint32_t> Number(const RoomTable& table) {
    if (table.number >= numbers_.size()) numbers_.resize(table.number + 1);
    std::optional<std::uint32_t>& number = numbers_[table.number];
    if (!number) {
      REJOIN_ASSIGN(number, writer_.AddTable(table.definition));
    }
    return *number;
  }

  DeltaWriter writer_;
  std::vector<std::optional<std::uint32_t>> numbers_;  // by RoomTable::number
};

// What a stretch of a scan had to tell.
struct Found {
  std::vector<FoundRow> rows;
  std::uint64_t position = 0;  // of the last row that was looked at; 0: of none
};

// From where the scan stands until max_bytes were found (one row at least) or
// max_read_bytes looked at; then the scan stands on the row after.
Result<Found> Gather(RowScan& scan, const VersionVector& peer_has, std::uint64_t max_bytes,
                     std::uint64_t max_read_bytes) {
  Found found;
  std::uint64_t bytes = 0;
  std::uint64_t read_bytes = 0;
  do {
    if (scan.at_end()) break;
    REJOIN_ASSIGN(FoundRow row, scan.Row());
    const std::size_t size = scan.stored_bytes();
    found.position = scan.position();
    REJOIN_TRY(scan.Advance());
    read_bytes += size;
    row.delta.state = Since(row.delta.state, peer_has);
    if (row.delta.state.empty()) continue;
    bytes += size;
    found.rows.push_back(std::move(row));
  } while (bytes < max_bytes && read_bytes < max_read_bytes);
  return found;
}

DeltaHeader HeaderOf(const RowCatalog& catalog) {
  DeltaHeader header;
  header.sender = catalog.self();
  header.room = catalog.room();
  return header;
}

}  // namespace

Result<ExtractReport> ExtractAll(RowFile& file, const VersionVector& since, ByteSink& out) {
  DeltaHeader header = HeaderOf(file.catalog);
  // Where the asker is ahead of us, our interval starts at what we have.
  header.start = Lower(since, file.catalog.vector());
  header.end = file.catalog.vector();
  DeltaRows delta(out);
  REJOIN_TRY(delta.Begin(header));
  REJOIN_ASSIGN(RowScan scan, RowScan::Beyond(file, 0));
  while (!scan.at_end()) {
    REJOIN_ASSIGN(Found found, Gather(scan, since, kSortBytes, ~std::uint64_t{0}));
    REJOIN_TRY(delta.Add(std::move(found.rows)));
  }
  REJOIN_ASSIGN(const std::uint64_t rows, delta.Finish());
  REJOIN_ASSIGN(const std::uint64_t epoch, LastEpoch(file.db()));
  return ExtractReport{rows, {epoch, file.catalog.head(), 0}, header.end};
}

// --- Parts -------------------------------------------------------------------------

Result<std::uint64_t> PositionOf(RowFile& file, const ResumePoint& point) {
  if (point.empty()) return std::uint64_t{0};
  const std::optional<OrderPoint> decoded = DecodePoint(point);
  bool known = false;
  if (decoded) {
    REJOIN_ASSIGN(known, IsKnown(file.db(), *decoded, file.catalog.head()));
  }
  if (known) return decoded->position;
  return Fail(Code::kNotCovered,
              "this hub does not know that place in its order: it was restored from a backup, or it is "
              "another one; ask without it, by vector");
}

namespace {

// Of a part that reaches the end: what the peer covers then, as far as it is news.
//
// Without a point the peer's vector is the start. With one, nothing less than our
// own vector would be honest: the rows before the point are not in the part, and a
// vector that this store had there would not vouch for them, since those of a first
// sync under way lie beyond it. Who is at the point joins the part because of that,
// and nobody else does.
DeltaHeader FinalHeader(const RowCatalog& catalog, const PartRequest& request) {
  DeltaHeader header = HeaderOf(catalog);
  for (const auto& [replica, time] : catalog.vector().entries()) {
    const HybridTimestamp had = request.peer_has.Get(replica);
    if (had >= time) continue;
    header.start.Set(replica, request.from.empty() ? had : time);
    header.end.Set(replica, time);
  }
  return header;
}

}  // namespace

Result<PartReport> ExtractRange(RowFile& file, const PartRequest& request, std::uint64_t max_read_bytes,
                                ByteSink& out) {
  const RowCatalog& catalog = file.catalog;
  REJOIN_ASSIGN(const std::uint64_t from, PositionOf(file, request.from));
  REJOIN_ASSIGN(RowScan scan, RowScan::Beyond(file, from));
  REJOIN_ASSIGN(Found found, Gather(scan, request.peer_has, request.target_bytes, max_read_bytes));
  REJOIN_ASSIGN(const std::uint64_t epoch, LastEpoch(file.db()));

  PartReport report;
  report.partial = !scan.at_end();
  report.more = report.partial;
  report.rows = found.rows.size();
  const std::uint64_t position = report.partial ? found.position : catalog.head();
  report.until = EncodePoint({epoch, position, catalog.head()});
  report.head = {epoch, catalog.head(), 0};
  if (report.more) report.done_permille = PermilleOf(position, catalog.head());
  if (!report.partial) report.end = catalog.vector();
  report.nothing = found.rows.empty() && (report.partial || request.peer_has.Covers(catalog.vector()));
  if (report.nothing) return report;

  DeltaRows delta(out);
  REJOIN_TRY(delta.Begin(report.partial ? HeaderOf(catalog) : FinalHeader(catalog, request)));
  REJOIN_TRY(delta.Add(std::move(found.rows)));
  REJOIN_TRY(delta.Finish());
  return report;
}

// --- Digest ------------------------------------------------------------------------

namespace {

// Of one slice of a digest, as they are stored: the thread has others to serve.
constexpr std::uint64_t kMarkBytes = std::uint64_t{1} << 20;

void AddTo(Digest& digest, const FoundRow& row) {
  const DeltaTable& table = row.table->definition;
  if (!IsPresent(row.delta.state, table.rules)) return;
  digest.AddRow(table.name, row.delta.key, ShownCells(row.delta.state, table.rules), table.columns);
}

}  // namespace

Status GoOnMarking(RowFile& file, RowMarking& marking, std::uint64_t most_rows) {
  REJOIN_ASSIGN(const std::uint64_t epoch, LastEpoch(file.db()));
  const Cursor head{epoch, file.catalog.head(), 0};
  if (marking.head != head) {
    marking = RowMarking();
    marking.head = head;
  }
  if (marking.done) return {};
  REJOIN_ASSIGN(RowScan scan, RowScan::Beyond(file, marking.position));
  std::uint64_t read_bytes = 0;
  for (; !scan.at_end() && most_rows > 0 && read_bytes < kMarkBytes; --most_rows) {
    REJOIN_ASSIGN(const FoundRow row, scan.Row());
    AddTo(marking.digest, row);
    marking.position = scan.position();
    read_bytes += scan.stored_bytes();
    REJOIN_TRY(scan.Advance());
  }
  marking.done = scan.at_end();
  return {};
}

Result<Digest> DigestRows(RowFile& file, const std::optional<std::string>& only) {
  const RoomTable* const table = only ? file.catalog.FindTable(*only) : nullptr;
  if (only && table == nullptr) {
    return Fail(Code::kUnknownTable, "nothing is known of a table " + *only + " in this room");
  }
  REJOIN_ASSIGN(RowScan scan, table != nullptr ? RowScan::Of(file, *table) : RowScan::Beyond(file, 0));
  Digest digest;
  while (!scan.at_end()) {
    REJOIN_ASSIGN(const FoundRow row, scan.Row());
    AddTo(digest, row);
    REJOIN_TRY(scan.Advance());
  }
  return digest;
}

}  // namespace rejoin
