#include "store/sqlite/merge.h"

#include <algorithm>

#include "store/sqlite/drift.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/identity.h"
#include "store/sqlite/merge_apply.h"
#include "store/sqlite/merge_scope.h"
#include "store/sqlite/peers.h"
#include "store/sqlite/scan_point.h"

namespace rejoin {
namespace {

// Takes the write lock without writing, so that what is read from here on stays
// true, and a busy_timeout is respected.
constexpr char kLock[] = "DELETE FROM {s}.rejoin__meta WHERE 0";
constexpr char kRaiseApplied[] =
    "UPDATE {s}.rejoin__replica SET applied = ?2 WHERE number = ?1";

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
  // `origin`: of a part of a session; else nullptr.
  Merge(Engine& engine, DeltaReader& reader, const PartOrigin* origin)
      : engine_(engine), reader_(reader), origin_(origin) {}

  Result<MergeReport> Run();
  // The file took a new identity and then refused the delta: the former has to be
  // committed, or the next delta would find the same.
  bool refused_under_new_identity() const { return refused_under_new_identity_; }

 private:
  Status CheckRoom();
  Status CheckInterval();
  void LookAtEnd(MergeReport& report) const;
  Status Record(const DeltaApplier& applier, bool whole);
  Result<std::vector<Advance>> Advances(bool whole);
  Status RaiseApplied(const std::vector<Advance>& advances);
  Result<bool> OvertakesRowsAhead(const std::vector<Advance>& advances, const VersionVector& stamped);

  // The sender's order says that everything before the part is here.
  Result<bool> IsAtItsStart();
  bool VectorVouches() const;

  Engine& engine_;
  DeltaReader& reader_;
  const PartOrigin* origin_;
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
  return header_.room.IsSet() ? FixRoom(engine_, header_.room) : Status();
}

Result<bool> Merge::IsAtItsStart() {
  if (origin_ == nullptr || origin_->from.empty()) return false;
  REJOIN_ASSIGN(const ResumePoint point, ReadPoint(engine_, origin_->peer));
  return point == origin_->from;
}

// Where the file is not at the part's point.
bool Merge::VectorVouches() const {
  if (incomplete_) {
    const bool asked_for = origin_ == nullptr || (origin_->from.empty() && origin_->for_everything);
    return asked_for && header_.start.empty();
  }
  // In the middle of a first sync a part has no start that a vector could cover; nor has
  // one that claims nothing.
  const bool by_point_only = origin_ != nullptr && !origin_->from.empty() &&
                             (origin_->partial || header_.end.empty());
  return !by_point_only && own_.Covers(header_.start);
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
  refused_under_new_identity_ = renamed;
  REJOIN_ASSIGN(const bool at_its_start, IsAtItsStart());
  if (at_its_start || VectorVouches()) {
    refused_under_new_identity_ = false;
    return {};
  }
  return Fail(Code::kNotCovered,
              "the delta starts after what this file holds, so changes in between would be lost; ask "
              "its sender for rejoin_delta() with this file's rejoin_vv()");
}

// A delta may end at a time that no row of it has.
void Merge::LookAtEnd(MergeReport& report) const {
  if (origin_ == nullptr) return;
  for (const auto& [replica, time] : header_.end.entries()) {
    if (time > origin_->newest && time > own_.Get(replica)) report.NoteTooNew(replica, time);
  }
}

Result<std::vector<Advance>> Merge::Advances(bool whole) {
  std::vector<Advance> advances;
  if (!whole || (origin_ != nullptr && origin_->partial)) return advances;
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

// Notes which rows are ahead of the vector as it is now. True: it rose over some that
// were, and that earlier rows of the log list.
Result<bool> Merge::OvertakesRowsAhead(const std::vector<Advance>& advances,
                                       const VersionVector& stamped) {
  REJOIN_ASSIGN(const VersionVector before, ReadAhead(engine_));
  VersionVector ahead = before;
  ahead.Join(stamped);
  ahead.Set(self_, {});
  const std::vector<VersionVector::Entry> noted = ahead.entries();
  for (const auto& [replica, time] : noted) {
    if (time <= own_.Get(replica)) ahead.Set(replica, {});
  }
  bool overtaken = false;
  for (const Advance& advance : advances) {
    const ReplicaId* const replica = engine_.catalog.Lookup(advance.replica);
    if (replica == nullptr) continue;
    overtaken = overtaken || before.Get(*replica) > advance.from;
    if (ahead.Get(*replica) <= advance.to) ahead.Set(*replica, {});
  }
  if (!(ahead == before)) REJOIN_TRY(WriteAhead(engine_, ahead));
  return overtaken;
}

// `whole`: nothing was cut out.
Status Merge::Record(const DeltaApplier& applier, bool whole) {
  REJOIN_ASSIGN(const std::vector<Advance> advances, Advances(whole));
  REJOIN_TRY(RaiseApplied(advances));
  if (applier.overflow() && applier.moves_unlisted()) REJOIN_TRY(ChangeLayout(engine_));
  if (!advances.empty() || applier.report().rows_changed > 0) {
    HybridTimestamp clock = applier.latest_time();
    for (const Advance& advance : advances) clock = std::max(clock, advance.to);
    REJOIN_ASSIGN(const bool overtaken, OvertakesRowsAhead(advances, applier.stamped()));
    REJOIN_TRY(AppendMerge(engine_, advances, applier.touched(), applier.overflow() || overtaken, clock));
  }
  if (whole && origin_ != nullptr) REJOIN_TRY(WritePoint(engine_, origin_->peer, origin_->until));
  // Such a file takes nothing but everything, and the parts of it.
  const bool to_the_end = whole && (origin_ == nullptr || !origin_->partial);
  if (incomplete_ && to_the_end) REJOIN_TRY(MarkComplete(engine_));
  return applier.made_tables() ? RememberSchema(engine_) : Status();
}

Result<MergeReport> Merge::Run() {
  REJOIN_TRY(engine_.catalog.Refresh());
  REJOIN_TRY(Fold(engine_));
  REJOIN_ASSIGN(header_, reader_.Begin());
  REJOIN_TRY(CheckRoom());
  REJOIN_TRY(CheckInterval());

  const HybridTimestamp any_time{~std::uint64_t{0}};
  DeltaApplier applier(engine_, origin_ == nullptr ? any_time : origin_->newest, own_);
  for (;;) {
    REJOIN_ASSIGN(std::optional<DeltaBlock> block, reader_.NextBlock());
    if (!block) break;
    REJOIN_TRY(applier.Apply(std::move(*block), reader_.tables()));
  }
  MergeReport report = applier.report();
  LookAtEnd(report);
  REJOIN_TRY(Record(applier, !report.too_new));
  report.sender_has = header_.end;
  return report;
}

// Of a delta: some hundred rows at most.
constexpr std::uint64_t kFewRowsBytes = 2048;

Result<Savepoint> BeginWriting(Engine& engine) {
  REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
  REJOIN_TRY(TakeWriteLock(engine));
  return savepoint;
}

Result<MergeReport> InTransaction(Engine& engine, ByteSource& in, const PartOrigin* origin) {
  // Switching triggers makes SQLite prepare every statement anew, which takes memory: before
  // what undoes the merge has been prepared.
  MergeScope scope(engine);
  const std::optional<std::uint64_t> bytes = in.LeftBytes();
  REJOIN_ASSIGN(const auto spared, scope.SpareTriggers(bytes && *bytes <= kFewRowsBytes));
  if (!spared) scope.FireTriggers(false);
  REJOIN_ASSIGN(std::optional<Savepoint> savepoint, BeginWriting(engine));
  if (spared) {
    // Another connection may have made a trigger.
    REJOIN_ASSIGN(const std::int64_t cookie, SchemaCookie(engine));
    if (cookie != *spared) {
      REJOIN_TRY(savepoint->Release());
      scope.FireTriggers(false);
      REJOIN_ASSIGN(Savepoint again, BeginWriting(engine));
      savepoint.emplace(std::move(again));
    }
  }
  DeltaReader reader(in);
  Merge merge(engine, reader, origin);
  Result<MergeReport> report = merge.Run();
  if (report || merge.refused_under_new_identity()) REJOIN_TRY(savepoint->Release());
  return report;
}

Result<MergeReport> MergeFrom(Engine& engine, ByteSource& in, const PartOrigin* origin) {
  REJOIN_TRY(RefuseInTheMiddle(engine));
  REJOIN_ASSIGN(const bool set_up, engine.catalog.Refresh());
  if (!set_up) {
    return Fail(Code::kNotSetUp, "this database tracks no table yet; call rejoin_track('table') first");
  }
  Result<MergeReport> report = InTransaction(engine, in, origin);
  // The cache may hold what the rollback has taken back.
  if (!report) engine.catalog.Invalidate();
  return report;
}

}  // namespace

Status TakeWriteLock(Engine& engine) { return engine.db.Run(kLock); }

Result<MergeReport> MergeDelta(Engine& engine, ByteSource& in) {
  return MergeFrom(engine, in, nullptr);
}

Result<MergeReport> MergePartOf(Engine& engine, ByteSource& in, const PartOrigin& origin) {
  return MergeFrom(engine, in, &origin);
}

Status SkipPart(Engine& engine, const PartOrigin& origin) {
  REJOIN_TRY(RefuseInTheMiddle(engine));
  REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(engine.db));
  REJOIN_TRY(TakeWriteLock(engine));
  REJOIN_ASSIGN(const ResumePoint point, ReadPoint(engine, origin.peer));
  // Everybody is past the beginning, but who asked for less than what is missing now.
  REJOIN_ASSIGN(const bool incomplete, IsIncomplete(engine));
  const bool past =
      origin.from.empty() ? !incomplete || origin.for_everything : point == origin.from;
  if (past) REJOIN_TRY(WritePoint(engine, origin.peer, origin.until));
  return savepoint.Release();
}

}  // namespace rejoin
