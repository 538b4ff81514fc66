#include "store/sqlite/peers.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr char kReadPoint[] = "SELECT point FROM {s}.rejoin__peer WHERE replica = ?1";
constexpr char kWritePoint[] =
    "INSERT INTO {s}.rejoin__peer(replica, point) VALUES(?1, ?2) "
    "ON CONFLICT(replica) DO UPDATE SET point = excluded.point";
constexpr char kRoom[] = "room";

}  // namespace

Result<ResumePoint> ReadPoint(Engine& engine, const ReplicaId& peer) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadPoint));
  read->BindBlob(1, peer.View());
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? ResumePoint(read->Text(0)) : ResumePoint();
}

Status WritePoint(Engine& engine, const ReplicaId& peer, const ResumePoint& point) {
  REJOIN_ASSIGN(CachedStatement write, engine.db.Cached(kWritePoint));
  write->BindBlob(1, peer.View()).BindBlob(2, point);
  return write->Run();
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
