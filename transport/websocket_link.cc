#include "transport/websocket_link.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "transport/delay.h"
#include "transport/wording.h"

namespace rejoin {
namespace {

// Room for the first bytes of a frame. It doubles as they come.
constexpr std::size_t kFirstReadBytes = 4096;

LinkOptions Fitted(LinkOptions options) {
  options.max_frame_bytes = std::min(options.max_frame_bytes, kLargestFrameBytes);
  options.ping_after_ms = std::clamp<std::uint64_t>(options.ping_after_ms, 1, kLongestDelayMs);
  options.silence_ms = std::clamp<std::uint64_t>(options.silence_ms, 2, kLongestDelayMs);
  return options;
}

}  // namespace

WebSocketLink::WebSocketLink(std::shared_ptr<Loop> loop, const LinkOptions& options,
                             std::string peer, std::string room,
                             std::shared_ptr<LinkHandler> handler)
    : loop_(std::move(loop)), options_(Fitted(options)), peer_(std::move(peer)),
      room_(std::move(room)), queue_(options_), handler_(std::move(handler)),
      timer_(loop_->context()), pulse_(options_, NowMs()) {}

// ---- Reading

void WebSocketLink::ResumeReading() {
  paused_ = false;
  loop_->Post([self = shared_from_this()] {
    if (self->phase_ != Phase::kOpen || self->reading_) return;
    self->pulse_.OnListening(NowMs());
    self->Guarded([&] { self->GoOnReading(); });
    if (self->phase_ == Phase::kOpen) self->Guarded([&] { self->WatchPeer(); });
  });
}

// Hands over what waits, then asks for more; unless paused.
void WebSocketLink::GoOnReading() {
  if (phase_ != Phase::kOpen || reading_ || paused_) return;
  if (whole_) {
    whole_ = false;
    if (!queue_.closed()) handler_->OnFrame(TakeFrame());
    if (phase_ != Phase::kOpen || paused_) return;
  }
  Read();
}

void WebSocketLink::Read() {
  // One byte beyond the limit shows that it is passed.
  if (filled_ == frame_.size()) {
    frame_.resize(std::min(options_.max_frame_bytes + 1, std::max(kFirstReadBytes, 2 * filled_)));
  }
  reading_ = true;
  stream_->async_read_some(asio::buffer(frame_.data() + filled_, frame_.size() - filled_),
                           Then(&WebSocketLink::OnRead));
}

void WebSocketLink::OnRead(const error_code& failed, std::size_t count) {
  reading_ = false;
  if (failed && phase_ == Phase::kClosing) {
    if (!sending_close_) Finish(*close_error_);  // else async_close tells the end
    return;
  }
  if (failed == asio::error::operation_aborted) return;  // what aborted it tells
  if (failed) return Finish(WasCut(peer_, WordsOf(failed)));
  pulse_.OnHeard(NowMs());
  if (phase_ == Phase::kClosing) {
    filled_ = 0;
    if (!sending_close_) Read();
    return;
  }
  filled_ += count;
  if (!stream_->got_binary()) return Fail(kCloseUnsupportedData, SentText(peer_));
  if (filled_ > options_.max_frame_bytes) {
    return Fail(kCloseTooBig, SentTooMuch(peer_, options_.max_frame_bytes));
  }
  if (!stream_->is_message_done()) return Read();
  whole_ = true;
  GoOnReading();
}

// A small frame gets bytes of its own, since who keeps many counts their sizes.
Bytes WebSocketLink::TakeFrame() {
  const std::size_t size = std::exchange(filled_, 0);
  if (size <= frame_.size() / 2) return frame_.substr(0, size);
  frame_.resize(size);
  return std::exchange(frame_, Bytes());
}

// ---- Writing

Sent WebSocketLink::Send(std::shared_ptr<const Bytes> frame) {
  bool first = false;
  const Sent sent = queue_.Push(std::move(frame), first);
  if (first) {
    loop_->Post([self = shared_from_this()] {
      if (self->phase_ == Phase::kOpen) self->Guarded([&] { self->Write(); });
    });
  }
  return sent;
}

// The next frame; the close frame behind the last.
void WebSocketLink::Write() {
  if (writing_ || sending_close_) return;
  const SendQueue::Frame frame = queue_.Front();
  if (frame == nullptr) {
    if (phase_ == Phase::kClosing) SendClose();
    return;
  }
  writing_ = true;
  stream_->async_write(asio::buffer(*frame), [self = shared_from_this(), frame](
                                                 const error_code& failed, std::size_t) {
    self->Then(&WebSocketLink::OnWritten)(failed);
  });
}

void WebSocketLink::OnWritten(const error_code& failed) {
  writing_ = false;
  if (failed == asio::error::operation_aborted) return;  // what aborted it tells
  if (failed) return Finish(phase_ == Phase::kClosing ? *close_error_ : WasCut(peer_, WordsOf(failed)));
  pulse_.OnSent(NowMs());
  if (queue_.Pop() && phase_ == Phase::kOpen) handler_->OnWritable();
  if (phase_ != Phase::kClosed) Write();
}

void WebSocketLink::Signal(bool ask) {
  signalling_ = true;
  auto then = [self = shared_from_this()](const error_code& failed) {
    self->signalling_ = false;
    if (!failed) self->pulse_.OnSent(NowMs());
    if (failed && failed != asio::error::operation_aborted && self->phase_ == Phase::kOpen) {
      self->Finish(WasCut(self->peer_, WordsOf(failed)));
    }
  };
  if (ask) {
    stream_->async_ping(websocket::ping_data(), std::move(then));
  } else {
    stream_->async_pong(websocket::ping_data(), std::move(then));
  }
}

// ---- Closing

void WebSocketLink::Close(CloseCode code, std::string_view reason, Unsent unsent) {
  if (!queue_.Close(unsent)) return;
  loop_->Post([self = shared_from_this(), code, words = OneLine(reason, kMaxCloseReasonBytes)] {
    self->Guarded([&] {
      self->BeginClosing(static_cast<std::uint16_t>(code), words, ClosedHere(self->peer_, words));
    });
  });
}

void WebSocketLink::Fail(std::uint16_t code, Error why) {
  queue_.Close(Unsent::kDrop);
  const std::string reason = OneLine(why.message, kMaxCloseReasonBytes);
  BeginClosing(code, reason, std::move(why));
}

void WebSocketLink::BeginClosing(std::uint16_t code, const std::string& reason, Error why) {
  if (phase_ == Phase::kClosing || phase_ == Phase::kClosed) return;
  if (!stream_ || !stream_->is_open()) return Finish(why);
  phase_ = Phase::kClosing;
  close_code_ = code;
  close_reason_ = reason;
  close_error_ = std::move(why);
  SetDeadline(options_.close_timeout_ms);
  Write();
  if (reading_ || sending_close_) return;
  filled_ = 0;
  Read();  // and forget: two sides that hand over must not wait for each other
}

void WebSocketLink::SendClose() {
  sending_close_ = true;
  const websocket::close_reason reason(static_cast<websocket::close_code>(close_code_),
                                       beast::string_view(close_reason_));
  stream_->async_close(reason, [self = shared_from_this()](const error_code&) {
    self->Finish(*self->close_error_);
  });
}

// The peer has said close, or nonsense and was told; Beast answers, and then tells
// whoever reads. Until it has, the peer may take its time, but not for ever.
void WebSocketLink::OnEndedByPeer(Error why) {
  if (phase_ != Phase::kOpen) return;
  queue_.Close(Unsent::kDrop);
  phase_ = Phase::kClosing;
  close_error_ = std::move(why);
  SetDeadline(options_.close_timeout_ms);
}

void WebSocketLink::End() { Close(CloseCode::kGoingAway, "the program ends", Unsent::kFlush); }

void WebSocketLink::Abort() { Finish(ClosedHere(peer_, "the network has stopped")); }

void WebSocketLink::Finish(const Error& why) {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  const Error error = why;  // it may be ours
  phase_ = Phase::kClosed;
  queue_.Clear();
  timer_.cancel();
  if (dialer_ != nullptr) std::exchange(dialer_, nullptr)->Cancel();
  error_code ignored;
  if (stream_) stream_->next_layer().close(ignored);
  if (const auto handler = std::exchange(handler_, nullptr)) {
    try {
      handler->OnClosed(error);
    } catch (...) {
      // Its last event: there is nothing left to close for it.
    }
  }
  place_ = nullptr;
  if (joined_) loop_->Leave(self);
}

// ---- Time

void WebSocketLink::SetDeadline(std::uint64_t after_ms) {
  deadline_ = std::chrono::steady_clock::now() + Delay(after_ms);
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled && std::chrono::steady_clock::now() >= self->deadline_) self->OnDeadline();
  });
}

void WebSocketLink::OnDeadline() {
  switch (phase_) {
    case Phase::kOpening: return Finish(DidNotOpen(peer_, options_.open_timeout_ms));
    case Phase::kOpen: return Guarded([this] { WatchPeer(); });
    case Phase::kClosing: return Finish(*close_error_);
    case Phase::kClosed: return;
  }
}

void WebSocketLink::WatchPeer() {
  const Pulse::Advice advice = pulse_.Next(NowMs(), reading_, writing_ || signalling_);
  if (advice.act == Pulse::Act::kGiveUp) return Finish(IsSilent(peer_, options_.silence_ms));
  if (advice.act != Pulse::Act::kWait && !signalling_) Signal(advice.act == Pulse::Act::kAsk);
  SetDeadline(advice.again_ms - std::min(advice.again_ms, NowMs()));
}

}  // namespace rejoin
