// A small world of replicas that talk in sessions: devices and hubs, whichever links there
// are at the time, frames that arrive one by one, links that break between any two.
//
// What happens is told by numbers: each makes one event, whatever it is, so any list of
// them is a history, and a part of the list is a simpler one. In the end everybody is
// linked to everybody else once more, and all are to be equal: to each other and to a
// memory store that was given all that each of them knows.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "replica/session.h"
#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/test_replica.h"

namespace rejoin {

struct WorldOptions {
  std::vector<TestReplicaMaker> devices;
  std::size_t hubs = 0;
  std::size_t part_bytes = 150;
  // In the end all meet so often, each time a day later: what two of them find in each other
  // a third one may lack.
  int last_days = 1;
  // A lost delete of a row that nobody has shows in no digest, and is not found again.
  bool only_digests = false;
  // Stands between each session and its store; nothing: the store itself.
  std::function<std::unique_ptr<SyncStore>(SyncStore&)> in_between = {};
};

class SessionWorld {
 public:
  explicit SessionWorld(const WorldOptions& options);
  ~SessionWorld();

  // Returns the first fault, or nothing.
  std::string Play(const std::vector<std::uint32_t>& events);

  // --- By hand -----------------------------------------------------------------------

  std::size_t nodes() const { return nodes_.size(); }
  // A new link in place of an old one.
  void Connect(std::size_t a, std::size_t b);
  void Break(std::size_t a, std::size_t b);
  // A transaction of the device's own, which `choice` tells.
  void Write(std::size_t device, std::uint64_t choice);
  // The device forgets its local order.
  void Trim(std::size_t node);
  // Carries frames over all links until there are none, `most` at most. How many.
  std::size_t Carry(std::size_t most = SIZE_MAX);
  // Links everybody, and compares. Returns the first fault of all, or nothing.
  std::string Finish();
  // Sides that found, when all met, that they did not hold the same as another.
  std::size_t findings() const { return findings_; }

 private:
  struct Node {
    std::unique_ptr<TestReplica> device;  // or
    std::unique_ptr<RowStore> hub;
    SyncStore* store = nullptr;
    // The vector as it was at each position of the local order that was seen.
    std::map<std::uint64_t, VersionVector> history;
  };
  struct End {
    std::size_t node = 0;
    std::unique_ptr<SyncStore> in_between;
    std::unique_ptr<Session> session;
    std::deque<Bytes> arriving;
    std::uint64_t part_sent = 0;  // the latest
    std::uint64_t part_acknowledged = 0;  // and all before it
  };
  struct Wire {
    End ends[2];
  };

  static constexpr std::size_t kMaxFlying = 3;  // frames in one direction
  static constexpr std::size_t kMaxPartsOnTheirWay = 8;

  void Do(std::uint32_t event);
  Wire* WireOf(std::size_t a, std::size_t b);
  bool SendOne(Wire& wire, std::size_t from);
  bool ArriveOne(Wire& wire, std::size_t at);
  bool SliceOne(End& end);
  void CheckAcknowledged(const Wire& wire, std::size_t at);
  void Changed(std::size_t node, const Session* by);
  void MeetAll();
  void Compare();
  void Fault(const std::string& what);

  WorldOptions options_;
  FakeClock clock_;
  FakeRandom random_{17};
  Instant now_{1000, 1'700'000'000'000};
  std::vector<Node> nodes_;
  std::map<std::pair<std::size_t, std::size_t>, std::unique_ptr<Wire>> wires_;
  std::string fault_;
  std::size_t findings_ = 0;
};

}  // namespace rejoin
