// One attempt to reach a host: its name is looked up, then its addresses are tried
// in the order that the system gives, each for its share of the time that is left,
// so that a first address that swallows everything does not hide a good second.
//
// Private to transport/: this header brings Boost.Asio.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/status.h"
#include "transport/loop.h"
#include "transport/socket.h"
#include "transport/url.h"

namespace rejoin {

// Everything on the loop's thread.
class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  using Done = std::function<void(Result<TcpSocket>)>;
  using Deadline = std::chrono::steady_clock::time_point;

  Dialer(std::shared_ptr<Loop> loop, Url url, Deadline deadline, Done done);
  void Start();
  // `done` will not be called any more.
  void Cancel();

 private:
  void LookUp();
  void OnAddresses(Result<std::vector<Endpoint>> found);
  void TryNext();
  void OnAttempt(const error_code& failed);
  void Finish(Result<TcpSocket> result);

  const std::shared_ptr<Loop> loop_;
  const Url url_;
  const Deadline deadline_;
  Done done_;  // empty: over
  std::vector<Endpoint> addresses_;
  std::size_t next_ = 0;
  TcpSocket socket_;
  Timer timer_;
};

}  // namespace rejoin
