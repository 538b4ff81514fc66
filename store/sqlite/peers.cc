#include "store/sqlite/peers.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr char kReadPoint[] = "SELECT point FROM {s}.rejoin__peer WHERE replica = ?1";
constexpr char kWritePoint[] =
    "INSERT INTO {s}.rejoin__peer(replica, point) VALUES(?1, ?2) "
    "ON CONFLICT(replica) DO UPDATE SET point = excluded.point";
constexpr char kForgetPoints[] = "DELETE FROM {s}.rejoin__peer";
constexpr char kRoom[] = "room";
constexpr char kCompared[] = "compared ";  // and a replica's id: fixed64 of the time, then 1 where settled
constexpr char kAhead[] = "ahead";  // per replica its id and a fixed64 time

}  // namespace

Result<ResumePoint> ReadPoint(Engine& engine, const ReplicaId& peer) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadPoint));
  read->BindBlob(1, peer.View());
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? ResumePoint(read->Text(0)) : ResumePoint();
}

Status WritePoint(Engine& engine, const ReplicaId& peer, const ResumePoint& point) {
  if (point.size() > kMaxResumePointBytes) {
    return Fail(Code::kLimit, "the peer's resume point is " + std::to_string(point.size()) +
                                  " bytes, and " + std::to_string(kMaxResumePointBytes) +
                                  " are the most that is remembered");
  }
  REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(kWritePoint));
  write->BindBlob(1, peer.View()).BindBlob(2, point);
  return write->Run();
}

Status ForgetPoints(Engine& engine) { return engine.db.Exec(kForgetPoints); }

Result<VersionVector> ReadAhead(Engine& engine) {
  REJOIN_ASSIGN(const auto stored, engine.Meta(kAhead));
  VersionVector ahead;
  if (!stored) return ahead;
  ByteReader reader(stored->bytes);
  while (reader.remaining() > 0) {
    const auto replica = ReplicaId::FromBytes(reader.Raw(sizeof(ReplicaId)));
    const HybridTimestamp time{reader.Fixed64()};
    if (!replica || !reader.ok()) return Fail(Code::kCorrupt, "rejoin__meta is damaged; run rejoin doctor");
    ahead.Raise(*replica, time);
  }
  return ahead;
}

Status WriteAhead(Engine& engine, const VersionVector& ahead) {
  Bytes bytes;
  for (const auto& [replica, time] : ahead.entries()) {
    bytes.append(replica.View());
    PutFixed64(bytes, time.value);
  }
  return engine.SetMeta(kAhead, Value::Blob(bytes));
}

Result<Comparison> ReadComparison(Engine& engine, const ReplicaId& peer) {
  REJOIN_ASSIGN(const auto stored, engine.Meta(kCompared + peer.Hex()));
  Comparison comparison;
  if (!stored) return comparison;
  ByteReader reader(stored->bytes);
  comparison.asked_ms = reader.Fixed64();
  comparison.settled = reader.Byte() == 1;
  return reader.AtEnd() ? comparison : Comparison();
}

Status WriteComparison(Engine& engine, const ReplicaId& peer, const Comparison& comparison) {
  Bytes bytes;
  PutFixed64(bytes, comparison.asked_ms);
  bytes.push_back(comparison.settled ? '\1' : '\0');
  return engine.SetMeta(kCompared + peer.Hex(), Value::Blob(bytes));
}

Result<RoomId> ReadRoom(Engine& engine) {
  RoomId room;
  REJOIN_ASSIGN(const auto stored, engine.Meta(kRoom));
  if (stored && stored->bytes.size() == room.bytes.size()) {
    std::copy(stored->bytes.begin(), stored->bytes.end(), room.bytes.begin());
  }
  return room;
}

Status FixRoom(Engine& engine, const RoomId& room) {
  REJOIN_ASSIGN(const RoomId ours, ReadRoom(engine));
  if (ours == room) return {};
  if (!ours.IsSet()) {
    return engine.SetMeta(kRoom, Value::Blob(Bytes(reinterpret_cast<const char*>(room.bytes.data()),
                                                   room.bytes.size())));
  }
  return Fail(Code::kForeignRoom,
              "the peer is of another room than this file; check the URL, for joining two rooms has to be "
              "asked for");
}

}  // namespace rejoin
