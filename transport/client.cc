#include "transport/client.h"

#include <algorithm>

#include "base/os.h"

namespace rejoin {
namespace {

// For a frame to find room in the queue: a peer that takes nothing for so long is gone.
constexpr std::uint64_t kSendTimeoutMs = 60'000;
// About what a slice of a digest takes.
constexpr std::uint64_t kSliceRestMs = 5;
// Frames taken before the caller gets a word in.
constexpr int kMaxFramesPerStep = 64;

Instant Now() { return {SystemClock().SteadyMs(), SystemClock().WallMs()}; }

}  // namespace

Client::Client(Network& network, const Url& url, SyncStore& store, SessionOptions options, StoreTurn* turn)
    : url_(url.Text()),
      turn_(turn),
      link_(network, url),
      session_(store, SystemRandom(), std::move(options)) {}

Status Client::Step(std::uint64_t wait_ms) {
  if (!open_) {
    REJOIN_ASSIGN(open_, link_.WaitOpen(wait_ms));
    if (!open_) return {};
  }
  if (const std::uint64_t left_ms = BreakLeftMs(); left_ms > 0) {
    link_.Rest(std::min(wait_ms, left_ms));
    return {};
  }
  const std::uint64_t heard_bytes = session_.report().bytes_received;
  REJOIN_TRY(Advance());
  // What had come already may be all that the caller waits for.
  if (session_.report().bytes_received != heard_bytes) return {};
  if (frame_ || session_.blocked() || session_.NeedsStore()) {
    // Another one uses the store.
    link_.Rest(std::min(wait_ms, Session::kRetryMs));
    return {};
  }
  if (session_.WantsSlice()) return Compare(wait_ms);
  REJOIN_ASSIGN(frame_, link_.Receive(wait_ms));
  return frame_ ? Advance() : Status();
}

// One slice. Who takes turns lets the others have as much of the store.
Status Client::Compare(std::uint64_t wait_ms) {
  const std::optional<Result<bool>> sliced = InTurn([this] { return session_.Slice(Now()); });
  if (sliced && !*sliced) return End(sliced->error());
  if (!sliced || !**sliced) {
    link_.Rest(std::min(wait_ms, Session::kRetryMs));
  } else if (turn_ != nullptr) {
    link_.Rest(std::min(wait_ms, kSliceRestMs));
  }
  return {};
}

// As far as it goes without waiting, but not for ever.
Status Client::Advance() {
  for (int i = 0; i < kMaxFramesPerStep && BreakLeftMs() == 0; ++i) {
    if (session_.blocked()) {
      const std::optional<Status> resumed = InTurn([this] { return session_.Resume(Now()); });
      if (resumed && !*resumed) return End(resumed->error());
      if (session_.blocked()) return {};
    }
    REJOIN_TRY(SendAll());
    if (!frame_) {
      REJOIN_ASSIGN(frame_, link_.Receive(0));
    }
    if (!frame_) return {};
    const std::optional<Status> taken = InTurn([this] { return session_.OnFrame(*frame_, Now()); });
    if (!taken) return {};
    frame_.reset();
    if (!*taken) return End(taken->error());
  }
  return SendAll();
}

std::uint64_t Client::BreakLeftMs() const { return breaks_.LeftMs(Now().steady_ms); }

template <class Work>
auto Client::InTurn(Work work) -> std::optional<decltype(work())> {
  if (turn_ != nullptr && !turn_->Take()) return std::nullopt;
  const TurnTaken taken(turn_);
  const std::uint64_t begin_ms = Now().steady_ms;
  auto done = work();
  breaks_.Used(begin_ms, Now().steady_ms);
  return done;
}

Status Client::SendAll() {
  for (;;) {
    // A frame may have to wait for the disk and for room, which is not done with the store
    // in our hands.
    if (session_.NeedsStore()) {
      if (BreakLeftMs() > 0) return {};
      const std::optional<Status> used = InTurn([this] { return session_.UseStore(Now()); });
      if (!used) return {};
      if (!*used) return End(used->error());
      if (session_.NeedsStore()) return {};  // somebody writes at this moment
    }
    Result<std::optional<Bytes>> frame = session_.NextFrame(Now());
    if (!frame) return End(frame.error());
    if (!*frame) return {};
    const Status sent = link_.Send(std::move(**frame), kSendTimeoutMs);
    if (!sent) return Lost(sent.error());
  }
}

// What the peer said before it closed tells more than that it did.
Status Client::Lost(const Error& why) {
  for (;;) {
    if (!frame_) {
      Result<std::optional<Bytes>> next = link_.Receive(0);
      if (!next || !*next) return tl::unexpected(why);
      frame_ = std::move(*next);
    }
    const Result<Message> message = DecodeMessage(*frame_);
    const bool is_bye = message && std::holds_alternative<Bye>(*message);
    const Status taken = is_bye ? session_.OnFrame(*frame_, Now()) : Status();
    frame_.reset();
    if (!taken) return End(taken.error());
  }
}

Status Client::End(const Error& why) {
  for (;;) {
    Result<std::optional<Bytes>> last = session_.NextFrame(Now());
    if (!last || !*last) break;
    if (!link_.Send(std::move(**last), 1000)) break;
  }
  link_.Close(CloseCode::kDone, "");
  return Fail(why.code, url_ + ": " + why.message);
}

}  // namespace rejoin
