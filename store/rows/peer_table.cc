#include "store/rows/peer_table.h"

namespace rejoin {
namespace {

constexpr char kReadPoint[] = "SELECT point FROM {s}.peer WHERE id = ?1";
constexpr char kWritePoint[] =
    "INSERT INTO {s}.peer(id, point) VALUES (?1, ?2) "
    "ON CONFLICT(id) DO UPDATE SET point = excluded.point";
constexpr char kSeen[] =
    "INSERT INTO {s}.peer(id, name, first_seen_ms, last_seen_ms) VALUES (?1, ?2, ?3, ?3) "
    "ON CONFLICT(id) DO UPDATE SET name = excluded.name, last_seen_ms = excluded.last_seen_ms, "
    "first_seen_ms = iif(first_seen_ms = 0, excluded.first_seen_ms, first_seen_ms)";
constexpr char kAcknowledged[] =
    "INSERT INTO {s}.peer(id, acknowledged_point, acknowledged_vector, durable) "
    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE SET "
    "acknowledged_point = excluded.acknowledged_point, "
    "acknowledged_vector = excluded.acknowledged_vector, durable = excluded.durable";
constexpr char kPeers[] =
    "SELECT id, name, first_seen_ms, last_seen_ms, point, acknowledged_point, acknowledged_vector, "
    "durable FROM {s}.peer ORDER BY id";

constexpr std::uint8_t kVectorVersion = 1;

// version, then per entry the replica's number and the time.
Result<Bytes> EncodeVector(RowCatalog& catalog, const VersionVector& vector) {
  Bytes bytes(1, static_cast<char>(kVectorVersion));
  for (const auto& [replica, time] : vector.entries()) {
    REJOIN_ASSIGN(const ReplicaNumber number, catalog.Intern(replica));
    PutVarint(bytes, number);
    PutVarint(bytes, time.value);
  }
  return bytes;
}

Result<VersionVector> DecodeVector(const RowCatalog& catalog, ByteView bytes) {
  VersionVector vector;
  if (bytes.empty()) return vector;  // never acknowledged
  ByteReader reader(bytes);
  if (reader.Byte() != kVectorVersion) reader.MarkFailed();
  while (reader.ok() && !reader.AtEnd()) {
    const ReplicaId* const replica = catalog.Lookup(reader.Varint());
    const HybridTimestamp time{reader.Varint()};
    if (replica == nullptr) reader.MarkFailed();
    if (reader.ok()) vector.Raise(*replica, time);
  }
  if (reader.ok()) return vector;
  return Fail(Code::kCorrupt, "the registry of peers in the hub's file is damaged; restore the file "
                              "from a backup");
}

}  // namespace

Result<ResumePoint> ReadPoint(Database& db, const ReplicaId& peer) {
  REJOIN_ASSIGN(CachedStatement read, db.Cached(kReadPoint));
  read->BindBlob(1, peer.View());
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? ResumePoint(read->Text(0)) : ResumePoint();
}

Status WritePoint(Database& db, const ReplicaId& peer, const ResumePoint& point) {
  if (point.size() > kMaxResumePointBytes) {
    return Fail(Code::kLimit, "a peer's resume point is " + std::to_string(point.size()) +
                                  " bytes, and " + std::to_string(kMaxResumePointBytes) +
                                  " are the most that is remembered");
  }
  REJOIN_ASSIGN(CachedStatement write, db.Cached(kWritePoint));
  write->BindBlob(1, peer.View()).BindBlob(2, point);
  return write->Run();
}

Status WriteSeen(Database& db, const ReplicaId& peer, const std::string& name, std::uint64_t now_ms) {
  if (name.size() > kMaxPeerNameBytes) {
    return Fail(Code::kLimit, "a peer's name is " + std::to_string(name.size()) + " bytes, and " +
                                  std::to_string(kMaxPeerNameBytes) + " are the most");
  }
  REJOIN_ASSIGN(CachedStatement seen, db.Cached(kSeen));
  seen->BindBlob(1, peer.View()).BindText(2, name).Bind(3, now_ms);
  return seen->Run();
}

Status WriteAcknowledged(Database& db, RowCatalog& catalog, const ReplicaId& peer,
                         const ResumePoint& point, const VersionVector& vector, bool durable) {
  REJOIN_ASSIGN(const Bytes encoded, EncodeVector(catalog, vector));
  REJOIN_ASSIGN(CachedStatement write, db.Cached(kAcknowledged));
  write->BindBlob(1, peer.View()).BindBlob(2, point).BindBlob(3, encoded);
  write->Bind(4, std::int64_t{durable});
  return write->Run();
}

Result<std::vector<PeerRecord>> ReadPeers(Database& db, const RowCatalog& catalog) {
  std::vector<PeerRecord> peers;
  REJOIN_ASSIGN(CachedStatement each, db.Cached(kPeers));
  for (;;) {
    REJOIN_ASSIGN(const bool found, each->Step());
    if (!found) return peers;
    const auto id = ReplicaId::FromBytes(each->Text(0));
    if (!id) return Fail(Code::kCorrupt, "a peer in the hub's file has no id; restore it from a backup");
    PeerRecord& peer = peers.emplace_back();
    peer.id = *id;
    peer.name = each->Text(1);
    peer.first_seen_ms = each->Unsigned(2);
    peer.last_seen_ms = each->Unsigned(3);
    peer.point = each->Text(4);
    peer.acknowledged_point = each->Text(5);
    REJOIN_ASSIGN(peer.acknowledged_vector, DecodeVector(catalog, each->Text(6)));
    peer.durable = each->Integer(7) != 0;
  }
}

}  // namespace rejoin
