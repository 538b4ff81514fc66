// What each kind of event does. One that cannot be done now does nothing.
#include <algorithm>

#include "tests/sim/checker.h"
#include "tests/sim/workload.h"
#include "tests/store/ops.h"
#include "tests/sim/world.h"

namespace rejoin::sim {
namespace {

constexpr std::size_t kMaxNodes = 16;
constexpr std::size_t kMaxBlobs = 20;
constexpr std::uint64_t kMinuteMs = 60'000;
constexpr std::uint64_t kDayMs = std::uint64_t{24} * 3600 * 1000;
constexpr std::uint64_t kYearMs = 365 * kDayMs;

// From a second to ten years, every order of magnitude alike.
std::int64_t SomeTime(std::uint64_t choice) {
  std::uint64_t ms = 1000 + choice % 9000;
  for (std::uint64_t i = (choice / 9000) % 9; i > 0 && ms < kYearMs; --i) ms *= 10;
  return static_cast<std::int64_t>(std::min(ms, 10 * kYearMs));
}

bool IsCrash(Kind kind) { return kind == Kind::k_crash || kind == Kind::k_crash_inside; }

}  // namespace

bool World::Do(const Event& event) {
  Node* const a = NodeFor(event.a);
  if (a == nullptr) return false;
  Node* b = NodeFor(event.b);
  if (b == a) b = NodeFor(event.b + 1);
  // A process has one application here: whatever that does next comes after its transaction.
  if (event.kind != Kind::k_rest && !IsCrash(event.kind)) {
    EndOpen(*a);
    if (b != nullptr) EndOpen(*b);
  }
  switch (event.kind) {
    case Kind::k_rest:
      PassTo(now_ms() + event.choice % (event.choice % 7 == 0 ? 3 * kDayMs : 60'000));
      return true;
    case Kind::k_write:
    case Kind::k_twins:
    case Kind::k_hold:
    case Kind::k_leave:
    case Kind::k_gone:
    case Kind::k_slow:
    case Kind::k_old_blob:
    case Kind::k_add_column:
    case Kind::k_add_table:
    case Kind::k_partition:
    case Kind::k_one_way:
    case Kind::k_join:
      return DoNode(event, *a);
    case Kind::k_crash:
    case Kind::k_crash_inside:
    case Kind::k_crash_in_batch:
    case Kind::k_clone:
    case Kind::k_backup:
    case Kind::k_restore:
    case Kind::k_trim:
      return DoFile(event, *a);
    case Kind::k_clock_ahead:
    case Kind::k_clock_behind:
    case Kind::k_clock_frozen:
    case Kind::k_clock_backwards:
    case Kind::k_clock_right:
    case Kind::k_clock_dead:
      return DoClock(event, *a);
    default:
      return b != nullptr && b != a && DoLink(event, *a, *b);
  }
}

bool World::DoNode(const Event& event, Node& node) {
  const auto& tables = node.machine->tables();
  switch (event.kind) {
    case Kind::k_write:
    case Kind::k_hold: {
      const auto item = tables.find("item");
      const bool late = item != tables.end() && item->second.columns.size() > ItemTable().columns.size();
      const Transaction drawn = DrawTransaction(event.choice, tables.count("note") > 0, late);
      return event.kind == Kind::k_hold ? Hold(node, drawn, event.choice) : Write(node, drawn, "writes");
    }
    case Kind::k_twins:
      return Write(node, DrawTwins(event.choice), "writes");
    case Kind::k_join: {
      if (nodes_.size() >= kMaxNodes) return false;
      Place place = schedule_.places.front();
      if (place.is_hub) return false;
      const auto sqlite_kind = static_cast<std::uint32_t>(1 + (event.choice / 100) % AllSqliteKinds().size());
      place.kind = event.choice % 100 < schedule_.sqlite_percent ? sqlite_kind : 0;
      place.has_file = place.has_file && place.kind != 0;
      Node& made = AddNode(std::make_unique<Machine>(place, ground_));
      DefineFirst(made);
      Changed(made, Cause::kSchema, nullptr);
      Want(made.number, node.number);
      return true;
    }
    case Kind::k_leave:
      for (auto at = wanted_.begin(); at != wanted_.end();) {
        at = at->first == node.number || at->second == node.number ? wanted_.erase(at) : std::next(at);
      }
      KillAllOf(node.number, "it leaves");
      return true;
    case Kind::k_gone: {
      const auto left = std::count_if(nodes_.begin(), nodes_.end(), [](const Node& each) { return each.here; });
      if (left <= 2) return false;
      KillAllOf(node.number, "it is gone for ever");
      node.here = false;
      return true;
    }
    case Kind::k_slow:
      node.slow_until_ms = now_ms() + event.choice % 60'000;
      return true;
    case Kind::k_old_blob:
      return HandOverAgain(node, event.choice);
    case Kind::k_partition:
    case Kind::k_one_way:
      return Silenced(event, node);
    default:
      return Upgrade(node, event.kind);
  }
}

bool World::DoLink(const Event& event, Node& a, Node& b) {
  const Pair pair = std::minmax(a.number, b.number);
  Wire* const wire = WireBetween(pair);
  switch (event.kind) {
    case Kind::k_link:
      if (wanted_.count(pair) > 0) return false;
      Want(a.number, b.number);
      return true;
    case Kind::k_unlink:
      if (wanted_.erase(pair) == 0) return false;
      if (wire != nullptr) Kill(*wire, "nobody wants it");
      return true;
    case Kind::k_cut:
      if (wire == nullptr) return false;
      Kill(*wire, "cut");
      return true;
    case Kind::k_blob:
      return HandOver(a, b, event.choice);
    default:
      if (wanted_.count(pair) == 0) return false;
      armed_[{a.number, b.number}].push_back(event);
      return true;
  }
}

// --- Work ----------------------------------------------------------------------------------

bool World::Write(Node& node, const Transaction& transaction, const char* how) {
  TestReplica* const device = node.machine->device();
  if (device == nullptr) return false;
  const VersionVector before = node.vector;
  const Cursor head = node.head;
  const Status done = device->Execute(transaction);
  Say("node " + std::to_string(node.number) + " " + how + ": " + (narrate_ ? Described(transaction) : "") +
      (done ? "" : "  (taken back: " + done.error().message + ")"));
  NoteWrite(node, transaction, before, head, done.has_value());
  return true;
}

void World::NoteWrite(Node& node, const Transaction& transaction, const VersionVector& before, const Cursor& head,
                      bool done) {
  ++tally_.operations;
  Changed(node, Cause::kWrite, nullptr);
  const Written written{transaction, before, done && !(node.head == head)};
  for (const auto& checker : checkers_) checker->OnWrite(node, written);
  PumpAllOf(node.number);
}

bool World::Silenced(const Event& event, Node& node) {
  Silence silence;
  silence.until_ms = now_ms() + event.choice % 30'000;
  for (const Node& each : nodes_) {
    const bool here = event.kind == Kind::k_one_way ? each.number == node.number
                                                    : (event.choice >> (20 + each.number)) % 2 == 0;
    (here ? silence.from : silence.to).insert(each.number);
  }
  silences_.push_back(silence);
  if (event.kind == Kind::k_one_way) return true;
  std::swap(silence.from, silence.to);
  silences_.push_back(std::move(silence));
  return true;
}

bool World::HandOver(Node& from, Node& to, std::uint64_t choice) {
  // Sometimes everything, or what the receiver lacked long ago.
  const VersionVector since = choice % 3 == 0 ? VersionVector() : to.vector;
  BytesSink sink(kTestDeltaMaxBytes);
  const auto told = from.machine->store().ExtractSince(since, sink);
  if (!told) {
    // A restored file that is told of its lost future takes a new identity first.
    if (told.error().code != Code::kNotCovered) Fault("blobs", told.error().message);
    Changed(from, Cause::kBlob, nullptr);
    return true;
  }
  if (blobs_.size() >= kMaxBlobs) blobs_.erase(blobs_.begin());
  blobs_.push_back({from.number, sink.Take()});
  Changed(from, Cause::kBlob, nullptr);
  if (choice % 5 == 0) return true;  // it is handed over later, if at all
  return HandOverAgain(to, (blobs_.size() - 1) << 1);
}

bool World::HandOverAgain(Node& to, std::uint64_t choice) {
  if (blobs_.empty()) return false;
  const OldBlob& blob = blobs_[(choice >> 1) % blobs_.size()];
  ViewSource source(blob.bytes);
  Say("node " + std::to_string(to.number) + " gets a blob of node " + std::to_string(blob.from));
  const auto merged = to.machine->store().Merge(source);
  ++tally_.deliveries;
  if (!merged && merged.error().code != Code::kNotCovered) Fault("blobs", merged.error().message);
  Changed(to, Cause::kBlob, nullptr);
  PumpAllOf(to.number);
  return true;
}

bool World::Upgrade(Node& node, Kind kind) {
  if (node.machine->is_hub()) return false;
  const auto& tables = node.machine->tables();
  Status done;
  if (kind == Kind::k_add_table) {
    if (tables.count("note") > 0) return false;
    done = node.machine->Define(NoteTable(), NotesFoundThere());
  } else {
    if (tables.at("item").columns.size() > ItemTable().columns.size()) return false;
    done = node.machine->AddColumn("item", LateColumn());
  }
  if (!done) Fault("schema", done.error().message);
  Changed(node, Cause::kSchema, nullptr);
  return true;
}

// --- Processes, files, clocks ---------------------------------------------------------------

void World::CrashNode(Node& node) {
  TakeBackOpen(node);
  Say("node " + std::to_string(node.number) + " dies");
  KillAllOf(node.number, "the process died");
  node.inbox.clear();
  for (const auto& checker : checkers_) checker->OnCrash(node);
  Die(node);
}

void World::Die(Node& node) {
  node.machine->Crash();
  Changed(node, Cause::kCrash, nullptr);
}

bool World::CrashInside(Node& node, std::uint64_t choice) {
  TestReplica* const device = node.machine->device();
  if (device == nullptr) return false;
  TakeBackOpen(node);
  Say("node " + std::to_string(node.number) + " dies inside a transaction");
  KillAllOf(node.number, "the process died");
  for (const auto& checker : checkers_) checker->OnCrash(node);
  const Status begun = device->Begin();
  for (const Op& op : DrawTransaction(choice, false, false)) (void)device->Run(op);
  Die(node);
  return begun.has_value();
}

bool World::DoFile(const Event& event, Node& node) {
  switch (event.kind) {
    case Kind::k_crash:
      CrashNode(node);
      return true;
    case Kind::k_crash_inside:
      return CrashInside(node, event.choice);
    case Kind::k_crash_in_batch:
      if (!node.machine->is_hub()) return false;
      node.dies_in_batch = true;
      return true;
    case Kind::k_trim:
      if (node.machine->device() == nullptr) return false;
      node.machine->device()->TrimLog();
      Changed(node, Cause::kSchema, nullptr);
      return true;
    case Kind::k_clone:
      return Clone(node);
    case Kind::k_backup:
      if (!node.machine->CanBeCopied()) return false;
      node.backup = std::make_unique<Image>(node.machine->Copy());
      copied_.insert(node.id);
      Changed(node, Cause::kSchema, nullptr);
      return true;
    default:
      return PutBack(node);
  }
}

bool World::Clone(Node& node) {
  if (node.machine->is_hub() || nodes_.size() >= kMaxNodes) return false;
  const Image image = node.machine->Copy();
  copied_.insert(node.id);
  Changed(node, Cause::kSchema, nullptr);
  Say("node " + std::to_string(node.number) + " is copied: node " + std::to_string(nodes_.size()));
  Node& made = AddNode(std::make_unique<Machine>(node.machine->place(), ground_, image));
  made.was_copied = true;
  made.honest = node.honest;  // whatever its clock says: what a wrong one stamped is in the file
  Changed(made, Cause::kPutBack, nullptr);
  std::set<Pair> wanted = wanted_;
  for (const auto& [first, second] : wanted) {
    if (first == node.number) Want(made.number, second);
    if (second == node.number) Want(made.number, first);
  }
  return true;
}

bool World::PutBack(Node& node) {
  if (node.backup == nullptr) return false;
  // Not noticed by the product: a file that is put back before the next token was drawn, a
  // minute later at most. Then only a peer notices, or nobody before states are compared.
  const bool same_fence = !node.machine->is_hub() && !node.machine->in_memory() &&
                          node.machine->Fence() == node.backup->fence;
  if (same_fence && !(node.vector == node.backup->vector)) return false;
  Say("node " + std::to_string(node.number) + " is put back to its copy");
  KillAllOf(node.number, "it is put back");
  node.inbox.clear();
  for (const auto& checker : checkers_) checker->OnPutBack(node);
  node.machine->PutBack(*node.backup);
  node.was_copied = true;
  Changed(node, Cause::kPutBack, nullptr);
  return true;
}

bool World::DoClock(const Event& event, Node& node) {
  SimClock& clock = node.machine->raw_clock();
  const std::int64_t time = SomeTime(event.choice);
  switch (event.kind) {
    case Kind::k_clock_ahead:
      clock.SetOff(time);
      break;
    case Kind::k_clock_behind:
      clock.SetOff(-time);
      break;
    case Kind::k_clock_frozen:
      clock.SetRate(0);
      break;
    case Kind::k_clock_backwards:
      clock.SetRate(-1);
      break;
    case Kind::k_clock_dead:
      if (!node.machine->is_hub()) return false;
      clock.SetOff(-20 * static_cast<std::int64_t>(kYearMs));
      break;
    default:
      clock.SetOff(0);
  }
  Say("the clock of node " + std::to_string(node.number) + ": " + std::string(NameOf(event.kind)) + ", now " +
      std::to_string(static_cast<std::int64_t>(clock.WallMs() - now_ms()) / 1000) + " s off");
  Changed(node, Cause::kSchema, nullptr);  // whether it is honest still
  return true;
}

}  // namespace rejoin::sim
