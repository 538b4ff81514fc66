#include "transport/client.h"

#include <algorithm>

#include "base/os.h"

namespace rejoin {
namespace {

// For a frame to find room in the queue: a peer that takes nothing for so long is gone.
constexpr std::uint64_t kSendTimeoutMs = 60'000;
// Frames taken between two looks at what there is to send.
constexpr int kMaxFramesPerStep = 64;

Instant Now() { return {SystemClock().SteadyMs(), SystemClock().WallMs()}; }

}  // namespace

Client::Client(Network& network, const Url& url, SyncStore& store, SessionOptions options)
    : url_(url.Text()), link_(network, url), session_(store, SystemRandom(), std::move(options)) {}

Status Client::Step(std::uint64_t wait_ms) {
  if (!open_) {
    REJOIN_ASSIGN(open_, link_.WaitOpen(wait_ms));
    if (!open_) return {};
  }
  if (session_.blocked()) {
    const Status resumed = session_.Resume(Now());
    if (!resumed) return End(resumed.error());
  }
  REJOIN_TRY(SendAll());
  for (int i = 0; i < kMaxFramesPerStep && !session_.blocked(); ++i) {
    REJOIN_ASSIGN(const std::optional<Bytes> frame, link_.Receive(i == 0 ? wait_ms : 0));
    if (!frame) break;
    const Status taken = session_.OnFrame(*frame, Now());
    if (!taken) return End(taken.error());
  }
  if (session_.blocked()) {
    // Another connection writes: the part that has come waits for it.
    link_.Rest(std::min(wait_ms, Session::kRetryMs));
  }
  return SendAll();
}

Status Client::SendAll() {
  for (;;) {
    Result<std::optional<Bytes>> frame = session_.NextFrame(Now());
    if (!frame) return End(frame.error());
    if (!*frame) return {};
    REJOIN_TRY(link_.Send(std::move(**frame), kSendTimeoutMs));
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
