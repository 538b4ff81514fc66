#include "transport/socket.h"

#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>

namespace rejoin {
namespace {

// Visitors that wait to be accepted; the kernel takes the smaller of this and its own bound.
constexpr int kBacklog = 1024;

error_code LastError() { return {errno, boost::system::system_category()}; }

// On systems without the flags another thread's fork may come in between.
int NewSocket(int family) {
#if defined(SOCK_CLOEXEC)
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
#else
  const int descriptor = ::socket(family, SOCK_STREAM, IPPROTO_TCP);
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
#endif
}

int NewVisitor(int listener, sockaddr* address, socklen_t* size) {
#if defined(SOCK_CLOEXEC)
  return ::accept4(listener, address, size, SOCK_CLOEXEC);
#else
  const int descriptor = ::accept(listener, address, size);
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
#endif
}

template <class Socket>
error_code Adopt(const Endpoint& like, int descriptor, Socket& socket) {
  error_code failed;
  socket.assign(like.protocol(), descriptor, failed);
  if (failed) ::close(descriptor);
  return failed;
}

template <class Socket>
error_code Open(const Endpoint& like, Socket& socket) {
  const int descriptor = NewSocket(like.protocol().family());
  if (descriptor < 0) return LastError();
  return Adopt(like, descriptor, socket);
}

// Some systems refuse options on a connection that is already gone; then its error comes next.
void SetOptions(TcpSocket& socket) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
#if defined(SO_NOSIGPIPE)  // elsewhere Asio says MSG_NOSIGNAL
  const int yes = 1;
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
}

}  // namespace

error_code OpenSocket(const Endpoint& like, TcpSocket& socket) {
  const error_code failed = Open(like, socket);
  if (!failed) SetOptions(socket);
  return failed;
}

error_code OpenAcceptor(const Endpoint& at, TcpAcceptor& acceptor) {
  error_code failed = Open(at, acceptor);
  // A hub that starts again need not wait for the connections of its last life.
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  if (!failed && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), failed);
  if (!failed) acceptor.non_blocking(true, failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(kBacklog, failed);
  return failed;
}

error_code AcceptFrom(TcpAcceptor& acceptor, TcpSocket& socket, std::string& address) {
  Endpoint from;
  auto size = static_cast<socklen_t>(from.capacity());
  const int descriptor = NewVisitor(acceptor.native_handle(), from.data(), &size);
  if (descriptor < 0) return LastError();
  from.resize(size);
  const error_code failed = Adopt(from, descriptor, socket);
  if (failed) return failed;
  SetOptions(socket);
  address = AddressText(from);
  return {};
}

std::string AddressText(const Endpoint& endpoint) {
  asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  const std::string text = address.to_string();
  return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(endpoint.port());
}

}  // namespace rejoin
