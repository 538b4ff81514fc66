#include "cli/demo_network.h"

#include "base/version.h"
#include "cli/file_rooms.h"
#include "hub/hub_rooms.h"
#include "transport/client.h"

namespace rejoin::cli {
namespace {

constexpr char kRoom[] = "shop";
constexpr std::uint64_t kStepMs = 200;
constexpr std::uint64_t kPatienceMs = 60'000;

}  // namespace

DemoNetwork::Host::~Host() {
  network->Stop();
  if (server != nullptr) server->Stop();
}

Result<std::unique_ptr<DemoNetwork::Host>> DemoNetwork::Start(std::unique_ptr<RoomSource> rooms) {
  auto host = std::make_unique<Host>();
  REJOIN_ASSIGN(host->network, Network::Start());
  ServerOptions options;
  options.listen.port = 0;
  options.software = "rejoin " REJOIN_VERSION;
  REJOIN_ASSIGN(host->server, Server::Start(*host->network, std::move(rooms), std::move(options)));
  return host;
}

Status DemoNetwork::StartHub(const std::string& folder) {
  REJOIN_ASSIGN(auto rooms, HubRooms::InFolder(folder));
  REJOIN_ASSIGN(hub_, Start(std::move(rooms)));
  return {};
}

Result<SessionReport> DemoNetwork::SyncWithHub(DatabaseFile& device, const std::string& name) {
  return Sync(device, name, hub_->server->port());
}

Result<SessionReport> DemoNetwork::SyncWithDevice(DatabaseFile& device, const std::string& name,
                                                  const std::string& other_file) {
  REJOIN_ASSIGN(const auto host, Start(std::make_unique<FileRooms>(other_file, kRoom)));
  return Sync(device, name, host->server->port());
}

Result<SessionReport> DemoNetwork::Sync(DatabaseFile& device, const std::string& name, std::uint16_t port) {
  Url url;
  url.host = "127.0.0.1";
  url.port = port;
  url.room = kRoom;
  REJOIN_ASSIGN(const auto network, Network::Start());
  SqliteStore store = device.Store();
  SessionOptions options;
  options.name = name;
  options.software = "rejoin " REJOIN_VERSION;
  Client client(*network, url, store, std::move(options));
  const std::uint64_t begun_ms = SystemClock().SteadyMs();
  while (!client.Done()) {
    REJOIN_TRY(client.Step(kStepMs));
    if (SystemClock().SteadyMs() - begun_ms > kPatienceMs) {
      return Fail(Code::kNetwork, url.Text() + ": the hub of the demo does not answer");
    }
  }
  return client.session().report();
}

}  // namespace rejoin::cli
