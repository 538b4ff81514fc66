// A simulated world: machines, links between them, faults, and the product's own sessions
// over the product's own stores. One thread, and time that passes from one thing that is
// due to the next; everything is drawn from the schedule's seed, so a schedule has one
// course.
//
// Sessions are driven as transport/live_client.cc and hub/server_work.cc drive them: a
// device takes a frame at a time, a hub takes what has come in a round, in one batch, and
// answers after the commit. A link that ends is begun again, after a rest that grows.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/canary.h"
#include "tests/sim/machine.h"

namespace rejoin::sim {

class Checker;

struct Verdict {
  std::string checker;  // empty: nothing is wrong
  std::string what;
  std::size_t event = 0;  // number of the event after which it was seen, from 1

  bool failed() const { return !checker.empty(); }
};

struct Tally {
  std::uint64_t schedules = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t operations = 0;  // local transactions
  std::uint64_t deliveries = 0;  // frames and blobs that came to a store
  std::uint64_t sessions = 0;
  std::uint64_t session_errors = 0;
  std::array<std::uint64_t, kKinds> kinds{};  // events that did something
  std::uint64_t trace = 0;                    // a hash of everything that happened

  void Add(const Tally& other);
};

// Begun, and executed, and not ended yet.
struct OpenTransaction {
  Transaction transaction;
  bool is_taken_back = false;  // in the end
  std::string digest;          // before it; where it is taken back
};

struct Node {
  std::size_t number = 0;
  std::unique_ptr<Machine> machine;
  bool here = true;           // false: gone for ever
  bool honest = true;         // its clock was never further off than it may be
  bool was_copied = false;    // put back, or made from a copy
  std::unique_ptr<Image> backup;
  std::uint64_t slow_until_ms = 0;
  std::uint64_t next_frame_ms = 0;  // while it is slow
  std::optional<OpenTransaction> open;
  // As they were after the last thing that happened to the store.
  ReplicaId id;
  VersionVector vector;
  Cursor head;
  // Hubs: what has come since the last round.
  std::deque<std::pair<std::uint64_t, std::size_t>> inbox;  // (wire, end)
  bool round_is_due = false;
  bool dies_in_batch = false;
};

struct Wire {
  std::uint64_t id = 0;
  std::size_t nodes[2] = {0, 0};
  struct End {
    std::unique_ptr<PassingStore> store;
    std::unique_ptr<Session> session;
    std::deque<Bytes> arriving;
    std::uint64_t last_arrival_ms = 0;
    std::uint64_t part_sent = 0;  // the latest
    std::uint64_t part_acknowledged = 0;  // and all before it
    bool greeted = false;                // hubs: the registry knows the peer
  } ends[2];
  std::uint64_t latency_ms = 0;
  bool closing = false;
  // A frame was lost, repeated or moved: what comes is not what was sent.
  bool hurt = false;
};

// What made a store change.
enum class Cause : std::uint8_t { kWrite, kRollBack, kJoin, kBlob, kCorrection, kCrash, kPutBack, kSchema };

class World {
 public:
  using Narrator = std::function<void(const std::string&)>;

  World(const Schedule& schedule, Canary canary, Narrator narrate = {});
  ~World();

  // Plays all events, heals the world and compares.
  Verdict Run();
  const Tally& tally() const { return tally_; }

  // --- For checkers --------------------------------------------------------------------

  std::deque<Node>& nodes() { return nodes_; }
  std::uint64_t now_ms() const { return ground_.truth.ms; }
  bool healing() const { return healing_; }
  // Parts of first syncs, or transactions that a hub cut, may have been under way.
  bool saw_parts() const { return saw_parts_; }
  bool handed_blobs() const { return !blobs_.empty(); }
  // Ids that a file has given up: their histories were cut.
  bool IsGivenUp(const ReplicaId& id) const { return given_up_.count(id) > 0; }
  // A device whose file had been copied gave its unseen changes other times: they are in
  // the copy with the times that they had before.
  bool has_two_times_of_a_change() const { return has_two_times_of_a_change_; }
  // While it was called so. Nobody can know that in the product.
  bool WasCopied(const ReplicaId& id) const { return copied_.count(id) > 0; }
  const std::vector<std::unique_ptr<Wire>>& wires() const { return wires_; }
  void Fault(const std::string& checker, const std::string& what);
  bool failed() const { return verdict_.failed(); }

 private:
  friend class Healing;
  struct Due {
    std::uint64_t at_ms;
    std::uint64_t order;
    enum class What : std::uint8_t { kArrive, kRound, kRelink, kKill, kEnd } what;
    std::uint64_t wire;      // of kArrive, kKill
    std::size_t end;         // of kArrive; the node of kRound, kEnd
    std::pair<std::size_t, std::size_t> pair;  // of kRelink
    bool operator<(const Due& other) const {
      return std::pair(other.at_ms, other.order) < std::pair(at_ms, order);
    }
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  struct Silence {  // nothing passes
    std::set<std::size_t> from;
    std::set<std::size_t> to;
    std::uint64_t until_ms = 0;
  };
  struct OldBlob {
    std::size_t from = 0;
    Bytes bytes;
  };

  // world.cc
  void Say(const std::string& what);
  void Mix(std::uint64_t value);
  void Wait(Due::What what, std::uint64_t at_ms, std::uint64_t wire, std::size_t end, Pair pair);
  void PassTo(std::uint64_t ms);
  void DoDue(const Due& due);
  Node* NodeFor(std::uint32_t number);
  Node& AddNode(std::unique_ptr<Machine> machine);
  void Changed(Node& node, Cause cause, const Session* by);
  void DefineFirst(Node& node);
  void BeginLinks();

  // world_events.cc
  bool Do(const Event& event);
  bool DoNode(const Event& event, Node& node);
  bool DoLink(const Event& event, Node& a, Node& b);
  bool DoFile(const Event& event, Node& node);
  bool DoClock(const Event& event, Node& node);
  bool Write(Node& node, const Transaction& transaction, const char* how);
  void NoteWrite(Node& node, const Transaction& transaction, const VersionVector& before, const Cursor& head, bool done);
  bool CrashInside(Node& node, std::uint64_t choice);
  void CrashNode(Node& node);
  void Die(Node& node);
  bool Silenced(const Event& event, Node& node);
  bool HandOver(Node& from, Node& to, std::uint64_t choice);
  bool HandOverAgain(Node& to, std::uint64_t choice);
  bool Upgrade(Node& node, Kind kind);
  bool Clone(Node& node);
  bool PutBack(Node& node);

  // world_open.cc
  bool Hold(Node& node, const Transaction& transaction, std::uint64_t choice);
  void EndOpen(Node& node);
  void ResumeAllOf(Node& node);
  void TakeBackOpen(Node& node);

  // world_links.cc
  void Want(std::size_t a, std::size_t b);
  void Link(Pair pair);
  Wire* WireOf(std::uint64_t id);
  Wire* WireBetween(Pair pair);
  void Kill(Wire& wire, const char* why);
  void KillAllOf(std::size_t node, const char* why);
  void PumpAllOf(std::size_t node);
  void Pump(Wire& wire, std::size_t end);
  bool Slice(Wire& wire, std::size_t end);
  void Send(Wire& wire, std::size_t from, Bytes frame);
  void Fly(Wire& wire, std::size_t to, Bytes frame, std::uint64_t extra_ms);
  void Arrive(Wire& wire, std::size_t end);
  void Round(Node& node);
  void Take(Wire& wire, std::size_t end, const Bytes& frame);
  void NoteSent(Wire& wire, std::size_t end, const Bytes& frame);
  void NoteTaken(Wire& wire, std::size_t end, const Bytes& frame);
  void NoteLeaving(Wire& wire);
  void SessionEnded(Wire& wire, std::size_t end, const Error& error);
  void CloseIfDone(Wire& wire);
  std::uint64_t HeldUntil(std::size_t from, std::size_t to) const;

  const Schedule& schedule_;
  Canary canary_;
  Narrator narrate_;
  Ground ground_;
  FakeRandom random_;  // of sessions, and of links
  std::deque<Node> nodes_;
  std::set<Pair> wanted_;
  std::map<Pair, unsigned> failures_;  // in a row, of links
  std::vector<std::unique_ptr<Wire>> wires_;
  std::uint64_t wires_made_ = 0;
  std::priority_queue<Due> due_;
  std::uint64_t dues_made_ = 0;
  std::map<Pair, std::deque<Event>> armed_;  // for the next frame from first to second
  std::vector<Silence> silences_;
  std::vector<OldBlob> blobs_;
  std::set<ReplicaId> given_up_;
  std::set<ReplicaId> copied_;  // who they were when they were copied
  bool has_two_times_of_a_change_ = false;
  bool healing_ = false;
  bool saw_parts_ = false;
  bool any_fault_ = false;
  std::string last_error_;  // of a session
  std::vector<std::unique_ptr<Checker>> checkers_;
  Verdict verdict_;
  std::size_t event_ = 0;
  Tally tally_;
};

}  // namespace rejoin::sim
