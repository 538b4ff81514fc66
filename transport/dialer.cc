#include "transport/dialer.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include <netdb.h>

#include <boost/asio/ip/address.hpp>

#include "transport/process.h"

namespace rejoin {
namespace {

// The system's look-up cannot be cut short and may take half a minute where no
// name server answers; so each has a thread that nobody waits for. More than this
// at a time help nobody.
constexpr int kMaxLookUps = 16;
std::atomic<int> look_ups = 0;

Error NotFound(const Url& url, int code) {
  if (code == EAI_AGAIN) {
    return {Code::kNetwork, "the host name " + url.host +
                                " cannot be looked up, since no name server answers; is there a "
                                "network?"};
  }
  return {Code::kNetwork, "there is no host named " + url.host + " (" + ::gai_strerror(code) +
                              "); look at the URL"};
}

Error NotReached(const Url& url, const error_code& failed) {
  if (failed == asio::error::timed_out || failed == asio::error::operation_aborted) {
    return {Code::kNetwork, url.HostPort() + " does not answer; look at the URL and the network"};
  }
  const char* const advice =
      failed == asio::error::connection_refused ? "; is a hub or a device listening there?" : "";
  return {Code::kNetwork,
          url.HostPort() + " cannot be reached: " + failed.message() + advice};
}

Result<std::vector<Endpoint>> AddressesOf(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (failed != 0) return tl::unexpected(NotFound(url, failed));
  std::vector<Endpoint> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Endpoint endpoint;
    if (each->ai_addrlen > endpoint.capacity()) continue;
    std::copy_n(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen,
                reinterpret_cast<char*>(endpoint.data()));
    endpoint.resize(each->ai_addrlen);
    addresses.push_back(endpoint);
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

Dialer::Dialer(std::shared_ptr<Loop> loop, Url url, Deadline deadline, Done done)
    : loop_(std::move(loop)), url_(std::move(url)), deadline_(deadline), done_(std::move(done)),
      socket_(loop_->context()), timer_(loop_->context()) {}

void Dialer::Start() {
  error_code is_name;
  const auto address = asio::ip::make_address(url_.host, is_name);
  if (is_name) return LookUp();
  OnAddresses(std::vector{Endpoint(address, url_.port)});
}

void Dialer::LookUp() {
  if (look_ups.fetch_add(1) >= kMaxLookUps) {
    --look_ups;
    return Finish(Fail(Code::kNetwork, "the host name " + url_.host + " cannot be looked up while " +
                                           std::to_string(kMaxLookUps) +
                                           " others are; name servers do not answer"));
  }
  // Weak: the loop may end before the system answers.
  auto look_up = [dialer = weak_from_this(), loop = std::weak_ptr(loop_), url = url_] {
    auto found = AddressesOf(url);
    --look_ups;
    const auto there = loop.lock();
    if (there == nullptr) return;
    there->Post([dialer, result = std::move(found)]() mutable {
      if (const auto self = dialer.lock()) self->OnAddresses(std::move(result));
    });
  };
  auto thread = StartQuietThread("rejoin-dns", std::move(look_up));
  if (thread) return thread->detach();
  --look_ups;
  Finish(Forward(thread));
}

void Dialer::OnAddresses(Result<std::vector<Endpoint>> found) {
  if (!done_) return;
  if (!found) return Finish(Forward(found));
  if (found->empty()) return Finish(tl::unexpected(NotFound(url_, EAI_NONAME)));
  addresses_ = std::move(*found);
  TryNext();
}

void Dialer::TryNext() {
  const Endpoint& address = addresses_[next_++];
  const auto attempts_left = static_cast<int>(addresses_.size() - next_ + 1);
  if (const error_code failed = OpenSocket(address, socket_)) return OnAttempt(failed);
  const auto now = std::chrono::steady_clock::now();
  timer_.expires_at(now + (deadline_ - now) / attempts_left);
  timer_.async_wait([self = shared_from_this(), attempt = next_](error_code cancelled) {
    error_code ignored;
    if (!cancelled && self->next_ == attempt) self->socket_.close(ignored);
  });
  socket_.async_connect(address,
                        [self = shared_from_this()](error_code failed) { self->OnAttempt(failed); });
}

void Dialer::OnAttempt(const error_code& failed) {
  if (!done_) return;
  timer_.cancel();
  if (!failed && socket_.is_open()) return Finish(std::move(socket_));
  error_code ignored;
  socket_.close(ignored);
  const bool last = next_ == addresses_.size() || std::chrono::steady_clock::now() >= deadline_;
  if (!last) return TryNext();
  Finish(tl::unexpected(NotReached(url_, failed ? failed : asio::error::timed_out)));
}

void Dialer::Finish(Result<TcpSocket> result) {
  if (const Done done = std::exchange(done_, nullptr)) done(std::move(result));
}

void Dialer::Cancel() {
  done_ = nullptr;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace rejoin
