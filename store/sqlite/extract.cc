#include "store/sqlite/extract.h"

#include <algorithm>

#include "store/sqlite/extract_plan.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/peers.h"

namespace rejoin {
namespace {

// Of all rows with news, as one delta.
Result<ExtractReport> Extract(Engine& engine, const VersionVector* since, const Cursor* cursor,
                              ByteSink& out) {
  std::vector<LargeRow> large_rows;
  const auto tell = [&](const LogHead& head) -> Result<ExtractReport> {
    DeltaHeader header;
    REJOIN_ASSIGN(header.sender, ReadReplica(engine));
    REJOIN_ASSIGN(header.room, ReadRoom(engine));
    REJOIN_ASSIGN(header.end, ReadVector(engine));
    REJOIN_ASSIGN(const Plan plan, MakePlan(engine, since, cursor, header.end));
    header.start = plan.start;
    DeltaWriter writer(out);
    REJOIN_TRY(writer.Begin(header));
    DeltaRows rows(engine, writer);
    REJOIN_TRY(plan.keys ? AddListed(engine, *plan.keys, plan.known, rows)
                         : AddScanned(engine, plan.known, rows));
    REJOIN_TRY(writer.Finish());
    large_rows = rows.large_rows();
    return ExtractReport{writer.rows_written(), head.cursor, header.end};
  };
  REJOIN_ASSIGN(ExtractReport report, InPreparedRead(engine, since, tell));
  ListLargeRows(engine, large_rows);
  return report;
}

Status AddTable(Engine& engine, const TrackedTable& table, Digest& digest) {
  TableDigest rows(engine, table, digest);
  return ScanTable(engine, table, VersionVector(), rows);
}

// Of one table, or of all (0). nullopt: another connection wrote in between.
Result<std::optional<Digest>> TryDigest(Engine& engine, TableNumber only) {
  REJOIN_ASSIGN(Savepoint snapshot, Savepoint::Begin(engine.db));
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  std::optional<Digest> digest;
  if (pending == 0) {
    REJOIN_TRY(engine.catalog.Refresh());
    digest.emplace();
    for (const auto& table : engine.catalog.tables()) {
      if (only == 0 || table->number == only) REJOIN_TRY(AddTable(engine, *table, *digest));
    }
  }
  REJOIN_TRY(snapshot.Release());
  return digest;
}

}  // namespace

Result<ReplicaId> ReadReplica(Engine& engine) {
  REJOIN_ASSIGN(const auto stored, engine.Meta("replica"));
  const auto id = ReplicaId::FromBytes(stored ? ByteView(stored->bytes) : ByteView());
  if (!id) return Fail(Code::kCorrupt, "rejoin__meta holds no replica id; run rejoin doctor");
  return *id;
}

Result<ExtractReport> ExtractSinceVector(Engine& engine, const VersionVector& since, ByteSink& out) {
  return Extract(engine, &since, nullptr, out);
}

Result<ExtractReport> ExtractFromCursor(Engine& engine, const Cursor& cursor, ByteSink& out) {
  return Extract(engine, nullptr, &cursor, out);
}

TableDigest::TableDigest(Engine& engine, const TrackedTable& table, Digest& digest)
    : limits_(engine.limits), table_(table), digest_(digest) {
  for (const TrackedColumn& column : table.columns) names_.push_back(column.name);
}

Result<bool> TableDigest::Take(RowDelta&& row) {
  const std::size_t bytes = WeightOf(row);
  whole_ = LeaveOutLarge(limits_, row) == Large::kNothing && whole_;
  if (IsPresent(row.state, table_.rules)) {
    digest_.AddRow(table_.name, row.key, ShownCells(row.state, table_.rules), names_);
  }
  return Pass(bytes);
}

Result<bool> TableDigest::Take(const InsertedRow& row) {
  if (IsAnythingLarge(limits_, row)) return Take(RowDeltaOf(row));
  digest_.AddRow(table_.name, row, names_);
  return Pass(WeightOf(row));
}

bool TableDigest::Pass(std::size_t bytes) {
  left_bytes_ -= std::min(left_bytes_, bytes);
  return left_bytes_ > 0;
}

Result<Digest> ComputeDigest(Engine& engine, const TrackedTable* only) {
  const TableNumber number = only == nullptr ? 0 : only->number;
  for (int i = 0; i < kMaxAttempts; ++i) {
    REJOIN_TRY(Fold(engine));
    REJOIN_ASSIGN(const std::optional<Digest> digest, TryDigest(engine, number));
    if (digest) return *digest;
  }
  return OthersKeptWriting();
}

}  // namespace rejoin
