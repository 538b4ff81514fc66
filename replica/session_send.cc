// What leaves: the answer to the peer's Ask, for as long as the conversation lasts.
#include <algorithm>

#include "replica/locked.h"
#include "replica/session.h"

namespace rejoin {

Status Session::OnAsk(const Ask& ask, Instant now) {
  if (asked_ && ask.number <= asked_->number) {
    return Fail(Code::kProtocol, "the peer repeated an Ask");
  }
  // Each may cost a look at everything.
  if (ask.number > static_cast<std::uint64_t>(kMaxAsks)) {
    return Fail(Code::kProtocol, "the peer asks again and again");
  }
  if (ask.room.IsSet()) {
    const Status agreed = store_.SetRoom(ask.room);
    // A lock is not waited for here: the next Hello tells it again.
    if (!agreed && !IsLocked(agreed.error())) return agreed;
  }
  const bool is_first = !asked_;
  asked_ = ask;
  answered_ = false;
  may_have_news_ = true;
  seen_head_.reset();
  told_.reset();
  peer_at_ = looked_to_ = ask.point;
  peer_has_ = ask.vector;
  // What is on its way answers an earlier Ask, and is ignored there.
  peer_asked_all_ = peer_asked_all_ || (stage_ == Stage::kRepairing && ask.vector.empty());
  if (!is_first) return {};
  correction_.peer_has = ask.vector;
  return CorrectStore(now);
}

Status Session::OnAck(const Ack& ack) {
  const std::uint64_t on_its_way = parts_sent_ - (sending_ ? 1 : 0);
  if (ack.part > on_its_way) return Fail(Code::kProtocol, "the peer acknowledged a part that was not sent");
  while (!unacknowledged_.empty() && unacknowledged_.front().part <= ack.part) {
    acked_ = unacknowledged_.front().head;
    if (ack.durable) acked_durably_ = acked_;
    unacknowledged_.pop_front();
  }
  return {};
}

Status Session::OnProbe(const Probe& probe) {
  const Result<Cursor> head = store_.Head();
  if (!head && head.error().code != Code::kBusy) return tl::unexpected(head.error());
  probe_ = probe;
  probe_head_ = head.value_or(Cursor{});
  may_have_news_ = true;
  return {};
}

// What was here when the Probe came stands before its Echo, in the queue or on the wire.
// Were all that has come since waited for, steady writing would put it off for ever.
void Session::EchoIfSent() {
  if (!probe_ || closed_ || sending_ || !answered_ || !told_) return;
  const bool in_order = probe_head_ != Cursor{} && told_->epoch == probe_head_.epoch;
  const bool sent = !may_have_news_ || (in_order && told_->position >= probe_head_.position);
  if (!sent) return;
  Queue(Echo{probe_->number});
  probe_.reset();
}

bool Session::SentAll() const {
  return answered_ && !sending_ && unacknowledged_.empty() && !may_have_news_;
}

std::optional<PeerAcknowledgement> Session::PeerHas() const {
  if (!acked_ || !answered_ || sending_ || !unacknowledged_.empty()) return std::nullopt;
  return PeerAcknowledgement{peer_at_, peer_has_, acked_ == acked_durably_};
}

bool Session::MayExtract() const {
  return asked_ && may_have_news_ && !blocked() && unacknowledged_.size() < kMaxUnacknowledged;
}

Status Session::Extract() {
  const Result<Cursor> head = store_.Head();
  // The host calls again: somebody writes at this moment.
  if (!head && IsLocked(head.error())) return {};
  if (!head) return tl::unexpected<Error>(head.error());
  if (answered_ && seen_head_ == *head) {
    may_have_news_ = false;
    return {};
  }
  outgoing_.Clear();
  PartRequest request{looked_to_, peer_has_, part_bytes_};
  Result<PartReport> part = store_.ExtractPart(request, outgoing_);
  if (!part && part.error().code == Code::kNotCovered && !request.from.empty()) {
    peer_at_.clear();
    looked_to_.clear();
    request.from.clear();
    outgoing_.Clear();
    part = store_.ExtractPart(request, outgoing_);
  }
  if (!part) {
    const Code code = part.error().code;
    outgoing_.Clear();
    if (IsLocked(part.error())) return {};
    // Rows are missing here, which the peer may be about to send.
    const bool may_come = !received_all_ && !asked_->vector.empty();
    if (code == Code::kNotCovered && may_come) return {};
    return tl::unexpected(part.error());
  }
  if (!part->more) told_ = part->head;
  const bool is_answer = !answered_;
  const std::uint64_t seen = seen_head_ ? seen_head_->position : 0;
  const std::uint64_t lag = part->head.position - std::min(part->head.position, seen);
  if (part->nothing && !part->more && !is_answer && lag < kMaxLag) {
    may_have_news_ = false;
    looked_to_ = part->until;
    // What was nothing for the peer is acknowledged with everything before it.
    if (!unacknowledged_.empty()) {
      unacknowledged_.back().head = part->head;
    } else {
      acked_ = part->head;
      if (acked_durably_) acked_durably_ = acked_;
    }
    return {};
  }
  TakePart(std::move(*part), is_answer);
  return {};
}

void Session::TakePart(PartReport part, bool is_answer) {
  ++parts_sent_;
  unsettled_ = options_.durable;
  seen_head_ = part.head;
  may_have_news_ = part.more;
  answered_ = !part.more && (is_answer || answered_);
  report_.rows_sent += part.rows;
  if (!part.partial) peer_has_.Join(part.end);
  // In the middle of a first sync the peer is nowhere in our order.
  unacknowledged_.push_back({parts_sent_, part.more ? acked_.value_or(Cursor{}) : part.head});
  sending_ = std::move(part);
  sending_ask_ = asked_->number;
  sending_from_ = peer_at_;
  sending_first_ = true;
}

Result<Bytes> Session::NextChunk() {
  Chunk chunk;
  chunk.part = parts_sent_;
  chunk.first = sending_first_;
  chunk.ask = sending_ask_;
  if (chunk.first) chunk.from = sending_from_;
  REJOIN_ASSIGN(chunk.bytes, outgoing_.Next(kMaxChunkBytes));
  chunk.last = outgoing_.at_end();
  if (chunk.last) {
    chunk.partial = sending_->partial;
    chunk.more = sending_->more;
    chunk.done_permille = sending_->done_permille;
    report_.sent_permille = chunk.more ? chunk.done_permille : 1000;
    chunk.nothing = sending_->nothing;
    chunk.until = sending_->until;
  }
  Bytes frame = EncodeMessage(chunk);
  sending_first_ = false;
  if (chunk.last) {
    if (sending_ask_ == asked_->number) peer_at_ = looked_to_ = sending_->until;
    sending_.reset();
    outgoing_.Clear();
  }
  return frame;
}

}  // namespace rejoin
