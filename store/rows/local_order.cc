#include "store/rows/local_order.h"

#include "base/hash.h"

namespace rejoin {
namespace {

constexpr std::uint8_t kPointVersion = 1;
// A point comes back through many hands; a flipped bit would skip rows.
constexpr std::uint64_t kPointSeed = 0x706f696e74;  // "point"

constexpr char kBegin[] =
    "INSERT INTO {s}.epoch(number, id, first_position) "
    "SELECT coalesce(max(number), 0) + 1, ?1, ?2 FROM {s}.epoch";
constexpr char kForget[] =
    "DELETE FROM {s}.epoch WHERE number <= (SELECT max(number) FROM {s}.epoch) - ?1";
constexpr char kLast[] = "SELECT id FROM {s}.epoch ORDER BY number DESC LIMIT 1";
// Where the order left the epoch ?1: NULL for the last one, no row for an unknown one.
constexpr char kEnd[] =
    "SELECT (SELECT first_position FROM {s}.epoch AS next WHERE next.number = this.number + 1) "
    "FROM {s}.epoch AS this WHERE id = ?1";

}  // namespace

ResumePoint EncodePoint(const OrderPoint& point) {
  Bytes bytes;
  bytes.push_back(static_cast<char>(kPointVersion));
  PutFixed64(bytes, point.epoch);
  PutVarint(bytes, point.position);
  PutVarint(bytes, point.head - point.position);
  PutFixed64(bytes, Hash64(bytes, kPointSeed));
  return bytes;
}

std::optional<OrderPoint> DecodePoint(ByteView bytes) {
  ByteReader reader(bytes);
  if (reader.Byte() != kPointVersion) return std::nullopt;
  OrderPoint point;
  point.epoch = reader.Fixed64();
  point.position = reader.Varint();
  point.head = point.position + reader.VarintUpTo(~std::uint64_t{0} - point.position);
  const ByteView told = bytes.substr(0, bytes.size() - reader.remaining());
  const std::uint64_t checksum = reader.Fixed64();
  if (!reader.AtEnd() || checksum != Hash64(told, kPointSeed)) return std::nullopt;
  return point;
}

Status BeginEpoch(Database& db, Random& random, std::uint64_t head) {
  REJOIN_ASSIGN(CachedStatement begin, db.Cached(kBegin));
  begin->Bind(1, random.Draw64()).Bind(2, head);
  REJOIN_TRY(begin->Run());
  REJOIN_ASSIGN(CachedStatement forget, db.Cached(kForget));
  forget->Bind(1, kMaxEpochs);
  return forget->Run();
}

Result<std::uint64_t> LastEpoch(Database& db) {
  REJOIN_ASSIGN(CachedStatement last, db.Cached(kLast));
  REJOIN_ASSIGN(const bool found, last->Step());
  if (!found) return Fail(Code::kCorrupt, "the hub's file has no epoch; restore it from a backup");
  return last->Unsigned(0);
}

Result<bool> IsKnown(Database& db, const OrderPoint& point, std::uint64_t head) {
  REJOIN_ASSIGN(CachedStatement end, db.Cached(kEnd));
  end->Bind(1, point.epoch);
  REJOIN_ASSIGN(const bool found, end->Step());
  if (!found) return false;
  return point.head <= (end->IsNull(0) ? head : end->Unsigned(0));
}

}  // namespace rejoin
