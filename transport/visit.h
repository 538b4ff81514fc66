// What happens on an accepted socket until it is known what the visitor wants: a
// link, a page, or nothing that makes sense here.
//
// Private to transport/: this header brings Boost.Beast.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "transport/loop.h"
#include "transport/network.h"
#include "transport/socket.h"
#include "transport/websocket_link.h"

namespace rejoin {

class Visit final : public Activity, public std::enable_shared_from_this<Visit> {
 public:
  // `place` is let go of when the connection has ended. `full`: there is no room, and
  // the visitor is only told so.
  Visit(std::shared_ptr<Loop> loop, TcpSocket socket, std::string address,
        std::shared_ptr<Acceptor> acceptor, const LinkOptions& options,
        std::shared_ptr<void> place, bool full);
  // The loop's thread, as all else.
  void Start();

  void End() override { Leave(); }
  void Abort() override { Leave(); }

 private:
  // A head of a request is some hundred bytes; what is larger is no program of ours.
  static constexpr std::size_t kMaxHeadBytes = 8192;
  // How long a visitor that got a page may take to hang up.
  static constexpr std::uint64_t kHangUpMs = 2'000;

  void OnRequest(const error_code& failed);
  void OnUpgrade();
  Page PageFor(std::string_view path) const;
  void Answer(Page page);
  void OnAnswered(const error_code& failed);
  void WaitForHangUp();
  void SetDeadline(std::uint64_t after_ms);
  void Leave();
  template <class Function>
  auto Then(Function function);

  const std::shared_ptr<Loop> loop_;
  TcpSocket socket_;
  const std::string address_;
  const std::shared_ptr<Acceptor> acceptor_;
  const LinkOptions options_;
  std::shared_ptr<void> place_;
  const bool full_;
  Timer timer_;
  beast::flat_buffer received_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  bool left_ = false;
};

}  // namespace rejoin
