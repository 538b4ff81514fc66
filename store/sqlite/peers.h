// What a file remembers of the replicas it syncs with: rejoin__peer.
#pragma once

#include "store/sqlite/engine.h"
#include "store/sync_store.h"

namespace rejoin {

// The point in the peer's order that the last joined part ended at; empty: none.
Result<ResumePoint> ReadPoint(Engine& engine, const ReplicaId& peer);
// Inside the transaction of what the point stands for.
Status WritePoint(Engine& engine, const ReplicaId& peer, const ResumePoint& point);

Result<RoomId> ReadRoom(Engine& engine);
// kForeignRoom where the file is of another one.
Status FixRoom(Engine& engine, const RoomId& room);

}  // namespace rejoin
