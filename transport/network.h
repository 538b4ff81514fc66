// A Network is one thread that serves any number of links, in and out.
//
// All methods may be called from any thread. Handlers, acceptors and functions
// given to Post and RunAfter run on the network's thread, one at a time, and must
// not block: every link waits for them.
//
// Fork: the thread is not in the child, and the sockets are the parent's. A child
// may exec or exit; there Stop and the destructor do nothing (and leave the memory
// to the end of the process), and every other method must not be called. Sockets
// are closed by exec. No signal is delivered to the thread, and none is raised by
// writing to a socket whose peer is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "transport/link.h"
#include "transport/url.h"

namespace rejoin {

struct ListenOptions {
  std::string host = "127.0.0.1";  // an address, or localhost; :: is IPv4 as well
  std::uint16_t port = kDefaultPort;  // 0: any that is free
  // Connections at a time, those that have not said yet what they want included:
  // each costs a descriptor and some 10 KB. Who comes on top gets HTTP 503.
  std::size_t max_connections = 10'000;
  LinkOptions link;
};

// Who asks for a link.
struct Visitor {
  std::string address;  // with its port
  std::string room;
};

// The answer to a plain HTTP GET.
struct Page {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class Acceptor {
 public:
  virtual ~Acceptor() = default;
  // The handler of the new link. An error is told to the visitor as the reason of a
  // close frame, which programs and browsers can show.
  virtual Result<std::shared_ptr<LinkHandler>> OnVisitor(const Visitor& visitor) = 0;
  // nullopt: there is no such page; then / says what this is, /health says ok, and
  // any other is 404.
  virtual std::optional<Page> OnPage(std::string_view path) {
    static_cast<void>(path);
    return std::nullopt;
  }
};

using TimerId = std::uint64_t;

class Loop;
class FileWatch;

class Network {
 public:
  // kNetwork where the system gives no thread or no descriptor.
  static Result<std::unique_ptr<Network>> Start();
  ~Network();  // Stop()
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // The link may be used at once; OnOpen or OnClosed follows.
  std::shared_ptr<Link> Connect(const Url& url, std::shared_ptr<LinkHandler> handler,
                                const LinkOptions& options = {});

  // Listens until Stop, and returns the port. kNetwork where the address is taken.
  Result<std::uint16_t> Listen(const ListenOptions& options, std::shared_ptr<Acceptor> acceptor);

  // Runs the function soon, in the order of the calls.
  void Post(std::function<void()> function);
  TimerId RunAfter(std::uint64_t delay_ms, std::function<void()> function);
  // Called on the network's thread, the function will not run any more; called
  // elsewhere it may be running. No error if it has run.
  void CancelTimer(TimerId timer);

  // Calls `changed` soon after one of the files was written, by whatever process, until what
  // it returns is let go of; many writes are told of at most 200 times a second. A file that
  // does not exist is waited for from the next change of another one on. nullptr where the
  // system cannot do it: look from time to time.
  std::shared_ptr<FileWatch> Watch(std::vector<std::string> files, std::function<void()> changed);

  // Closes all links as kGoingAway, waits kStopTimeoutMs for their peers to answer,
  // and ends the thread; every handler gets its OnClosed before it returns.
  // Functions that have not run by then are dropped. On the network's own thread
  // it does not wait. Later calls of other methods do nothing, and a Connect ends
  // with an OnClosed before it returns.
  void Stop();

  static constexpr std::uint64_t kStopTimeoutMs = 500;

 private:
  explicit Network(std::shared_ptr<Loop> loop);
  const std::shared_ptr<Loop> loop_;
};

}  // namespace rejoin
