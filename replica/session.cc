#include "replica/session.h"

#include <algorithm>

#include "replica/locked.h"

namespace rejoin {

Session::Session(SyncStore& store, Random& random, SessionOptions options)
    : store_(store), random_(random), options_(std::move(options)), part_bytes_(options_.part_bytes) {}

Status Session::OnFrame(ByteView frame, Instant now) {
  if (closed_) return {};
  report_.bytes_received += frame.size();
  Result<Message> message = DecodeMessage(frame);
  if (!message) return Close(std::move(message.error()));
  const Status handled = Handle(*message, now);
  return handled ? handled : Close(handled.error());
}

Status Session::Handle(const Message& message, Instant now) {
  if (const auto* const bye = std::get_if<Bye>(&message)) return OnBye(*bye);
  if (const auto* const hello = std::get_if<Hello>(&message)) return OnHello(*hello, now);
  if (report_.peer == ReplicaId()) {
    return Fail(Code::kProtocol, "the peer began without a Hello; check that the URL leads to a Rejoin hub "
                                 "or device");
  }
  if (const auto* const ask = std::get_if<Ask>(&message)) return OnAsk(*ask, now);
  if (const auto* const ack = std::get_if<Ack>(&message)) return OnAck(*ack);
  if (const auto* const probe = std::get_if<Probe>(&message)) return OnProbe(*probe);
  if (const auto* const echo = std::get_if<Echo>(&message)) return OnEcho(*echo);
  if (const auto* const compare = std::get_if<Compare>(&message)) return OnCompare(*compare);
  return OnChunk(std::get<Chunk>(message), now);
}

Result<std::optional<Bytes>> Session::NextFrame(Instant now) {
  std::optional<Bytes> frame;
  if (NeedsStore()) {
    const Status used = UseStore(now);
    if (!used) return tl::unexpected(used.error());
  }
  if (!said_hello_ && !closed_) return frame;  // which comes before all others
  EchoIfSent();
  if (unsettled_ && !closed_ && (sending_ || !queue_.empty())) {
    const Status settled = store_.MakeDurable();
    if (!settled) {
      const Status closed = Close(settled.error());
      return tl::unexpected(closed.error());
    }
    unsettled_ = false;
  }
  if (!queue_.empty()) {
    frame = std::move(queue_.front());
    queue_.pop_front();
    ends_with_ack_ = ends_with_ack_ && !queue_.empty();
  } else if (sending_ && !closed_) {
    REJOIN_ASSIGN(frame, NextChunk());
  }
  if (frame) report_.bytes_sent += frame->size();
  return frame;
}

Status Session::UseStore(Instant now) {
  if (closed_) return {};
  Status used = said_hello_ ? Status() : SayHello(now);
  EchoIfSent();  // before there is more
  if (used && said_hello_ && NeedsStore()) used = Extract();
  return used ? used : Close(used.error());
}

// Not now where the store is locked: the host calls again.
Status Session::SayHello(Instant now) {
  const Result<Hello> hello = MakeHello(now);
  if (!hello && IsLocked(hello.error())) return {};
  said_hello_ = true;
  if (!hello) return tl::unexpected<Error>(hello.error());
  said_hello_ms_ = now.steady_ms;
  queue_.push_front(EncodeMessage(*hello));  // before whatever the peer made us say
  return {};
}

bool Session::NeedsStore() const {
  return !closed_ && (!said_hello_ || (queue_.empty() && !sending_ && MayExtract()));
}

Status Session::Resume(Instant now) {
  if (closed_) return {};
  const Status resumed = Do(std::exchange(pending_, Pending::kNothing), now);
  return resumed ? resumed : Close(resumed.error());
}

Status Session::Do(Pending what, Instant now) {
  switch (what) {
    case Pending::kNothing:
      break;
    case Pending::kBegin:
      return Begin();
    case Pending::kCorrect:
      return CorrectStore(now);
    case Pending::kAsk:
      return AskAnew();
    case Pending::kQuestion:
      return BeginAnswering();
    case Pending::kJoin:
      return Join(now);
  }
  return {};
}

Status Session::WaitIfLocked(Pending what, const Status& done) {
  if (done || !IsLocked(done.error())) return done;
  pending_ = what;
  return {};
}

// Tells the peer, and is the error to return.
Status Session::Close(Error error) {
  if (!closed_) {
    closed_ = true;
    pending_ = Pending::kNothing;
    queue_.clear();
    ends_with_ack_ = false;
    incoming_.Clear();
    outgoing_.Clear();
    // Who said Bye needs no answer.
    if (error.code != Code::kRefused) Queue(Bye{error.code, error.message});
  }
  return tl::unexpected(std::move(error));
}

void Session::Queue(const Message& message) {
  const bool is_ack = std::holds_alternative<Ack>(message);
  // It stands for those before it: a peer that sends and does not read would fill the queue.
  if (is_ack && ends_with_ack_) queue_.pop_back();
  queue_.push_back(EncodeMessage(message));
  ends_with_ack_ = is_ack;
}

// --- Getting to know each other --------------------------------------------------

Result<Hello> Session::MakeHello(Instant now) {
  Hello hello;
  REJOIN_ASSIGN(hello.replica, store_.Replica());
  REJOIN_ASSIGN(hello.room, store_.Room());
  hello.wall_ms = now.wall_ms;
  hello.durable = options_.durable;
  if (options_.keeps_time) {
    REJOIN_ASSIGN(hello.keeps_time, MayJudge(now));
  }
  hello.part_bytes = options_.part_bytes;
  hello.name = options_.name;
  hello.software = options_.software;
  return hello;
}

Status Session::OnHello(const Hello& hello, Instant now) {
  if (report_.peer != ReplicaId()) return Fail(Code::kProtocol, "the peer said Hello twice");
  if (hello.replica == ReplicaId()) return Fail(Code::kProtocol, "the peer has no id");
  report_.peer = hello.replica;
  report_.peer_name = hello.name;
  if (hello.part_bytes != 0) {
    const std::uint64_t wished = std::max<std::uint64_t>(hello.part_bytes, kMinPartBytes);
    part_bytes_ = static_cast<std::size_t>(std::min<std::uint64_t>(wished, options_.part_bytes));
  }
  report_.peer_ahead_ms = static_cast<std::int64_t>(hello.wall_ms) - static_cast<std::int64_t>(now.wall_ms);
  LearnTime(hello, now);
  room_told_ = hello.room;
  return Begin();
}

Status Session::Begin() {
  Status begun = RefuseItself();
  if (begun) begun = AgreeOnRoom(room_told_);
  if (begun) begun = Answer(false);
  return WaitIfLocked(Pending::kBegin, begun);
}

Status Session::RefuseItself() {
  REJOIN_ASSIGN(self_, store_.Replica());
  if (report_.peer != self_) return {};
  report_.peer = ReplicaId();  // so it counts as nobody who was here
  return Fail(Code::kProtocol, "the peer has the id of this replica: it is this file, or a copy of it that was "
                               "never written; connect it to another");
}

// Where neither has one, the server makes it, and tells it in its Ask.
Status Session::AgreeOnRoom(const RoomId& theirs) {
  if (theirs.IsSet()) return store_.SetRoom(theirs);
  REJOIN_ASSIGN(const RoomId ours, store_.Room());
  if (ours.IsSet() || !options_.is_server) return {};
  RoomId made;
  const ReplicaId drawn = ReplicaId::Random(random_.Draw64(), random_.Draw64());
  std::copy(drawn.bytes.begin(), drawn.bytes.end(), made.bytes.begin());
  return store_.SetRoom(made);
}

Status Session::Answer(bool for_everything) {
  Ask ask;
  ask.number = static_cast<std::uint64_t>(asks_) + 1;
  REJOIN_ASSIGN(ask.room, store_.Room());
  if (!for_everything) {
    REJOIN_ASSIGN(ask.vector, store_.Vector());
  }
  if (asks_ == 0) {
    REJOIN_ASSIGN(ask.point, store_.PointOf(report_.peer));
  }
  if (ask.vector.entries().size() > kMaxVectorEntries) {
    return Fail(Code::kLimit, "this replica knows of more than " + std::to_string(kMaxVectorEntries) +
                                  " replicas, the most that the protocol can tell");
  }
  ++asks_;
  asked_for_everything_ = ask.vector.empty();
  Queue(ask);
  return {};
}

Status Session::OnBye(const Bye& bye) {
  const std::string name = report_.peer_name.empty() ? "" : " " + report_.peer_name;
  return Fail(Code::kRefused, "the peer" + name + " closed: " + bye.reason);
}

}  // namespace rejoin
