#include "store/sqlite/merge.h"

#include <algorithm>

#include "store/sqlite/drift.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/merge_apply.h"

namespace rejoin {
namespace {

// Takes the write lock without writing, so that what is read from here on stays
// true, and a busy_timeout is respected.
constexpr char kLock[] = "DELETE FROM {s}.rejoin__meta WHERE 0";
constexpr char kRaiseApplied[] =
    "UPDATE {s}.rejoin__replica SET applied = ?2 WHERE number = ?1 AND applied < ?2";

constexpr char kRoom[] = "room";

Status RefuseInTheMiddle(Engine& engine) {
  if (!engine.capture.empty()) {
    return Fail(Code::kOpenTransaction,
                "a merge is not possible in a transaction that has written tracked tables; COMMIT or "
                "ROLLBACK first");
  }
  sqlite3_stmt* statement = nullptr;
  while ((statement = sqlite3_next_stmt(engine.db.handle(), statement)) != nullptr) {
    if (sqlite3_stmt_busy(statement) == 0 || sqlite3_stmt_readonly(statement) != 0) continue;
    return Fail(Code::kOpenTransaction,
                "a merge is not possible inside a statement that writes; call it from a SELECT of its "
                "own");
  }
  return {};
}

// One delta's way into the file; the caller has the write transaction.
class Merge {
 public:
  Merge(Engine& engine, DeltaReader& reader) : engine_(engine), reader_(reader) {}

  Result<MergeReport> Run();
  // The file took a new identity and then refused the delta: the former has to be
  // committed, or the next delta would find the same.
  bool refused_under_new_identity() const { return refused_under_new_identity_; }

 private:
  Status CheckRoom();
  Status CheckInterval();
  Status Record(const DeltaApplier& applier);
  Result<std::vector<Advance>> Advances();
  Status RaiseApplied(const std::vector<Advance>& advances);

  Engine& engine_;
  DeltaReader& reader_;
  DeltaHeader header_;
  ReplicaId self_;
  VersionVector own_;
  bool refused_under_new_identity_ = false;
  bool incomplete_ = false;  // rows may be missing here whatever own_ says
};

Status Merge::CheckRoom() {
  if (header_.scope != 0) {
    return Fail(Code::kUnsupported, "the delta is of scope " + std::to_string(header_.scope) +
                                        ", and this version knows scope 0 only; update Rejoin");
  }
  if (!header_.room.IsSet()) return {};
  const Bytes theirs(reinterpret_cast<const char*>(header_.room.bytes.data()),
                     header_.room.bytes.size());
  REJOIN_ASSIGN(const std::optional<Value> ours, engine_.Meta(kRoom));
  if (!ours || ours->bytes.empty()) return engine_.SetMeta(kRoom, Value::Blob(theirs));
  if (ours->bytes == theirs) return {};
  return Fail(Code::kForeignRoom,
              "the delta belongs to another room than this file; check where it came from, for joining "
              "two rooms has to be asked for");
}

// The causal merging condition: who covers the start covers the end afterwards.
Status Merge::CheckInterval() {
  REJOIN_ASSIGN(own_, ReadVector(engine_));
  REJOIN_ASSIGN(self_, ReadReplica(engine_));
  REJOIN_ASSIGN(const bool renamed, CheckAgainstPeer(engine_, header_.end.Get(self_)));
  if (renamed) {
    REJOIN_ASSIGN(own_, ReadVector(engine_));
    REJOIN_ASSIGN(self_, ReadReplica(engine_));
  }
  REJOIN_ASSIGN(incomplete_, IsIncomplete(engine_));
  const VersionVector nothing;
  refused_under_new_identity_ = renamed;
  if ((incomplete_ ? nothing : own_).Covers(header_.start)) {
    refused_under_new_identity_ = false;
    return {};
  }
  return Fail(Code::kNotCovered,
              "the delta starts after what this file holds, so changes in between would be lost; ask "
              "its sender for rejoin_delta() with this file's rejoin_vv()");
}

Result<std::vector<Advance>> Merge::Advances() {
  std::vector<Advance> advances;
  for (const auto& [replica, time] : header_.end.entries()) {
    const HybridTimestamp before = own_.Get(replica);
    if (time <= before || replica == self_) continue;
    REJOIN_ASSIGN(const ReplicaNumber number, engine_.catalog.Intern(replica));
    advances.push_back({number, before, time});
  }
  return advances;
}

Status Merge::RaiseApplied(const std::vector<Advance>& advances) {
  for (const Advance& advance : advances) {
    REJOIN_ASSIGN(CachedStatement raise, engine_.db.Cached(kRaiseApplied));
    raise->Bind(1, std::int64_t{advance.replica}).Bind(2, advance.to.value);
    REJOIN_TRY(raise->Run());
  }
  return {};
}

Status Merge::Record(const DeltaApplier& applier) {
  REJOIN_ASSIGN(const std::vector<Advance> advances, Advances());
  REJOIN_TRY(RaiseApplied(advances));
  if (!advances.empty() || applier.report().rows_changed > 0) {
    // No stamp in the delta is beyond its end, so this joins the largest.
    HybridTimestamp clock;
    for (const auto& [replica, time] : header_.end.entries()) clock = std::max(clock, time);
    REJOIN_TRY(AppendMerge(engine_, advances, applier.touched(), applier.overflow(), clock));
  }
  if (incomplete_ && header_.start.empty()) REJOIN_TRY(MarkComplete(engine_));
  return applier.made_tables() ? RememberSchema(engine_) : Status();
}

Result<MergeReport> Merge::Run() {
  REJOIN_TRY(engine_.catalog.Refresh());
  REJOIN_TRY(Fold(engine_));
  REJOIN_ASSIGN(header_, reader_.Begin());
  REJOIN_TRY(CheckRoom());
  REJOIN_TRY(CheckInterval());

  DeltaApplier applier(engine_);
  for (;;) {
    REJOIN_ASSIGN(std::optional<DeltaBlock> block, reader_.NextBlock());
    if (!block) break;
    REJOIN_TRY(applier.Apply(std::move(*block), reader_.tables()));
  }
  REJOIN_TRY(Record(applier));
  return applier.report();
}

Result<MergeReport> InTransaction(Engine& engine, ByteSource& in) {
  REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
  REJOIN_TRY(engine.db.Exec(kLock));
  DeltaReader reader(in);
  Merge merge(engine, reader);
  Result<MergeReport> report = merge.Run();
  if (report || merge.refused_under_new_identity()) REJOIN_TRY(savepoint.Release());
  return report;
}

}  // namespace

Result<MergeReport> MergeDelta(Engine& engine, ByteSource& in) {
  REJOIN_TRY(RefuseInTheMiddle(engine));
  REJOIN_ASSIGN(const bool set_up, engine.catalog.Refresh());
  if (!set_up) {
    return Fail(Code::kNotSetUp, "this database tracks no table yet; call rejoin_track('table') first");
  }
  Result<MergeReport> report = InTransaction(engine, in);
  // The cache may hold what the rollback has taken back.
  if (!report) engine.catalog.Invalidate();
  return report;
}

}  // namespace rejoin
