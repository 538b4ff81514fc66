// The sockets of this layer: what Asio has, opened so that a host program is not
// surprised. They are not inherited by programs that the host executes, do not
// wait for more bytes before they send (TCP_NODELAY), and raise no SIGPIPE.
//
// Private to transport/: this header brings Boost.Asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/status.h"

namespace rejoin {

namespace asio = boost::asio;
using boost::system::error_code;
using Endpoint = asio::ip::tcp::endpoint;
using Executor = asio::io_context::executor_type;
using TcpSocket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

// The byte stream under a WebSocket. TLS would be another one of this kind: it
// has to read and write some bytes, and to have an async_teardown (websocket_link.cc).
class ByteStream : public TcpSocket {
 public:
  explicit ByteStream(TcpSocket socket) : TcpSocket(std::move(socket)) {}
  // Called when the WebSocket has said all, and waits for the peer to hang up.
  std::function<void()> on_teardown;
};

// A socket that is open and not connected.
error_code OpenSocket(const Endpoint& like, TcpSocket& socket);
// Listens at once; a port of 0 becomes one that is free.
error_code OpenAcceptor(const Endpoint& at, TcpAcceptor& acceptor);
// would_block where nobody waits; too_many_files_open and the like where the
// system has run out of something. `address` is the visitor's, with its port.
error_code AcceptFrom(TcpAcceptor& acceptor, TcpSocket& socket, std::string& address);

std::string AddressText(const Endpoint& endpoint);

}  // namespace rejoin
