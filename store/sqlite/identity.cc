#include "store/sqlite/identity.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "store/sqlite/events.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/restamp.h"
#include "store/sqlite/sync_journal.h"

namespace rejoin {
namespace {

constexpr char kRaiseApplied[] =
    "UPDATE {s}.rejoin__replica SET applied = ?2 WHERE number = ?1";
constexpr char kOwnInLog[] = "SELECT 1 FROM {s}.rejoin__log WHERE own = ?1 LIMIT 1";
constexpr char kOldestOwn[] = "SELECT own FROM {s}.rejoin__log ORDER BY pos LIMIT 1";
constexpr char kIssued[] = "SELECT 1 FROM {s}.rejoin__issued WHERE time = ?1";
// Of 64 bits without a sign, as SQLite compares them.
constexpr char kLatestIssued[] =
    "SELECT coalesce((SELECT max(time) FROM {s}.rejoin__issued WHERE time < 0), "
    "(SELECT max(time) FROM {s}.rejoin__issued), 0)";
constexpr char kLastIssued[] = "SELECT max(time), max(time) FILTER (WHERE time < ?1) FROM {s}.rejoin__issued";
constexpr char kForgetIssued[] = "DELETE FROM {s}.rejoin__issued";

constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kMaxSidecarBytes = 2 * kTokenBytes;

Bytes NewToken(Random& random) {
  Bytes token;
  PutFixed64(token, random.Draw64());
  PutFixed64(token, random.Draw64());
  return token;
}

// What the sidecar has for the token of a database that has none yet.
Bytes OrNone(const Bytes& token) { return token.empty() ? Bytes(kTokenBytes, '\0') : token; }

bool Holds(const Bytes& sidecar, const Bytes& token) {
  for (std::size_t at = 0; at + kTokenBytes <= sidecar.size(); at += kTokenBytes) {
    if (ByteView(sidecar).substr(at, kTokenBytes) == token) return true;
  }
  return false;
}

// The log row that this connection committed last is not there, nor has the log grown
// beyond it: somebody put an older file in its place.
bool WasRolledBack(const Engine& engine, const CommitState& state) {
  const auto& committed = engine.fence.committed;
  if (!committed || state.committed_tag == committed->second) return false;
  const bool trimmed = !state.committed_tag && state.head.cursor.position > committed->first;
  return !trimmed;
}

// Compares database and sidecar, and writes a fresh token to both.
Status CheckAndRotate(Engine& engine, const CommitState& state) {
  const Bytes& stored = state.token;
  const std::string path = SidecarPath(engine);
  REJOIN_ASSIGN(const std::optional<Bytes> sidecar, engine.env.files->Read(path, kMaxSidecarBytes));
  const bool current = sidecar && Holds(*sidecar, OrNone(stored)) && !WasRolledBack(engine, state);
  const std::uint64_t now_ms = engine.env.clock->SteadyMs();
  const bool recent =
      engine.fence.checked && now_ms - engine.fence.checked_steady_ms < kFenceIntervalMs;
  if (current && recent && !stored.empty()) {
    engine.fence.token = stored;  // another connection's: it has just done what is done below
    return {};
  }
  const bool first_write_ever = stored.empty() && !sidecar;
  if (!first_write_ever && !current) {
    const HybridTimestamp own = state.head.own;
    REJOIN_TRY(TakeNewIdentity(engine, {own, own}, "the file is a copy, or was restored"));
  }
  const Bytes fresh = NewToken(*engine.env.random);
  REJOIN_TRY(engine.env.files->Replace(path, fresh + OrNone(stored)));
  REJOIN_TRY(engine.SetMeta("token", Value::Blob(fresh)));
  engine.fence.token = fresh;
  engine.fence.rotated = true;
  engine.fence.checked = true;
  engine.fence.checked_steady_ms = now_ms;
  return {};
}

// As SidecarPath, less the text.
bool HasSidecar(Engine& engine) {
  const char* const file = sqlite3_db_filename(engine.db.handle(), engine.db.schema().c_str());
  return file != nullptr && *file != '\0';
}

}  // namespace

std::string SidecarPath(Engine& engine) {
  const char* const file = sqlite3_db_filename(engine.db.handle(), engine.db.schema().c_str());
  if (file == nullptr || *file == '\0') return {};
  return std::string(file) + "-rejoin";
}

Status FenceBeforeCommit(Engine& engine) {
  REJOIN_ASSIGN(const CommitState state, ReadCommitState(engine));
  return FenceBeforeCommit(engine, state);
}

Status FenceBeforeCommit(Engine& engine, const CommitState& state) {
  engine.fence.written.reset();
  if (!HasSidecar(engine)) return {};
  const bool recent = engine.fence.checked && state.token == engine.fence.token && !WasRolledBack(engine, state) &&
                      engine.env.clock->SteadyMs() - engine.fence.checked_steady_ms < kFenceIntervalMs;
  if (recent) return {};
  return CheckAndRotate(engine, state);
}

void FenceAfterCommit(Engine& engine) {
  if (engine.fence.written) engine.fence.committed = std::exchange(engine.fence.written, std::nullopt);
  if (!engine.fence.rotated) return;
  engine.fence.rotated = false;
  // A sidecar without a token that a power cut brings back would make this a copy.
  if (!SyncJournal(engine.db)) return;
  // The write lock is gone: another process may be replacing the sidecar.
  (void)engine.env.files->Cut(SidecarPath(engine), engine.fence.token);
}

Status TakeNewIdentity(Engine& engine, const KeptHistory& kept, std::string_view why) {
  // What is not folded yet is by the old id: fold it as such.
  REJOIN_TRY(Fold(engine));
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const auto old_meta, engine.Meta("replica"));
  const auto old_id = ReplicaId::FromBytes(old_meta ? ByteView(old_meta->bytes) : ByteView());
  if (!old_id) return Fail(Code::kCorrupt, "rejoin__meta holds no replica id; run rejoin doctor");

  Random& random = *engine.env.random;
  const std::uint64_t first = random.Draw64();
  const ReplicaId new_id = ReplicaId::Random(first, random.Draw64());
  REJOIN_ASSIGN(const ReplicaNumber old_number, engine.catalog.Intern(*old_id));
  REJOIN_TRY(engine.catalog.Intern(new_id));
  REJOIN_TRY(engine.SetMeta("replica", Value::Blob(Bytes(new_id.View()))));
  {
    REJOIN_ASSIGN(CachedStatement raise, engine.db.Cached(kRaiseApplied));
    raise->Bind(1, std::int64_t{old_number}).Bind(2, std::min(head.own, kept.vector_entry).value);
    REJOIN_TRY(raise->Run());
  }
  // What this file lacks lies before the points that it remembers.
  REJOIN_TRY(ForgetPoints(engine));
  const bool moved = kept.stamps_up_to < head.own;
  if (moved) REJOIN_TRY(Restamp(engine, {*old_id, new_id, kept.stamps_up_to, {}}));
  // Cursors into the history so far would skip what has moved. Who takes over all of
  // the stamps that nobody saw, or starts with none; the clock goes on.
  REJOIN_TRY(RestartLog(engine, head.clock, moved ? head.own : HybridTimestamp{}));
  REJOIN_TRY(engine.db.Exec(kForgetIssued));
  return NoteEvent(engine, "identity",
                   "replica " + old_id->Hex() + " became " + new_id.Hex() + ": " + std::string(why));
}

Result<HybridTimestamp> LatestIssued(Engine& engine) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kLatestIssued));
  REJOIN_TRY(read->Step());
  return HybridTimestamp{read->Unsigned(0)};
}

Result<bool> CheckAgainstPeer(Engine& engine, HybridTimestamp claimed) {
  if (claimed.value == 0) return false;
  const auto exists = [&engine](const char* sql, HybridTimestamp time) -> Result<bool> {
    REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(sql));
    find->Bind(1, time.value);
    return find->Step();
  };
  REJOIN_ASSIGN(const bool issued, exists(kIssued, claimed));
  if (issued) return false;
  REJOIN_ASSIGN(const bool in_log, exists(kOwnInLog, claimed));
  if (in_log) return false;
  {
    // Older than what the log reaches: nothing says that it was not ours.
    REJOIN_ASSIGN(CachedStatement oldest, engine.db.Cached(kOldestOwn));
    REJOIN_ASSIGN(const bool found, oldest->Step());
    const HybridTimestamp tail{found ? oldest->Unsigned(0) : 0};
    if (claimed < tail) return false;
  }
  KeptHistory kept;
  {
    REJOIN_ASSIGN(CachedStatement last, engine.db.Cached(kLastIssued));
    last->Bind(1, claimed.value);
    REJOIN_TRY(last->Step());
    kept.stamps_up_to = HybridTimestamp{last->Unsigned(0)};
    kept.vector_entry = HybridTimestamp{last->Unsigned(1)};
  }
  REJOIN_TRY(TakeNewIdentity(engine, kept,
                             "a peer has changes of this replica that this file never made: it was "
                             "restored from an older copy"));
  return true;
}

}  // namespace rejoin
