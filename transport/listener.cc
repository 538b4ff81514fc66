#include "transport/listener.h"

#include <new>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "transport/delay.h"
#include "transport/visit.h"

namespace rejoin {
namespace {

// At once, before links that are open get their turn.
constexpr int kMaxAcceptedAtOnce = 64;
// Where descriptors or memory run out, visitors wait in the kernel and are asked for again.
constexpr std::uint64_t kRetryMs = 200;
// So many more than max_connections may be told that there is no room.
constexpr std::size_t kMaxTurnedAway = 64;

Result<Endpoint> EndpointOf(const ListenOptions& options) {
  const std::string& host = options.host == "localhost" ? "127.0.0.1" : options.host;
  error_code failed;
  const auto address = asio::ip::make_address(host, failed);
  if (failed) {
    return Fail(Code::kInvalidArgument, options.host +
                                            " is no address to listen at; 127.0.0.1 serves this "
                                            "machine, :: the network");
  }
  return Endpoint(address, options.port);
}

bool IsShortage(const error_code& failed) {
  return failed == asio::error::no_descriptors || failed == asio::error::no_memory ||
         failed == asio::error::no_buffer_space ||
         failed == boost::system::errc::too_many_files_open_in_system;
}

// nullptr where there is none left. It is free again when the last holder is gone.
std::shared_ptr<void> TakePlace(const std::shared_ptr<std::size_t>& taken, std::size_t max) {
  if (*taken >= max) return nullptr;
  ++*taken;
  return {taken.get(), [taken](void*) { --*taken; }};
}

}  // namespace

Listener::Listener(std::shared_ptr<Loop> loop, const ListenOptions& options,
                   std::shared_ptr<Acceptor> acceptor)
    : loop_(std::move(loop)), options_(options), acceptor_(std::move(acceptor)),
      door_(loop_->context()), retry_(loop_->context()) {}

Result<std::uint16_t> Listener::Bind() {
  REJOIN_ASSIGN(const Endpoint endpoint, EndpointOf(options_));
  error_code failed = OpenAcceptor(endpoint, door_);
  Endpoint bound;
  if (!failed) bound = door_.local_endpoint(failed);
  if (failed) {
    const char* const advice =
        failed == asio::error::address_in_use ? "; another program listens there: take another port"
                                              : "";
    return Fail(Code::kNetwork,
                "cannot listen at " + AddressText(endpoint) + ": " + failed.message() + advice);
  }
  return bound.port();
}

void Listener::Start() {
  if (loop_->stopping()) return;
  loop_->Join(shared_from_this());
  Wait();
}

void Listener::Wait() {
  door_.async_wait(asio::socket_base::wait_read,
                   [self = shared_from_this()](const error_code& failed) {
                     if (!failed) self->AcceptSome();
                   });
}

void Listener::AcceptSome() {
  for (int count = 0; count < kMaxAcceptedAtOnce; ++count) {
    const error_code failed = AcceptOne();
    if (failed == asio::error::would_block || failed == asio::error::try_again) break;
    if (IsShortage(failed)) return Rest();
    // Else it is in, or was gone before it was let in: on to the next.
  }
  Wait();
}

error_code Listener::AcceptOne() {
  try {
    TcpSocket socket(loop_->context());
    std::string address;
    const error_code failed = AcceptFrom(door_, socket, address);
    if (!failed) Welcome(std::move(socket), std::move(address));
    return failed;
  } catch (const std::bad_alloc&) {
    return asio::error::no_memory;
  }
}

void Listener::Rest() {
  retry_.expires_after(Delay(kRetryMs));
  retry_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->Wait();
  });
}

void Listener::Welcome(TcpSocket socket, std::string address) {
  auto place = TakePlace(connections_, options_.max_connections);
  const bool full = place == nullptr;
  if (full) place = TakePlace(turned_away_, kMaxTurnedAway);
  if (place == nullptr) return;
  std::make_shared<Visit>(loop_, std::move(socket), std::move(address), acceptor_, options_.link,
                          std::move(place), full)
      ->Start();
}

void Listener::Leave() {
  error_code ignored;
  door_.close(ignored);
  retry_.cancel();
  loop_->Leave(shared_from_this());
}

}  // namespace rejoin
