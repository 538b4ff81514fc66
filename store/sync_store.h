// What a session needs of a store beyond its joins: a way to go on where it left
// off, and a memory of the peers it talked to.
//
// Who sends decides what a *resume point* is: bytes that only the store that made
// them can read, a position in its local order (store.h, Cursor) or a place in
// the middle of a first sync. Who receives keeps, for each peer, the point that
// the last part it joined ended at, in the transaction of that join; so a point is
// never ahead of what it stands for, whatever is killed when.
//
// A part is joined by who is at its `from`, or whose vector covers its delta's
// start; so a lost, repeated or reordered part is at worst asked for again (the
// causal merging condition of Almeida et al. 2018, section 6, over intervals of
// the sender's local order).
//
// Thread-compatible, as every Store. Contract test: tests/store/sync_contract_test.cc.
#pragma once

#include <cstddef>

#include "store/store.h"

namespace rejoin {

// Empty: before everything. At most kMaxResumePointBytes.
using ResumePoint = Bytes;
inline constexpr std::size_t kMaxResumePointBytes = std::size_t{1} << 19;

struct PartRequest {
  ResumePoint from;        // made by this store; where it is empty, peer_has counts alone
  VersionVector peer_has;  // what the peer is known to cover: is not sent to it
  // A first sync is cut into parts of about so many bytes of delta. What can be
  // had from the local order goes as a whole, however large: a transaction of
  // another replica is to appear as one.
  std::size_t target_bytes = std::size_t{4} << 20;
};

struct PartReport {
  ResumePoint until;     // where the peer is once it has joined the part
  // Rows in the middle of a first sync: the peer joins them and remembers
  // `until`, and leaves its vector as it is.
  bool partial = false;
  bool more = false;     // another part follows at once
  std::uint64_t rows = 0;
  Cursor head;           // the end of the local order as the part saw it
  VersionVector end;     // what the peer covers then; empty where partial
  // There was nothing that the peer lacks: no byte was written, only `until` moved.
  bool nothing = false;
};

// Where a part came from, as the session received it.
struct PartOrigin {
  ReplicaId peer;
  ResumePoint from;
  ResumePoint until;
  bool partial = false;
};

class SyncStore : public Store {
 public:
  // Writes one part as a delta whose header tells only of entries that changed.
  // kNotCovered where `from` is unknown: ask again without it.
  virtual Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) = 0;

  // Merge (store.h), and remembers origin.until for the peer in the same
  // transaction. kNotCovered where this store is neither at origin.from nor
  // covers the delta's start; nothing has changed then.
  virtual Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) = 0;

  // The point last remembered for the peer; empty where there is none.
  virtual Result<ResumePoint> PointOf(const ReplicaId& peer) = 0;
  // Remembers that there is nothing for this store between origin.from and
  // origin.until. Does nothing where this store is not at origin.from.
  virtual Status SkipTo(const PartOrigin& origin) = 0;

  // Not set: the store has never synced.
  virtual Result<RoomId> Room() = 0;
  // kForeignRoom where another one is set.
  virtual Status SetRoom(const RoomId& room) = 0;

  // The end of the local order: changes whenever there may be something to send.
  virtual Result<Cursor> Head() = 0;
};

}  // namespace rejoin
