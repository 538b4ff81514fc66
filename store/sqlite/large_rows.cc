#include "store/sqlite/large_rows.h"

#include <algorithm>

#include "crdt/delta_format.h"
#include "store/sqlite/meta_schema.h"

namespace rejoin {
namespace {

constexpr char kList[] =
    "INSERT INTO {s}.rejoin__hidden(tbl, key, reason, detail) VALUES(?1, ?2, 4, ?3) "
    "ON CONFLICT(tbl, key) DO UPDATE SET detail = excluded.detail "
    "WHERE reason = 4 AND detail <> excluded.detail";
constexpr char kUnlist[] =
    "DELETE FROM {s}.rejoin__hidden WHERE tbl = ?1 AND key = ?2 AND reason = 4";
constexpr char kFind[] =
    "SELECT 1 FROM {s}.rejoin__hidden WHERE tbl = ?1 AND key = ?2 AND reason = 4";
constexpr char kFindAny[] = "SELECT 1 FROM {s}.rejoin__hidden WHERE tbl = ?1 AND reason = 4 LIMIT 1";

static_assert(static_cast<int>(QuarantineReason::kTooLarge) == 4);

std::uint64_t LargestValue(const Limits& limits) {
  return std::min<std::uint64_t>(limits.max_cell_bytes, kMaxCellBytes);
}

bool IsKeyTooLarge(const Limits& limits, ByteView key) {
  const std::uint64_t most = LargestValue(limits);
  if (key.size() <= most) return false;
  if (key.size() > kMaxCellBytes) return true;
  ByteReader parts(key);
  while (parts.remaining() > 0) {
    const std::optional<ValueView> part = ReadKeyPart(parts);
    if (!part || part->bytes.size() > most) return true;
  }
  return false;
}

struct Size {
  std::uint64_t row_bytes = 0;
  std::uint64_t largest = 0;
};

// Of the row without its cells beyond `most`.
Size SizeUpTo(std::uint64_t most, const Key& key, const RowState& state) {
  Size size{key.size(), 0};
  for (const Incarnation& incarnation : state.incarnations) {
    for (const Cell& cell : incarnation.cells) {
      if (cell.value.bytes.size() > most) continue;
      size.row_bytes += cell.value.size_bytes();
      size.largest = std::max<std::uint64_t>(size.largest, cell.value.bytes.size());
    }
  }
  return size;
}

// What stays of the row, and the largest cell that does not.
struct Verdict {
  Large what = Large::kNothing;
  std::uint64_t most = 0;
};

Verdict Judge(const Limits& limits, const Key& key, const RowState& state) {
  if (IsKeyTooLarge(limits, key)) return {Large::kKey, 0};
  std::uint64_t most = LargestValue(limits);
  const Size whole = SizeUpTo(~std::uint64_t{0}, key, state);
  if (whole.largest <= most && whole.row_bytes <= kMaxRowBytes) return {Large::kNothing, most};
  const Large what = whole.largest > most ? Large::kCell : Large::kRow;
  for (;;) {
    const Size rest = SizeUpTo(most, key, state);
    if (rest.row_bytes <= kMaxRowBytes || rest.largest == 0) return {what, most};
    most = rest.largest - 1;
  }
}

std::string Detail(const Limits& limits, Large what) {
  const std::string limit = "the limit max_cell_bytes, " + std::to_string(LargestValue(limits)) + " bytes";
  switch (what) {
    case Large::kKey:
      return "a value of its key is larger than " + limit + ", and the row stays on this replica";
    case Large::kRow:
      return "it is larger than " + std::to_string(kMaxRowBytes) +
             " bytes, and its largest values stay on this replica";
    default:
      return "a value is larger than " + limit + ", and stays on this replica";
  }
}

}  // namespace

Large FindLarge(const Limits& limits, const Key& key, const RowState& state) {
  return Judge(limits, key, state).what;
}

bool IsAnythingLarge(const Limits& limits, const InsertedRow& row) {
  const std::uint64_t most = LargestValue(limits);
  std::uint64_t row_bytes = row.key.size();
  for (const ValueView& value : row.values) {
    if (value.bytes.size() > most) return true;
    row_bytes += value.size_bytes();
  }
  return row_bytes > kMaxRowBytes || IsKeyTooLarge(limits, row.key);
}

Large LeaveOutLarge(const Limits& limits, RowDelta& row) {
  const Verdict verdict = Judge(limits, row.key, row.state);
  if (verdict.what == Large::kNothing) return verdict.what;
  if (verdict.what == Large::kKey) row.state = {};
  for (Incarnation& incarnation : row.state.incarnations) {
    auto& cells = incarnation.cells;
    const auto stays = [&verdict](const Cell& cell) { return cell.value.bytes.size() > verdict.most; };
    cells.erase(std::remove_if(cells.begin(), cells.end(), stays), cells.end());
  }
  return verdict.what;
}

Status ListLarge(Engine& engine, const LargeRow& row) {
  const std::string detail = Detail(engine.limits, row.what);
  REJOIN_ASSIGN(CachedStatement list, engine.db.Cached(kList));
  list->Bind(1, std::int64_t{row.table}).BindBlob(2, row.key).BindText(3, detail);
  return list->Run();
}

Status UnlistLarge(Engine& engine, TableNumber table, const Key& key) {
  REJOIN_ASSIGN(CachedStatement unlist, engine.db.Cached(kUnlist));
  unlist->Bind(1, std::int64_t{table}).BindBlob(2, key);
  return unlist->Run();
}

Result<bool> IsListedLarge(Engine& engine, TableNumber table, const Key& key) {
  REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kFind));
  find->Bind(1, std::int64_t{table}).BindBlob(2, key);
  return find->Step();
}

Result<bool> IsAnyListedLarge(Engine& engine, TableNumber table) {
  REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kFindAny));
  find->Bind(1, std::int64_t{table});
  return find->Step();
}

}  // namespace rejoin
