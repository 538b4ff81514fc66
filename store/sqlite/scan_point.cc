#include "store/sqlite/scan_point.h"

#include "base/hash.h"

namespace rejoin {
namespace {

constexpr std::uint8_t kScanPointVersion = 2;  // 1: store/resume_point.h
// A point comes back through many hands; a flipped bit would skip rows.
constexpr std::uint64_t kScanPointSeed = 0x7363616e;  // "scan"
constexpr std::uint8_t kInTable = 1;
constexpr char kLayout[] = "layout";

ScanPlace ReadPlace(ByteReader& reader) {
  ScanPlace place;
  const std::uint8_t where = reader.Byte();
  place.in_table = where == kInTable;
  if (where > kInTable) reader.MarkFailed();
  if (place.in_table) {
    place.rowid = UnZigZag(reader.Varint());
    place.last_rowid = UnZigZag(reader.Varint());
  } else {
    place.key = Key(reader.LengthPrefixed());
    place.last_key = Key(reader.LengthPrefixed());
  }
  return place;
}

VersionVector ReadEntries(ByteReader& reader) {
  VersionVector vector;
  const std::uint64_t count = reader.VarintUpTo(kMaxScanVectorEntries);
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const auto replica = ReplicaId::FromBytes(reader.Raw(sizeof(ReplicaId)));
    const HybridTimestamp time{reader.Fixed64()};
    if (replica) vector.Raise(*replica, time);
  }
  return vector;
}

}  // namespace

ResumePoint EncodeScanPoint(const ScanPoint& point) {
  ResumePoint bytes(1, static_cast<char>(kScanPointVersion));
  PutFixed64(bytes, point.start.epoch);
  PutVarint(bytes, point.start.position);
  PutFixed64(bytes, point.start.tag);
  PutVarint(bytes, point.seen.position - point.start.position);
  PutFixed64(bytes, point.seen.tag);
  PutFixed64(bytes, point.layout);
  PutVarint(bytes, point.begun_again);
  PutVarint(bytes, point.vector.entries().size());
  for (const auto& [replica, time] : point.vector.entries()) {
    bytes.append(replica.View());
    PutFixed64(bytes, time.value);
  }
  PutVarint(bytes, point.table);
  bytes.push_back(point.place.in_table ? static_cast<char>(kInTable) : '\0');
  if (point.place.in_table) {
    PutVarint(bytes, ZigZag(point.place.rowid));
    PutVarint(bytes, ZigZag(point.place.last_rowid));
  } else {
    PutBytes(bytes, point.place.key);
    PutBytes(bytes, point.place.last_key);
  }
  PutFixed64(bytes, Hash64(bytes, kScanPointSeed));
  return bytes;
}

std::optional<ScanPoint> DecodeScanPoint(ByteView bytes) {
  ByteReader reader(bytes);
  if (reader.Byte() != kScanPointVersion) return std::nullopt;
  ScanPoint point;
  point.start.epoch = point.seen.epoch = reader.Fixed64();
  point.start.position = reader.Varint();
  point.start.tag = reader.Fixed64();
  point.seen.position = point.start.position + reader.VarintUpTo(~std::uint64_t{0} - point.start.position);
  point.seen.tag = reader.Fixed64();
  point.layout = reader.Fixed64();
  point.begun_again = static_cast<std::uint32_t>(reader.VarintUpTo(kMaxBegunAgain));
  point.vector = ReadEntries(reader);
  point.table = static_cast<TableNumber>(reader.VarintUpTo(UINT32_MAX));
  point.place = ReadPlace(reader);
  const ByteView told = bytes.substr(0, bytes.size() - reader.remaining());
  const std::uint64_t checksum = reader.Fixed64();
  if (!reader.AtEnd() || checksum != Hash64(told, kScanPointSeed)) return std::nullopt;
  return point;
}

Result<std::uint64_t> ReadLayout(Engine& engine) {
  REJOIN_ASSIGN(const auto stored, engine.Meta(kLayout));
  return stored ? stored->bits : 0;
}

Status ChangeLayout(Engine& engine) {
  return engine.SetMeta(kLayout,
                        Value::Integer(static_cast<std::int64_t>(engine.env.random->Draw64())));
}

}  // namespace rejoin
