// The last net: do both sides, which cover the same, hold the same? (docs/protocol.md)
#include "base/hash.h"
#include "replica/locked.h"
#include "replica/session.h"

namespace rejoin {
namespace {

std::uint64_t HashOf(const VersionVector& vector) {
  Bytes bytes;
  PutVarint(bytes, vector.entries().size());
  for (const auto& [replica, time] : vector.entries()) {
    bytes.append(replica.View());
    PutFixed64(bytes, time.value);
  }
  return Hash64(bytes);
}

constexpr char kNotKnown[] = "each got all of the other, but more came, so whether both hold the same is not known yet";

}  // namespace

// All that each side had is at the other, and both said so.
bool Session::CaughtUp() const { return SentAll() && received_all_; }

bool Session::Comparing() const {
  const bool idle = stage_ == Stage::kOver || (options_.is_server && stage_ == Stage::kUndecided);
  return !closed_ && (!idle || remember_ || !finding_.empty());
}

bool Session::WantsSlice() const {
  if (closed_ || blocked() || report_.peer == ReplicaId()) return false;
  return remember_ || !finding_.empty() || MayGoOnComparing();
}

bool Session::MayGoOnComparing() const {
  switch (stage_) {
    case Stage::kUndecided:
      return !options_.is_server && CaughtUp();
    case Stage::kDue:
    case Stage::kMarking:
      return CaughtUp();
    case Stage::kAnswering:
      return !may_have_news_ || parts_sent_ != compared_parts_;
    case Stage::kRepairing:
      return !options_.is_server && peer_asked_all_ && CaughtUp();
    default:
      return false;
  }
}

Result<bool> Session::Slice(Instant now) {
  if (!WantsSlice()) return true;
  const Status done = GoOnComparing(now);
  if (done) return true;
  if (IsLocked(done.error())) return false;
  const Status closed = Close(done.error());
  return tl::unexpected(closed.error());
}

Status Session::GoOnComparing(Instant now) {
  if (remember_) {
    REJOIN_TRY(store_.RememberComparison(report_.peer, *remember_));
    remember_.reset();
  }
  if (!finding_.empty()) {
    REJOIN_TRY(store_.NoteFinding(finding_));
    finding_.clear();
  }
  if (!MayGoOnComparing()) return {};
  switch (stage_) {
    case Stage::kUndecided:
      return Decide(now);
    case Stage::kDue:
      return BeginMarking();
    case Stage::kRepairing:
      stage_ = Stage::kDue;  // once more, to see what came of it
      restarts_ = 0;
      return {};
    case Stage::kMarking:
    case Stage::kAnswering:
      return Mark(now);
    default:
      return {};
  }
}

Status Session::Decide(Instant now) {
  REJOIN_ASSIGN(const Comparison last, store_.ComparisonWith(report_.peer));
  const std::uint64_t interval_ms = last.settled ? kCompareIntervalMs : kCompareAgainMs;
  const bool lately = last.asked_ms != 0 && last.asked_ms <= now.wall_ms && now.wall_ms - last.asked_ms < interval_ms;
  stage_ = lately ? Stage::kOver : Stage::kDue;
  return {};
}

Status Session::BeginMarking() {
  REJOIN_ASSIGN(compared_head_, store_.Head());
  compared_parts_ = parts_sent_;
  if (told_ == compared_head_) {
    stage_ = Stage::kMarking;
  } else {
    may_have_news_ = true;  // of which nobody had told
  }
  return {};
}

// The peer must hold all that the digest is of, so nothing may go out or come in until it is told.
Result<bool> Session::HasMoved() {
  REJOIN_ASSIGN(const Cursor head, store_.Head());
  return head != compared_head_ || told_ != compared_head_ || parts_sent_ != compared_parts_;
}

Status Session::Mark(Instant now) {
  REJOIN_ASSIGN(bool moved, HasMoved());
  std::optional<StateMark> mark;
  if (!moved) {
    Result<std::optional<StateMark>> slice = store_.MarkState(options_.slice_rows);
    if (!slice && IsLocked(slice.error())) return tl::unexpected(slice.error());
    if (!slice) return GiveUp(slice.error().message, now);
    if (!*slice) return {};
    mark = std::move(**slice);
    moved = mark->head != compared_head_;
  }
  const bool asking = stage_ == Stage::kMarking;
  if (moved && asking && ++restarts_ <= kMaxRestarts) {
    stage_ = Stage::kDue;
    return {};
  }
  if (moved) return GiveUp("", now);
  if (!mark->whole) return GiveUp("", now);
  const Compare ours{asking ? Compare::Kind::kQuestion : Compare::Kind::kAnswer, HashOf(mark->vector), mark->digest};
  return asking ? AskWhether(ours, now) : AnswerWhether(ours);
}

Status Session::AskWhether(const Compare& ours, Instant now) {
  stage_ = Stage::kAsked;
  compared_ = ours;
  asked_ms_ = now.wall_ms;
  remember_ = Comparison{asked_ms_, false};
  Queue(ours);
  return {};
}

Status Session::AnswerWhether(const Compare& ours) {
  if (ours.vector != compared_.vector) return GiveUp("", {});
  Queue(ours);
  return Conclude(ours.digest == compared_.digest);
}

// Today there is no saying. `why`: the store's reason, where people should know it.
Status Session::GiveUp(const std::string& why, Instant now) {
  if (stage_ == Stage::kAnswering) {
    Queue(Compare{Compare::Kind::kNoAnswer, 0, {}});
  } else {
    // What holds back something large does so tomorrow as well.
    remember_ = Comparison{now.wall_ms, restarts_ <= kMaxRestarts};
  }
  stage_ = Stage::kOver;
  if (!why.empty()) return Find("the state here could not be compared: " + why);
  return repaired_ ? Find(kNotKnown) : Status();
}

// --- What the other side says -----------------------------------------------------------

Status Session::OnCompare(const Compare& compare) {
  if (compare.kind == Compare::Kind::kQuestion) return OnQuestion(compare);
  if (stage_ != Stage::kAsked) return Fail(Code::kProtocol, "the peer answered what it was not asked");
  if (compare.kind == Compare::Kind::kNoAnswer) {
    stage_ = Stage::kOver;
    return repaired_ ? Find(kNotKnown) : Status();
  }
  if (compare.vector != compared_.vector) return Fail(Code::kProtocol, "the peer compared another state");
  return Conclude(compare.digest == compared_.digest);
}

// Each may cost a look at everything: one, and one more after a repair.
Status Session::OnQuestion(const Compare& compare) {
  const bool due = stage_ == (repaired_ ? Stage::kRepairing : Stage::kUndecided);
  if (!options_.is_server || !due) return Fail(Code::kProtocol, "the peer compares again and again");
  stage_ = Stage::kAnswering;
  compared_ = compare;
  return BeginAnswering();
}

Status Session::BeginAnswering() {
  const Result<VersionVector> vector = store_.Vector();
  if (!vector) return WaitIfLocked(Pending::kQuestion, tl::unexpected<Error>(vector.error()));
  const Result<Cursor> head = store_.Head();
  if (!head) return WaitIfLocked(Pending::kQuestion, tl::unexpected<Error>(head.error()));
  const bool caught_up = answered_ && !sending_ && unacknowledged_.empty() && received_all_;
  if (!caught_up || HashOf(*vector) != compared_.vector) return GiveUp("", {});
  compared_head_ = *head;
  compared_parts_ = parts_sent_;
  return {};
}

Status Session::Conclude(bool equal) {
  stage_ = Stage::kOver;
  report_.compared = equal;
  if (equal || repaired_) {
    if (!options_.is_server) remember_ = Comparison{asked_ms_, true};
    if (!repaired_) return {};
    return Find(equal ? "after each got all of the other, both hold the same"
                      : "though each got all of the other, they differ still: run rejoin doctor on both");
  }
  REJOIN_TRY(Repair());
  return Find("both cover the same changes and hold different states: each gets all of the other once");
}

// Joins are idempotent, and nothing in them is skipped for being covered.
Status Session::Repair() {
  if (asks_ >= kMaxAsks) return {};
  stage_ = Stage::kRepairing;
  repaired_ = true;
  peer_asked_all_ = false;
  received_all_ = false;
  return AskAnew();
}

// A lock is not waited for: the next slice tries again.
Status Session::Find(const std::string& what) {
  const std::string name = report_.peer_name.empty() ? "" : " (" + report_.peer_name + ")";
  report_.finding = "compared with replica " + report_.peer.Hex() + name + ": " + what;
  const Status noted = store_.NoteFinding(report_.finding);
  if (!noted && IsLocked(noted.error())) finding_ = report_.finding;
  return noted || IsLocked(noted.error()) ? Status() : noted;
}

}  // namespace rejoin
