// Accepts visitors on one port, as many as there may be.
//
// Private to transport/: this header brings Boost.Asio.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "transport/loop.h"
#include "transport/network.h"
#include "transport/socket.h"

namespace rejoin {

class Listener final : public Activity, public std::enable_shared_from_this<Listener> {
 public:
  Listener(std::shared_ptr<Loop> loop, const ListenOptions& options,
           std::shared_ptr<Acceptor> acceptor);

  // Any thread, once, before Start.
  Result<std::uint16_t> Bind();
  // The loop's thread, as all else.
  void Start();

  void End() override { Leave(); }
  void Abort() override { Leave(); }

 private:
  void Wait();
  void AcceptSome();
  error_code AcceptOne();
  void Rest();
  void Welcome(TcpSocket socket, std::string address);
  void Leave();

  const std::shared_ptr<Loop> loop_;
  const ListenOptions options_;
  const std::shared_ptr<Acceptor> acceptor_;
  TcpAcceptor door_;
  Timer retry_;
  const std::shared_ptr<std::size_t> connections_ = std::make_shared<std::size_t>(0);
  // Of visitors that are only told that there is no room.
  const std::shared_ptr<std::size_t> turned_away_ = std::make_shared<std::size_t>(0);
};

}  // namespace rejoin
