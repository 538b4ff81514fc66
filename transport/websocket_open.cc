// How a WebSocketLink opens, from either end.
#include "transport/websocket_link.h"

#include <utility>

#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream_base.hpp>

#include "base/os.h"
#include "transport/wording.h"

namespace rejoin {
namespace {

// A client masks what it sends, piece by piece in a buffer of this size.
constexpr std::size_t kMaskBytes = std::size_t{1} << 16;

bool IsHangUp(const error_code& failed) {
  return failed == asio::error::eof || failed == http::error::end_of_stream ||
         failed == http::error::partial_message;
}

bool IsForeign(const error_code& failed) {
  return failed.category() == make_error_code(http::error::bad_version).category() ||
         failed.category() == make_error_code(websocket::error::closed).category();
}

}  // namespace

std::uint64_t NowMs() { return SystemClock().SteadyMs(); }

std::string WordsOf(const error_code& failed) { return IsHangUp(failed) ? "" : failed.message(); }

void WebSocketLink::Begin() {
  loop_->Join(shared_from_this());
  joined_ = true;
  SetDeadline(options_.open_timeout_ms);
}

void WebSocketLink::Dial(const Url& url) {
  if (loop_->stopping()) return Finish(ClosedHere(peer_, "the network has stopped"));
  if (const Status room = CheckRoom(room_); !room) return Finish(room.error());
  Guarded([&] {
    Begin();
    const auto dialer = std::make_shared<Dialer>(
        loop_, url, deadline_, [self = shared_from_this()](Result<TcpSocket> socket) {
          self->dialer_ = nullptr;
          if (!socket) return self->Finish(socket.error());
          self->Guarded([&] { self->Handshake(std::move(*socket)); });
        });
    dialer_ = dialer;
    dialer->Start();
  });
}

void WebSocketLink::SetUp(TcpSocket socket) {
  auto& stream = stream_.emplace(ByteStream(std::move(socket)));
  stream.next_layer().on_teardown = [this] { OnEndedByPeer(BrokeProtocol(peer_)); };
  stream.binary(true);
  stream.auto_fragment(false);
  stream.write_buffer_bytes(kMaskBytes);
  stream.read_message_max(0);  // OnRead counts, and says why
  stream.control_callback([this](websocket::frame_type kind, beast::string_view) {
    pulse_.OnHeard(NowMs());
    if (kind != websocket::frame_type::close) return;
    const auto& said = stream_->reason();
    OnEndedByPeer(ClosedByPeer(peer_, said.code, {said.reason.data(), said.reason.size()}));
  });
}

void WebSocketLink::Handshake(TcpSocket socket) {
  SetUp(std::move(socket));
  stream_->set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
    request.set(http::field::sec_websocket_protocol, kSubprotocol);
    request.set(http::field::user_agent, "rejoin");
  }));
  auto response = std::make_shared<websocket::response_type>();
  stream_->async_handshake(*response, peer_, "/" + room_,
                           [self = shared_from_this(), response](const error_code& failed) {
                             self->Then(&WebSocketLink::OnHandshake)(failed, *response);
                           });
}

void WebSocketLink::OnHandshake(const error_code& failed, const websocket::response_type& response) {
  if (failed == websocket::error::upgrade_declined) {
    return Finish(AnsweredPage(peer_, response.result_int(), response.body()));
  }
  if (failed && !IsHangUp(failed) && IsForeign(failed)) return Finish(NotWebSocket(peer_));
  if (failed) return Finish(WasCut(peer_, WordsOf(failed)));
  const auto protocol = response[http::field::sec_websocket_protocol];
  if (protocol != kSubprotocol) {
    return Fail(websocket::close_code::protocol_error, WithoutSubprotocol(peer_));
  }
  Open();
}

void WebSocketLink::Accept(TcpSocket socket, std::shared_ptr<const UpgradeRequest> request,
                           std::shared_ptr<void> place, std::optional<Error> refusal) {
  place_ = std::move(place);
  Guarded([&] {
    Begin();
    SetUp(std::move(socket));
    Answer(std::move(request), std::move(refusal));
  });
}

void WebSocketLink::Answer(std::shared_ptr<const UpgradeRequest> request,
                           std::optional<Error> refusal) {
  stream_->set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(http::field::sec_websocket_protocol, kSubprotocol);
    response.set(http::field::server, "rejoin");
  }));
  const auto& head = *request;
  stream_->async_accept(head, [self = shared_from_this(), kept = std::move(request),
                               why_not = std::move(refusal)](const error_code& failed) {
    self->Then(&WebSocketLink::OnAccepted)(failed, why_not);
  });
}

void WebSocketLink::OnAccepted(const error_code& failed, const std::optional<Error>& refusal) {
  if (failed && !IsHangUp(failed) && IsForeign(failed)) return Finish(BrokeProtocol(peer_));
  if (failed) return Finish(WasCut(peer_, WordsOf(failed)));
  if (!refusal) return Open();
  Fail(static_cast<std::uint16_t>(CloseCodeOf(*refusal)), *refusal);
}

void WebSocketLink::Open() {
  phase_ = Phase::kOpen;
  pulse_ = Pulse(options_, NowMs());
  handler_->OnOpen(shared_from_this());
  GoOnReading();
  Write();
  WatchPeer();
}

}  // namespace rejoin
