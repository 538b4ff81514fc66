// What a session needs of a store beyond its joins: a way to go on where it left
// off, and a memory of the peers it talked to.
//
// Who sends decides what a *resume point* is: bytes that only the store that made
// them can read, a position in its local order (store.h, Cursor) or a place in
// the middle of a first sync. It believes none that it cannot prove its own: not
// one that was damaged, nor one that it gave out in a future which a restored
// backup does not have. Who receives keeps, for each peer, the point that
// the last part it joined ended at, in the transaction of that join; so a point is
// never ahead of what it stands for, whatever is killed when.
//
// A part is joined by who is at its `from`, or whose vector covers its delta's
// start; so a lost, repeated or reordered part is at worst asked for again (the
// causal merging condition of Almeida et al. 2018, section 6, over intervals of
// the sender's local order). A part in the middle of a first sync has no start, nor has
// one that claims nothing (rows ahead of its sender's vector): it is joined only by who
// is at its `from`, or where that is empty.
//
// A start has to be honest: who covers it and joins the rows has everything up to
// the end. The vector that the sender had at `from` is not, once parts of others
// have been joined: their rows were there before any vector told of them, so they
// may lie before `from` while their replica's entry rises after it. Who sends puts
// them into the part all the same, or says that the start is the end, so that the
// point alone vouches for it.
//
// A peer acts on what a session tells it, so no ROLLBACK may take that back: where a transaction
// of the application is open, whatever it has done, ExtractPart, MergePart, PointOf, SkipTo,
// SetRoom of another room, CorrectTime, MarkState, RememberComparison and NoteFinding fail with
// kOpenTransaction, and change nothing.
//
// Thread-compatible, as every Store. Contract test: tests/store/sync_contract_test.cc.
#pragma once

#include <cstddef>

#include "store/store.h"
#include "store/time_correction.h"

namespace rejoin {

// Empty: before everything. At most kMaxResumePointBytes.
using ResumePoint = Bytes;
inline constexpr std::size_t kMaxResumePointBytes = std::size_t{1} << 19;

struct PartRequest {
  ResumePoint from;        // made by this store; where it is empty, peer_has counts alone
  VersionVector peer_has;  // what the peer is known to cover: is not sent to it
  // What only a look at all rows finds, as at a first sync, is cut into parts of about
  // so many bytes. What can be had from a log goes as a whole, however large: a
  // transaction of another replica is to appear as one. A store without a log
  // (store/rows) cannot tell one from the other and cuts both, so there a transaction
  // appears as one up to this size.
  std::size_t target_bytes = std::size_t{4} << 20;
};

// Of large numbers too.
inline std::uint64_t PermilleOf(std::uint64_t done, std::uint64_t all) {
  if (all == 0 || done >= all) return 1000;
  return static_cast<std::uint64_t>(static_cast<double>(done) / static_cast<double>(all) * 1000);
}

struct PartReport {
  ResumePoint until;     // where the peer is once it has joined the part
  // Rows in the middle of a first sync: the peer joins them and remembers
  // `until`, and leaves its vector as it is.
  bool partial = false;
  bool more = false;     // another part follows at once: ask again from `until`
  // With `more`: how much of all that there is to look at lies behind `until`, roughly; for
  // who waits for it.
  std::uint64_t done_permille = 0;
  std::uint64_t rows = 0;
  Cursor head;           // the end of the local order as the part saw it
  VersionVector end;     // what the peer covers then; empty where partial
  // There was nothing that the peer lacks: no byte was written, only `until` moved
  // (SkipTo). With `more` where a store has looked at much and found nothing yet.
  bool nothing = false;
};

// Where a part came from, as the session received it.
struct PartOrigin {
  ReplicaId peer;
  ResumePoint from;
  ResumePoint until;
  bool partial = false;
  // The sender was asked with an empty vector: what it sends in the end is everything.
  bool for_everything = false;
  // Stamps later than this are cut out of the part, whole transactions with them; the
  // rest is joined. Then neither the vector nor the point moves, so what was cut comes
  // again; until then its sender is at fault, or its clock. What this store covers
  // already is no news and never cut.
  HybridTimestamp newest{~std::uint64_t{0}};
};

// What replicas share, at one moment.
struct StateMark {
  Cursor head;
  VersionVector vector;
  Digest digest;
  // False: something too large for a delta is here, which nobody else can have.
  bool whole = true;
};

// The last time that this store asked a peer whether both hold the same.
struct Comparison {
  std::uint64_t asked_ms = 0;  // Unix time; 0: never
  bool settled = false;        // the answer is known, and acted on
};

class SyncStore : public Store {
 public:
  // Writes one part as a delta whose header tells only of entries that the peer
  // lacks, and where it is partial of none. kNotCovered where `from` is unknown, and
  // then nothing was written: ask again without it. With an empty `from`: rows are missing
  // here, so nothing is handed out before they are back.
  virtual Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) = 0;

  // Merge (store.h), and remembers origin.until for the peer in the same
  // transaction. kNotCovered where this store is neither at origin.from nor
  // covers the delta's start; nothing has changed then. An empty origin.from is no
  // place to be at: the start counts, or, where the part is partial, that the sender
  // was asked with this store's vector. A store that rows are missing from, which says
  // that its vector is empty, takes only what it asked for with that. kLimit for too
  // large a point.
  virtual Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) = 0;

  // The point last remembered for the peer; empty where there is none.
  virtual Result<ResumePoint> PointOf(const ReplicaId& peer) = 0;
  // Remembers that there is nothing for this store between origin.from and
  // origin.until. Does nothing where this store is not at origin.from; everybody is
  // past an empty one.
  virtual Status SkipTo(const PartOrigin& origin) = 0;

  // Not set: the store has never synced.
  virtual Result<RoomId> Room() = 0;
  // kForeignRoom where another one is set. One that is not set changes nothing.
  virtual Status SetRoom(const RoomId& room) = 0;

  // The end of the local order: changes whenever there may be something to send.
  virtual Result<Cursor> Head() = 0;

  // The latest time of all stamps that were ever here: for judging clocks.
  virtual Result<HybridTimestamp> LatestTimeSeen() = 0;
  // Gives own changes that nobody has seen, and that a wrong clock stamped, the times
  // that they should have (time_correction.h). Nothing else changes: neither what is
  // shown nor the digest. Call it before the first merge or extraction of a session. True: there were
  // such.
  virtual Result<bool> CorrectTime(const TimeCorrection& correction) = 0;

  // What was committed up to now survives a power cut when this returns, where the store
  // can see to that at all. Waits for the disk, without a lock of the store.
  virtual Status MakeDurable() = 0;

  // The digest of everything reads everything, so it is taken slice by slice: a call looks
  // at about `most_rows` rows (or some megabytes of them) and leaves no transaction open.
  // nullopt: call again. Begins anew where the state moved since the call before, so what
  // is returned is all of one moment. kNotCovered where rows are missing here.
  virtual Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) = 0;
  virtual Result<Comparison> ComparisonWith(const ReplicaId& peer) = 0;
  virtual Status RememberComparison(const ReplicaId& peer, const Comparison& comparison) = 0;
  // For people, where the store keeps a log for them.
  virtual Status NoteFinding(const std::string& text) = 0;
};

}  // namespace rejoin
