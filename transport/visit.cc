#include "transport/visit.h"

#include <cstring>
#include <optional>
#include <utility>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "transport/delay.h"
#include "transport/url.h"
#include "transport/wording.h"

namespace rejoin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

Page TextPage(http::status status, std::string body) {
  return Page{static_cast<unsigned>(status), std::string(kText), std::move(body) + "\n"};
}

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

bool Offers(const UpgradeRequest& request) {
  const auto offered = request[http::field::sec_websocket_protocol];
  return http::token_list{offered}.exists({kSubprotocol.data(), kSubprotocol.size()});
}

}  // namespace

Visit::Visit(std::shared_ptr<Loop> loop, TcpSocket socket, std::string address,
             std::shared_ptr<Acceptor> acceptor, const LinkOptions& options,
             std::shared_ptr<void> place, bool full)
    : loop_(std::move(loop)), socket_(std::move(socket)), address_(std::move(address)),
      acceptor_(std::move(acceptor)), options_(options), place_(std::move(place)),
      full_(full), timer_(loop_->context()), received_(kMaxHeadBytes) {
  parser_.header_limit(kMaxHeadBytes);
}

// The visitor is nothing to anybody yet, so where memory fails it just leaves.
template <class Function>
auto Visit::Then(Function function) {
  return [self = shared_from_this(), function](const error_code& failed, std::size_t) {
    if (self->left_) return;
    try {
      (self.get()->*function)(failed);
    } catch (...) {
      self->Leave();
    }
  };
}

void Visit::Start() {
  loop_->Join(shared_from_this());
  SetDeadline(options_.open_timeout_ms);
  http::async_read_header(socket_, received_, parser_, Then(&Visit::OnRequest));
}

void Visit::OnRequest(const error_code& failed) {
  if (failed.category() == make_error_code(http::error::bad_version).category() &&
      failed != http::error::end_of_stream && failed != http::error::partial_message) {
    return Answer(TextPage(http::status::bad_request, "This is no HTTP request."));
  }
  if (failed) return Leave();
  if (full_) {
    return Answer(TextPage(http::status::service_unavailable,
                           "There are as many connections here as there may be; come back later."));
  }
  const auto& request = parser_.get();
  if (websocket::is_upgrade(request)) return OnUpgrade();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return Answer(TextPage(http::status::method_not_allowed, "Only GET is answered here."));
  }
  const std::string_view target = View(request.target());
  Answer(PageFor(target.substr(0, target.find('?'))));
}

void Visit::OnUpgrade() {
  const auto& head = parser_.get();
  const std::string_view target = View(head.target());
  if (!Offers(head)) {
    return Answer(TextPage(http::status::bad_request,
                           "This is a Rejoin peer; its WebSockets speak the subprotocol " +
                               std::string(kSubprotocol) + ", which was not offered."));
  }
  // Whatever follows the head was sent before the answer, which no WebSocket does.
  if (target.empty() || target.front() != '/' || received_.size() != 0) {
    return Answer(TextPage(http::status::bad_request, "This is no request for a WebSocket."));
  }
  const Visitor visitor{address_, std::string(target.substr(1))};
  if (const Status room = CheckRoom(visitor.room); !room) {
    return Answer(TextPage(http::status::bad_request, room.error().message + "."));
  }
  auto handler = acceptor_->OnVisitor(visitor);
  auto request = std::make_shared<const UpgradeRequest>(parser_.release());
  std::optional<Error> refusal;
  if (!handler) refusal = std::move(handler.error());
  const auto link = std::make_shared<WebSocketLink>(loop_, options_, address_, visitor.room,
                                                    handler ? std::move(*handler) : nullptr);
  link->Accept(std::move(socket_), std::move(request), std::move(place_), std::move(refusal));
  Leave();
}

Page Visit::PageFor(std::string_view path) const {
  if (auto page = acceptor_->OnPage(path)) return std::move(*page);
  if (path == "/health") return TextPage(http::status::ok, "ok");
  if (path == "/") {
    return TextPage(http::status::ok,
                    "This is a Rejoin peer. Databases sync with it by ws://<this host and port>/<room>.");
  }
  return TextPage(http::status::not_found, "There is no such page here.");
}

void Visit::Answer(Page page) {
  response_.version(11);
  response_.result(page.status);
  response_.set(http::field::server, "rejoin");
  response_.set(http::field::content_type, page.content_type);
  response_.keep_alive(false);
  response_.body() = std::move(page.body);
  response_.prepare_payload();
  if (parser_.get().method() == http::verb::head) response_.body().clear();
  http::async_write(socket_, response_, Then(&Visit::OnAnswered));
}

// To close at once, with bytes unread, could take the answer away from the visitor.
void Visit::OnAnswered(const error_code& failed) {
  error_code gone = failed;
  if (!gone) socket_.shutdown(asio::socket_base::shutdown_send, gone);
  if (gone) return Leave();
  SetDeadline(kHangUpMs);
  received_.clear();
  WaitForHangUp();
}

void Visit::WaitForHangUp() {
  socket_.async_read_some(received_.prepare(kMaxHeadBytes),
                          [self = shared_from_this()](const error_code& failed, std::size_t) {
                            if (self->left_) return;
                            if (failed) return self->Leave();
                            self->WaitForHangUp();
                          });
}

void Visit::SetDeadline(std::uint64_t after_ms) {
  timer_.expires_after(Delay(after_ms));
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->Leave();
  });
}

void Visit::Leave() {
  if (std::exchange(left_, true)) return;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  place_ = nullptr;
  loop_->Leave(shared_from_this());
}

}  // namespace rejoin
