// The commands that others connect to: hub and serve.
#include <csignal>
#include <iostream>

#include "base/version.h"
#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "cli/file_rooms.h"
#include "hub/hub_rooms.h"
#include "hub/server.h"

namespace rejoin::cli {
namespace {

struct ListenArguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = kDefaultPort;
  std::string name;
  bool quiet = false;
};

struct HubArguments {
  std::string folder = "rooms";
  ListenArguments listen;
};

struct ServeArguments {
  std::string file;
  std::string room;
  ListenArguments listen;
};

// SIGINT and SIGTERM end the program in good order: blocked in every thread, waited for.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void Wait() {
    int signal = 0;
    sigwait(&set_, &signal);
  }

 private:
  sigset_t set_;
};

// `keeps_time`: guests may correct their clocks by this machine's, which a hub's keeper watches.
Result<Exit> Run(const ListenArguments& arguments, std::unique_ptr<RoomSource> rooms, bool keeps_time,
                 const std::string& what) {
  StopSignals signals;
  REJOIN_ASSIGN(const auto network, Network::Start());
  ServerOptions options;
  options.listen.host = arguments.host;
  options.listen.port = arguments.port;
  options.name = arguments.name;
  options.software = "rejoin " REJOIN_VERSION;
  options.keeps_time = keeps_time;
  if (!arguments.quiet) {
    options.tell = [](const std::string& line) { std::cerr << "rejoin: " << line << std::endl; };
  }
  REJOIN_ASSIGN(const auto server, Server::Start(*network, std::move(rooms), std::move(options)));
  Url url;
  url.host = arguments.host;
  url.port = server->port();
  PrintLine(what + " at ws://" + url.HostPort() + "/ROOM; end it with Ctrl-C");
  std::cout.flush();
  signals.Wait();
  network->Stop();
  server->Stop();
  return Exit::kOk;
}

Result<Exit> RunHub(const HubArguments& arguments) {
  REJOIN_ASSIGN(auto rooms, HubRooms::InFolder(arguments.folder));
  return Run(arguments.listen, std::move(rooms), true, "a hub with its rooms in " + arguments.folder);
}

Result<Exit> RunServe(const ServeArguments& arguments) {
  {
    REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
    REJOIN_TRY(file.Store().Replica());
    if (file.IsReadOnly()) {
      return Fail(Code::kReadOnly, arguments.file + ": can only be read, and syncing writes to it");
    }
  }
  return Run(arguments.listen, std::make_unique<FileRooms>(arguments.file, arguments.room), false,
             arguments.file);
}

void AddListen(CLI::App& command, ListenArguments& listen) {
  command.add_option("--host", listen.host, "The address to listen at; :: for all")->capture_default_str();
  command.add_option("--port", listen.port, "0: any that is free")->capture_default_str();
  command.add_option("--name", listen.name, "What people call it");
  command.add_flag("--quiet", listen.quiet, "Do not tell who comes and goes");
}

}  // namespace

void AddHub(CLI::App& app, Chosen& chosen) {
  const auto [command, options] = AddCommand<HubArguments>(
      app, chosen, "hub", "Relay between devices, and keep what they share.", "rejoin hub --dir rooms", RunHub);
  command->add_option("--dir", options->folder, "The folder with a file for each room; it is made")
      ->capture_default_str();
  AddListen(*command, options->listen);
}

void AddServe(CLI::App& app, Chosen& chosen) {
  const auto [command, options] =
      AddCommand<ServeArguments>(app, chosen, "serve", "Let other devices sync with this file directly.",
                                 "rejoin serve phone.db --room groceries", RunServe);
  command->add_option("FILE", options->file, "The database; it is not made")->required();
  command->add_option("--room", options->room, "Its name in the URL; any, where it is left out");
  AddListen(*command, options->listen);
}

}  // namespace rejoin::cli
