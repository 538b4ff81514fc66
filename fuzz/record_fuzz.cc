// What stands in the metadata of a file and comes back from peers: packed records of rows,
// bodies of the log, points of a scan and of the log, row states of a hub, keys. None of
// them is believed: damage is an error, and what is accepted comes back equal from the
// bytes that are made of it. The first byte says which of them the rest is.
#include <tuple>

#include "base/hash.h"
#include "fuzz/choices.h"
#include "fuzz/record_world.h"
#include "fuzz/require.h"
#include "store/resume_point.h"
#include "store/rows/state_record.h"
#include "store/sqlite/log_codec.h"
#include "store/sqlite/scan_point.h"

namespace rejoin::fuzz {
namespace {

constexpr std::uint64_t kScanPointSeed = 0x7363616e;  // docs/protocol.md, "Points"
constexpr std::size_t kChecksumBytes = 8;

RecordWorld& World() {
  static RecordWorld world;
  return world;
}

// --- Records -------------------------------------------------------------------------

bool AreEqual(const PackedRow& a, const PackedRow& b) {
  const bool birth = a.in_table.empty() || a.table_birth == b.table_birth;
  return a.state == b.state && a.in_table == b.in_table && birth && a.shown == b.shown &&
         a.key_hash == b.key_hash;
}

// What the user's table has, which is what the row shows; the default where it shows nothing.
Value TableValue(const RowState& state, ColumnId column) {
  for (const Cell* const cell : ShownCells(state, World().context().table.rules)) {
    if (cell->column == column) return cell->value;
  }
  return Value::Text("the default");
}

void CheckWithTable(ByteView record) {
  const auto decoded = DecodeRecord(World().context(), record,
                                    [](ColumnId column) { return Value::Integer(column); });
  Require(decoded.has_value(), "what can be unpacked can be decoded");
  const RowState& state = decoded->state;
  if (!IsPresent(state, World().context().table.rules) && decoded->shown) return;
  const auto again =
      EncodeRecord(World().context(), state, decoded->shown, decoded->key_hash);
  Require(again.has_value(), "what was decoded can be encoded");
  const auto back = DecodeRecord(World().context(), *again, [&state](ColumnId column) {
    return TableValue(state, column);
  });
  Require(back && back->state == state && back->shown == decoded->shown,
          "a record and its table are the state");
}

void CheckRecord(ByteView record) {
  const auto row = UnpackRecord(World().context(), record);
  if (!row) return Require(row.error().code == Code::kCorrupt, "a damaged record is corrupt");
  Require(IsShownRecord(record) == row->shown, "the head says whether it is shown");
  const auto packed = PackRecord(World().context(), *row);
  Require(packed.has_value(), "what was unpacked can be packed");
  const auto back = UnpackRecord(World().context(), *packed);
  Require(back && AreEqual(*row, *back), "a packed record comes back");
  CheckWithTable(record);
}

// --- The log ----------------------------------------------------------------------------

auto Fields(const Change& change) {
  return std::tie(change.kind, change.table, change.version, change.key, change.key_hash,
                  change.rowid, change.old_rowid, change.moved_from, change.columns,
                  change.old_values);
}
auto Fields(const TouchedKey& touched) { return std::tie(touched.table, touched.key); }
auto Fields(const Advance& advance) {
  return std::tie(advance.replica, advance.from, advance.to);
}

template <class T>
bool AreEqual(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return Fields(x) == Fields(y); });
}

Bytes Written(const LogRecord& record) {
  LogBodyWriter writer;
  for (const Change& change : record.changes) {
    Bytes values;
    for (const Value& value : change.old_values) PutValue(values, value);
    ChangeView view;
    view.kind = change.kind;
    view.has_rowid = true;
    view.has_key = true;
    view.has_moved_from = change.moved_from.has_value();
    view.table = change.table;
    view.version = change.version;
    view.rowid = change.rowid;
    view.old_rowid = change.old_rowid;
    view.key = change.key;
    view.key_hashed = change.key_hash.has_value();
    if (change.moved_from) view.moved_from = *change.moved_from;
    view.columns = &change.columns;
    view.values = values;
    writer.Add(view);
  }
  for (const TouchedKey& touched : record.touched) writer.AddTouched(touched);
  return writer.Take(record.rank, record.advances, record.overflow);
}

void CheckLogBody(ByteView body) {
  LogRecord record;
  const Status decoded = DecodeLogBody(body, record);
  Require(record.changes.size() + record.touched.size() <= kMaxBodyWeight,
          "what a body becomes is bounded");
  if (!decoded) {
    return Require(decoded.error().code == Code::kCorrupt, "a damaged body is corrupt");
  }
  // A writer hashes keys itself, and of these only the hashes are left.
  for (Change& change : record.changes) {
    if (change.key_hash) change.key_hash = KeyHash("");
  }
  LogRecord back;
  Require(DecodeLogBody(Written(record), back).has_value(), "a written body can be read");
  Require(AreEqual(record.changes, back.changes), "its changes come back");
  Require(AreEqual(record.touched, back.touched), "its keys come back");
  Require(AreEqual(record.advances, back.advances) && record.rank == back.rank &&
              record.overflow == back.overflow,
          "so does the rest");
}

// --- Points -----------------------------------------------------------------------------

void CheckScanPoint(ByteView bytes) {
  const auto point = DecodeScanPoint(bytes);
  if (!point) return;
  Require(bytes.size() <= kMaxResumePointBytes || !point->vector.empty(), "a point is bounded");
  Require(point->begun_again <= kMaxBegunAgain, "a scan begins again so often only");
  const auto back = DecodeScanPoint(EncodeScanPoint(*point));
  Require(back && *back == *point, "a point of a scan comes back");
}

void CheckPoints(ByteView bytes) {
  CheckScanPoint(bytes);
  Bytes sealed(bytes.substr(0, bytes.size() - std::min(bytes.size(), kChecksumBytes)));
  PutFixed64(sealed, Hash64(sealed, kScanPointSeed));
  CheckScanPoint(sealed);
  if (const auto cursor = DecodeResumePoint(bytes)) {
    const auto back = DecodeResumePoint(EncodeResumePoint(*cursor));
    Require(back && *back == *cursor, "a position comes back");
  }
}

// --- Others -----------------------------------------------------------------------------

void CheckHubState(ByteView bytes) {
  const auto state = DecodeState(World().room(), World().room_table(), bytes);
  if (!state) {
    return Require(state.error().code == Code::kCorrupt || state.error().code == Code::kNewerFormat,
                   "a damaged state is corrupt");
  }
  const auto encoded = EncodeState(World().room(), *state);
  Require(encoded.has_value(), "what was decoded can be encoded");
  const auto back = DecodeState(World().room(), World().room_table(), *encoded);
  Require(back && *back == *state, "a state comes back");
}

void CheckKey(ByteView bytes) {
  const auto parts = DecodeKey(bytes);
  if (!parts) return;
  for (const Value& part : *parts) Require(part.type != ValueType::kNull, "a key has no NULL");
  Require(EncodeKey(*parts) == bytes, "a key has one spelling");
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace rejoin;
  fuzz::Choices choices({reinterpret_cast<const char*>(bytes), size});
  const std::size_t which = choices.Below(5);
  const ByteView rest = choices.Rest();
  switch (which) {
    case 0: fuzz::CheckRecord(rest); break;
    case 1: fuzz::CheckLogBody(rest); break;
    case 2: fuzz::CheckPoints(rest); break;
    case 3: fuzz::CheckHubState(rest); break;
    default: fuzz::CheckKey(rest);
  }
  return 0;
}
