// What arrives: parts are gathered, joined and acknowledged.
#include "replica/locked.h"
#include "replica/session.h"

namespace rejoin {

Status Session::OnChunk(const Chunk& chunk, Instant now) {
  const bool in_order = chunk.first ? !gathering_ && chunk.part == parts_received_ + 1
                                    : gathering_ && chunk.part == parts_received_;
  if (!in_order) return Fail(Code::kProtocol, "the peer sent parts out of order");
  return TakeChunk(chunk, now);
}

Status Session::TakeChunk(const Chunk& chunk, Instant now) {
  if (chunk.first) {
    gathering_ = true;
    ++parts_received_;
    gathered_ask_ = chunk.ask;
    ignoring_ = chunk.ask != static_cast<std::uint64_t>(asks_);
    origin_ = {report_.peer, chunk.from, {}, false, asked_for_everything_};
    incoming_.Clear();
  }
  if (!ignoring_) REJOIN_TRY(Gather(chunk.bytes));
  if (!chunk.last) return {};
  if (ignoring_) {
    gathering_ = false;
    return {};
  }
  origin_.until = chunk.until;
  origin_.partial = chunk.partial;
  more_ = chunk.more;
  report_.received_permille = chunk.more ? chunk.done_permille : 1000;
  return Join(now);
}

Status Session::Gather(ByteView bytes) {
  if (bytes.size() > options_.max_part_bytes - incoming_.size_bytes()) {
    return Fail(Code::kLimit, "a part has more than " + std::to_string(options_.max_part_bytes) +
                                  " bytes, the most that is taken at a time; write less in one "
                                  "transaction");
  }
  return incoming_.Append(bytes);
}

Status Session::Join(Instant now) {
  incoming_.Rewind();
  if (incoming_.size_bytes() > 0) {
    const Result<bool> judges = MayJudge(now);
    if (!judges) return AfterJoin(tl::unexpected<Error>(judges.error()), now);
    if (*judges) origin_.newest = HybridTimestamp::FromWall(now.wall_ms + BoundMs());
    return AfterJoin(store_.MergePart(incoming_, origin_), now);
  }
  // Nothing but a point: not worth waiting for a lock, unless the next part begins there.
  const Status skipped = store_.SkipTo(origin_);
  if (!skipped && (more_ || !IsLocked(skipped.error()))) {
    return AfterJoin(tl::unexpected<Error>(skipped.error()), now);
  }
  return AfterJoin(MergeReport(), now);
}

Status Session::AfterJoin(const Result<MergeReport>& joined, Instant now) {
  if (!joined && IsLocked(joined.error())) {
    pending_ = Pending::kJoin;
    return {};
  }
  gathering_ = false;
  incoming_.Clear();
  if (!joined && joined.error().code == Code::kNotCovered) return AskAgain(joined.error());
  if (!joined) return tl::unexpected(joined.error());
  // Who asked for all of it, though it covers that, does not hold what its vector says.
  if (!peer_asked_all_ || answered_) peer_has_.Join(joined->sender_has);
  report_.rows_received += joined->rows_changed;
  report_.conflicts += joined->conflicts;
  report_.quarantined = joined->quarantined;
  if (joined->too_new) return RefuseTooNew(*joined->too_new, now);
  // It may have been asked anew since the part began.
  const bool answers = gathered_ask_ == static_cast<std::uint64_t>(asks_);
  received_all_ = received_all_ || (answers && !more_);
  // Nothing of it is news to the peer, but a server that has not looked answers no comparison.
  if (options_.is_server) may_have_news_ = true;
  unsettled_ = options_.durable;
  Queue(Ack{parts_received_, options_.durable});
  return {};
}

Status Session::AskAgain(const Error& why) {
  if (asks_ >= kMaxAsks) return tl::unexpected(why);
  return AskAnew();
}

Status Session::AskAnew() {
  REJOIN_TRY(WaitIfLocked(Pending::kAsk, Answer(stage_ == Stage::kRepairing)));
  if (blocked()) return {};
  // An Echo that is on its way is about an answer of which a part was not joined.
  const bool awaited = probes_ > echoed_;
  first_valid_probe_ = probes_ + 1;
  if (awaited) SendProbe();
  return {};
}

std::uint64_t Session::SendProbe() {
  if (closed_) return ++probes_;
  Queue(Probe{++probes_});
  return probes_;
}

Status Session::OnEcho(const Echo& echo) {
  if (echo.number <= echoed_ || echo.number > probes_) {
    return Fail(Code::kProtocol, "the peer sent an Echo that it was not asked for");
  }
  if (echo.number >= first_valid_probe_) echoed_ = echo.number;
  return {};
}

}  // namespace rejoin
