#include "store/sqlite/commit_state.h"

#include <utility>

#include "store/sqlite/engine.h"

namespace rejoin {
namespace {

// All of it: some fifteen rows, which is less than searching for four.
constexpr char kReadMeta[] = "SELECT name, value FROM {s}.rejoin__meta";
// As ReadLogHead, less the epoch, which is in there.
constexpr char kReadHead[] =
    "SELECT pos, tag, clock, own, total FROM {s}.rejoin__log ORDER BY pos DESC LIMIT 1";
constexpr char kReadTag[] = "SELECT tag FROM {s}.rejoin__log WHERE pos = ?1";

Status ReadMeta(Engine& engine, CommitState& state) {
  bool has_stamp = false;
  std::optional<ReplicaId> replica;
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadMeta));
  for (;;) {
    REJOIN_ASSIGN(const bool row, read->Step());
    if (!row) break;
    const std::string_view name = read->Text(0);
    if (name == "catalog") {
      state.catalog_stamp = read->Integer(1);
      has_stamp = true;
    } else if (name == "epoch") {
      state.head.cursor.epoch = read->Unsigned(1);
    } else if (name == "replica") {
      replica = ReplicaId::FromBytes(read->Text(1));
    } else if (name == "token") {
      state.token = Bytes(read->Text(1));
    }
  }
  if (!has_stamp || !replica) {
    return Fail(Code::kCorrupt, "rejoin__meta lacks its entry 'catalog' or holds no replica id; run rejoin doctor");
  }
  state.replica = *replica;
  return {};
}

Status ReadHead(Engine& engine, LogHead& head) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadHead));
  REJOIN_ASSIGN(const bool found, read->Step());
  if (!found) return {};
  head.cursor.position = read->Unsigned(0);
  head.cursor.tag = read->Unsigned(1);
  head.clock = HybridTimestamp{read->Unsigned(2)};
  head.own = HybridTimestamp{read->Unsigned(3)};
  head.total_bytes = read->Unsigned(4);
  return {};
}

// Mostly of the last row.
Status ReadCommittedTag(Engine& engine, CommitState& state) {
  const auto& committed = engine.fence.committed;
  if (!committed) return {};
  if (state.head.cursor.position == committed->first) {
    state.committed_tag = state.head.cursor.tag;
    return {};
  }
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadTag));
  read->Bind(1, committed->first);
  REJOIN_ASSIGN(const bool found, read->Step());
  if (found) state.committed_tag = read->Unsigned(0);
  return {};
}

}  // namespace

Result<CommitState> ReadCommitState(Engine& engine) {
  CommitState state;
  REJOIN_TRY(ReadHead(engine, state.head));
  REJOIN_TRY(ReadMeta(engine, state));
  REJOIN_TRY(ReadCommittedTag(engine, state));
  return state;
}

Result<CommitState> CurrentState(Engine& engine) {
  const auto& known = engine.known_state;
  if (known && known->writes == engine.db.writes() && engine.db.DataVersion() == known->data_version) {
    return known->state;
  }
  return ReadCommitState(engine);
}

void RememberState(Engine& engine, CommitState&& state) {
  engine.known_state.reset();
  const std::optional<std::uint32_t> version = engine.db.DataVersion();
  if (version) engine.known_state = KnownState{std::move(state), engine.db.writes(), *version};
}

}  // namespace rejoin
