// A Link over Boost.Beast, for both ends. See link.h for what it promises.
//
// Private to transport/: this header brings Boost.Beast.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "transport/dialer.h"
#include "transport/link.h"
#include "transport/loop.h"
#include "transport/pulse.h"
#include "transport/send_queue.h"
#include "transport/socket.h"
#include "transport/url.h"

namespace rejoin {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

using UpgradeRequest = http::request<http::empty_body>;

// The system's words, and none where the peer just hung up.
std::string WordsOf(const error_code& failed);
// Milliseconds that only grow.
std::uint64_t NowMs();

class WebSocketLink final : public Link,
                            public Activity,
                            public std::enable_shared_from_this<WebSocketLink> {
 public:
  // `peer`: for messages and the Host field.
  WebSocketLink(std::shared_ptr<Loop> loop, const LinkOptions& options, std::string peer,
                std::string room, std::shared_ptr<LinkHandler> handler);

  // The loop's thread, one of them once. Whatever comes of it, OnClosed is the end.
  void Dial(const Url& url);
  // `place` is let go of when the link has closed. With a refusal the handshake is
  // finished only to say why not.
  void Accept(TcpSocket socket, std::shared_ptr<const UpgradeRequest> request,
              std::shared_ptr<void> place, std::optional<Error> refusal);

  // Where there is no loop to run on any more: the handler gets its OnClosed.
  void GiveUp(const Error& why) { Finish(why); }

  Sent Send(std::shared_ptr<const Bytes> frame) override;
  std::size_t QueuedBytes() const override { return queue_.bytes(); }
  void PauseReading() override { paused_ = true; }
  void ResumeReading() override;
  void Close(CloseCode code, std::string_view reason, Unsent unsent) override;
  const std::string& peer() const override { return peer_; }
  const std::string& room() const override { return room_; }

  void End() override;
  void Abort() override;

 private:
  enum class Phase { kOpening, kOpen, kClosing, kClosed };

  void Begin();
  void SetUp(TcpSocket socket);
  void Handshake(TcpSocket socket);
  void Answer(std::shared_ptr<const UpgradeRequest> request, std::optional<Error> refusal);
  void OnHandshake(const error_code& failed, const websocket::response_type& response);
  void OnAccepted(const error_code& failed, const std::optional<Error>& refusal);
  void Open();

  void GoOnReading();
  void Read();
  void OnRead(const error_code& failed, std::size_t count);
  Bytes TakeFrame();
  void Write();
  void OnWritten(const error_code& failed);
  void Signal(bool ask);

  // The peer is at fault, or has to hear something: says so, and closes.
  void Fail(std::uint16_t code, Error why);
  void BeginClosing(std::uint16_t code, const std::string& reason, Error why);
  void SendClose();
  void OnEndedByPeer(Error why);
  void Finish(const Error& why);

  void SetDeadline(std::uint64_t after_ms);
  void OnDeadline();
  void WatchPeer();

  // Calls a member with arguments, and closes the link where that throws.
  template <class Function>
  void Guarded(Function function);
  // A completion handler that keeps the link alive, calls the function and is guarded.
  template <class Function>
  auto Then(Function function);

  const std::shared_ptr<Loop> loop_;
  const LinkOptions options_;
  const std::string peer_;
  const std::string room_;

  // Any thread.
  SendQueue queue_;
  std::atomic<bool> paused_ = false;

  // The loop's thread only.
  std::shared_ptr<LinkHandler> handler_;  // nullptr once it got OnClosed, or when refusing
  std::shared_ptr<void> place_;
  bool joined_ = false;  // the loop
  Phase phase_ = Phase::kOpening;
  std::shared_ptr<Dialer> dialer_;
  std::optional<websocket::stream<ByteStream, false>> stream_;
  Timer timer_;
  std::chrono::steady_clock::time_point deadline_;
  Pulse pulse_;

  Bytes frame_;             // what came of it, and room for more
  std::size_t filled_ = 0;  // how much of frame_ has come
  bool whole_ = false;      // frame_ waits for ResumeReading
  bool reading_ = false;    // one of each operation at a time
  bool writing_ = false;
  bool signalling_ = false;

  // Set when closing begins.
  std::uint16_t close_code_ = 0;
  std::string close_reason_;
  std::optional<Error> close_error_;
  bool sending_close_ = false;
};

// Beast looks this up by its argument when all has been said on a WebSocket, and
// only the peer's end of the connection is waited for.
template <class Handler>
void async_teardown(beast::role_type role, ByteStream& stream, Handler&& handler) {
  if (stream.on_teardown) stream.on_teardown();
  websocket::async_teardown(role, static_cast<TcpSocket&>(stream), std::forward<Handler>(handler));
}

template <class Function>
void WebSocketLink::Guarded(Function function) {
  try {
    function();
  } catch (const std::bad_alloc&) {
    Finish({Code::kNoMemory, "the connection to " + peer_ + " was closed for lack of memory"});
  } catch (...) {
    Finish({Code::kInternal, "the connection to " + peer_ + " was closed: its handler failed"});
  }
}

template <class Function>
auto WebSocketLink::Then(Function function) {
  return [self = shared_from_this(), function](const auto&... results) {
    if (self->phase_ == Phase::kClosed) return;
    self->Guarded([&] { (self.get()->*function)(results...); });
  };
}

}  // namespace rejoin
