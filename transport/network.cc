#include "transport/network.h"

#include <exception>
#include <utility>

#include "transport/file_watch.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/websocket_link.h"
#include "transport/wording.h"

namespace rejoin {

Result<std::unique_ptr<Network>> Network::Start() {
  std::shared_ptr<Loop> loop;
  try {
    loop = std::make_shared<Loop>();
  } catch (const boost::system::system_error& failed) {
    return Fail(Code::kNetwork, std::string("the network cannot start: ") + failed.what());
  }
  REJOIN_TRY(loop->StartThread());
  return std::unique_ptr<Network>(new Network(std::move(loop)));
}

Network::Network(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

// In a child of a fork the loop stays, since the thread that is not there holds it
// too; to take it apart would reach into the parent's sockets.
Network::~Network() { Stop(); }

std::shared_ptr<Link> Network::Connect(const Url& url, std::shared_ptr<LinkHandler> handler,
                                       const LinkOptions& options) {
  auto link = std::make_shared<WebSocketLink>(loop_, options, url.HostPort(), url.room,
                                              std::move(handler));
  if (!loop_->Post([link, url] { link->Dial(url); })) {
    link->GiveUp(ClosedHere(link->peer(), "the network has stopped"));
  }
  return link;
}

Result<std::uint16_t> Network::Listen(const ListenOptions& options,
                                      std::shared_ptr<Acceptor> acceptor) {
  const auto listener = std::make_shared<Listener>(loop_, options, std::move(acceptor));
  REJOIN_ASSIGN(const std::uint16_t port, listener->Bind());
  if (!loop_->Post([listener] { listener->Start(); })) {
    return Fail(Code::kNetwork, "cannot listen: the network has stopped");
  }
  return port;
}

void Network::Post(std::function<void()> function) { loop_->Post(std::move(function)); }

TimerId Network::RunAfter(std::uint64_t delay_ms, std::function<void()> function) {
  return loop_->RunAfter(delay_ms, std::move(function));
}

void Network::CancelTimer(TimerId timer) { loop_->CancelTimer(timer); }

std::shared_ptr<FileWatch> Network::Watch(std::vector<std::string> files, std::function<void()> changed) {
  return WatchFiles(loop_, std::move(files), std::move(changed));
}

void Network::Stop() { loop_->Stop(); }

}  // namespace rejoin
