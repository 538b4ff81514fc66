// Serves rooms to whoever connects: sessions on one thread, links on the network's.
//
// What has arrived from all guests of a room is joined in one transaction, committed,
// and only then acknowledged and told to the others.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/guest.h"
#include "hub/room.h"
#include "replica/session.h"
#include "transport/breaks.h"
#include "transport/look_schedule.h"

namespace rejoin {

struct ServerOptions {
  ListenOptions listen;
  std::string name;      // of this replica, for people
  std::string software;
  // Rooms with guests. Each costs an open file and its cache.
  std::size_t max_rooms = 1000;
  bool keeps_time = false;  // guests may correct their clocks by this machine's
  // Lines for people: who came, who went and why. Called on the server's thread.
  std::function<void(const std::string&)> tell;
};

class Server {
 public:
  // Listens. `network` and what `rooms` leads to outlive the server.
  static Result<std::unique_ptr<Server>> Start(Network& network, std::unique_ptr<RoomSource> rooms,
                                               ServerOptions options);
  ~Server();  // Stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  // Ends the thread after what it is doing. Stop the network first: it tells the guests.
  void Stop();

 private:
  struct Room;
  // A guest with its session.
  struct Visit {
    std::shared_ptr<Guest> guest;
    std::shared_ptr<Link> link;
    Room* room = nullptr;
    std::unique_ptr<Session> session;
    std::shared_ptr<const Bytes> held;  // a frame that the link had no room for
    std::deque<Bytes> waiting;          // frames for a session that is blocked
    bool known = false;                 // its Hello has been told of
    std::string finding;                // as it was told of
  };
  struct Room {
    std::string name;
    std::unique_ptr<RoomStore> store;
    std::vector<Visit*> visits;
    bool in_batch = false;
    // Where others write to it too.
    std::shared_ptr<FileWatch> watch;
    std::shared_ptr<std::atomic<bool>> written;
    std::optional<LookSchedule> looks;
    std::optional<Breaks> breaks;
  };

  Server(Network& network, std::unique_ptr<RoomSource> rooms, ServerOptions options);

  // server_work.cc: on the server's thread.
  void Work();
  std::uint64_t WaitMs() const;
  void Handle(Event& event);
  void Enter(Event& event);
  Result<Room*> RoomOf(const std::string& name);
  void WatchFilesOf(Room& room);
  void TakeFrame(Visit& visit, const Bytes& frame);
  // Runs `work`, which uses the room's store.
  template <class Function>
  static Status Use(Room& room, Function work);
  // Of the break that the room's file has from its guests; 0: none.
  static std::uint64_t BreakLeftMs(const Room& room);
  Status BeginBatch(Room& room);
  void NoteLeaving(const Visit& visit);
  void Leave(const std::shared_ptr<Guest>& guest, const std::string& why);
  void Commit();
  void LookForWrites();
  void LookForWritesTo(Room& room);
  void Retry();
  void SendAll();
  void CompareOne();
  void TellFinding(Visit& visit) const;
  void Send(Visit& visit);
  void Drop(Visit& visit, const Error& why);
  void Tell(const std::string& line) const;
  static Instant Now();

  Network& network_;
  std::unique_ptr<RoomSource> source_;
  ServerOptions options_;
  std::uint16_t port_ = 0;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::atomic<bool> stopping_{false};
  std::thread thread_;

  // Of the server's thread.
  std::map<std::string, std::unique_ptr<Room>> rooms_;
  std::map<Guest*, std::unique_ptr<Visit>> visits_;
  std::vector<std::shared_ptr<Guest>> leaving_;
  Guest* compared_ = nullptr;   // whose turn was last
  bool sliced_ = true;          // false: its store was locked
};

}  // namespace rejoin
