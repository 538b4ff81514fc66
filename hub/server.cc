#include "hub/server.h"

namespace rejoin {
namespace {

class Door final : public Acceptor {
 public:
  explicit Door(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

  Result<std::shared_ptr<LinkHandler>> OnVisitor(const Visitor& visitor) override {
    return std::shared_ptr<LinkHandler>(std::make_shared<Guest>(mailbox_, visitor));
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace

Server::Server(Network& network, std::unique_ptr<RoomSource> rooms, ServerOptions options)
    : network_(network), source_(std::move(rooms)), options_(std::move(options)) {}

Server::~Server() { Stop(); }

Result<std::unique_ptr<Server>> Server::Start(Network& network, std::unique_ptr<RoomSource> rooms,
                                              ServerOptions options) {
  std::unique_ptr<Server> server(new Server(network, std::move(rooms), std::move(options)));
  REJOIN_ASSIGN(server->port_,
                network.Listen(server->options_.listen, std::make_shared<Door>(server->mailbox_)));
  server->thread_ = std::thread([raw = server.get()] { raw->Work(); });
  return server;
}

void Server::Stop() {
  stopping_ = true;
  mailbox_->Wake();
  if (thread_.joinable()) thread_.join();
  mailbox_->Close();
}

}  // namespace rejoin
