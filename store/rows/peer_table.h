// The registry of a row store: who has been here, and how far each side is in the
// other's order. It tells nothing that a merge depends on but the peer's point.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/rows/row_catalog.h"
#include "store/sync_store.h"

namespace rejoin {

// Of what a peer calls itself.
inline constexpr std::size_t kMaxPeerNameBytes = 256;

struct PeerRecord {
  ReplicaId id;
  std::string name;
  std::uint64_t first_seen_ms = 0;  // 0: deltas of it came, but it was never announced
  std::uint64_t last_seen_ms = 0;
  ResumePoint point;                // how far this store is in the peer's order
  // By the peer's own word. Not durable: a power cut may take it back.
  ResumePoint acknowledged_point;
  VersionVector acknowledged_vector;
  bool durable = false;
};

Result<ResumePoint> ReadPoint(Database& db, const ReplicaId& peer);
// kLimit for one larger than kMaxResumePointBytes.
Status WritePoint(Database& db, const ReplicaId& peer, const ResumePoint& point);

Status WriteSeen(Database& db, const ReplicaId& peer, const std::string& name, std::uint64_t now_ms);
Status WriteAcknowledged(Database& db, RowCatalog& catalog, const ReplicaId& peer,
                         const ResumePoint& point, const VersionVector& vector, bool durable);
// Ascending by id.
Result<std::vector<PeerRecord>> ReadPeers(Database& db, const RowCatalog& catalog);

}  // namespace rejoin
