// The network of the demo: a hub, and devices that serve, in this process. The sockets,
// the sessions and the hub's files are those of `rejoin hub`, `rejoin serve` and `rejoin sync`.
#pragma once

#include <memory>
#include <string>

#include "bindings/sqlite/database_file.h"
#include "hub/server.h"

namespace rejoin::cli {

class DemoNetwork {
 public:
  // A hub with its rooms in the folder, at a free port of this machine.
  Status StartHub(const std::string& folder);
  // Both sides have then what both had. `name` is the device's.
  Result<SessionReport> SyncWithHub(DatabaseFile& device, const std::string& name);
  // The same with another device, which serves its file for so long.
  static Result<SessionReport> SyncWithDevice(DatabaseFile& device, const std::string& name,
                                              const std::string& other_file);

 private:
  // Somebody to connect to. Stops with a goodbye to whoever is connected.
  struct Host {
    std::unique_ptr<Network> network;
    std::unique_ptr<Server> server;
    ~Host();
  };
  static Result<std::unique_ptr<Host>> Start(std::unique_ptr<RoomSource> rooms);
  static Result<SessionReport> Sync(DatabaseFile& device, const std::string& name, std::uint16_t port);

  std::unique_ptr<Host> hub_;
};

}  // namespace rejoin::cli
