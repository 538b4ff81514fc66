// What a file remembers of the replicas it syncs with: rejoin__peer.
#pragma once

#include "store/sqlite/engine.h"
#include "store/sync_store.h"

namespace rejoin {

// The point in the peer's order that the last joined part ended at; empty: none.
Result<ResumePoint> ReadPoint(Engine& engine, const ReplicaId& peer);
// Inside the transaction of what the point stands for. kLimit for too large a one.
Status WritePoint(Engine& engine, const ReplicaId& peer, const ResumePoint& point);
// Of all peers: what this file lacks may lie before them.
Status ForgetPoints(Engine& engine);

// Of rows that are here ahead of the vector, as those of a first sync under way are:
// per replica the latest stamp. A log row in which such an entry of the vector rises
// does not list them; whoever is behind it is served by vector.
Result<VersionVector> ReadAhead(Engine& engine);
Status WriteAhead(Engine& engine, const VersionVector& ahead);

// Kept in rejoin__meta: of the replicas that this file asked, which are few.
Result<Comparison> ReadComparison(Engine& engine, const ReplicaId& peer);
Status WriteComparison(Engine& engine, const ReplicaId& peer, const Comparison& comparison);

Result<RoomId> ReadRoom(Engine& engine);
// kForeignRoom where the file is of another one.
Status FixRoom(Engine& engine, const RoomId& room);

}  // namespace rejoin
