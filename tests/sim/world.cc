#include "tests/sim/world.h"

#include <algorithm>

#include "base/hash.h"
#include "tests/sim/checker.h"
#include "tests/sim/healing.h"
#include "tests/sim/workload.h"

namespace rejoin::sim {

void Tally::Add(const Tally& other) {
  schedules += other.schedules;
  simulated_ms += other.simulated_ms;
  operations += other.operations;
  deliveries += other.deliveries;
  sessions += other.sessions;
  session_errors += other.session_errors;
  for (std::size_t i = 0; i < kKinds; ++i) kinds[i] += other.kinds[i];
  trace += other.trace;  // in whatever order they ran
}

World::World(const Schedule& schedule, Canary canary, Narrator narrate)
    : schedule_(schedule), canary_(canary), narrate_(std::move(narrate)), random_(schedule.seed + 1) {
  ground_.seeds = FakeRandom(schedule.seed + 2);
  if (schedule.part_bytes < 10'000) ground_.hub_read_bytes = 4 * schedule.part_bytes;
  checkers_ = AllCheckers(*this);
  for (const Place& place : schedule.places) DefineFirst(AddNode(std::make_unique<Machine>(place, ground_)));
  for (Node& node : nodes_) Changed(node, Cause::kSchema, nullptr);
  BeginLinks();
}

World::~World() {
  for (const auto& wire : wires_) {
    for (Wire::End& end : wire->ends) end.session.reset();
  }
}

void World::DefineFirst(Node& node) {
  // Else those that meet first in two places would be of two rooms.
  RoomId room;
  room.bytes.fill(7);
  if (!node.machine->store().SetRoom(room)) Fault("setting up", "a room cannot be entered");
  if (node.machine->is_hub()) return;
  for (const TableDef& def : FirstTables()) {
    const Status defined = node.machine->Define(def, {});
    if (!defined) Fault("setting up", defined.error().message);
  }
}

void World::BeginLinks() {
  const std::size_t count = nodes_.size();
  const auto hub = std::find_if(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.machine->is_hub(); });
  const std::size_t center = hub == nodes_.end() ? 0 : hub->number;
  for (std::size_t a = 0; a < count; ++a) {
    if (schedule_.begin == "chain" && a + 1 < count) Want(a, a + 1);
    if (schedule_.begin == "star" && a != center) Want(a, center);
    for (std::size_t b = a + 1; b < count && schedule_.begin == "all"; ++b) Want(a, b);
  }
}

Verdict World::Run() {
  for (const Event& event : schedule_.events) {
    if (failed()) break;
    ++event_;
    PassTo(now_ms() + event.after_ms);
    if (failed()) break;
    const bool done = Do(event);
    tally_.kinds[static_cast<std::size_t>(event.kind)] += done ? 1 : 0;
    any_fault_ = any_fault_ || (done && IsFault(event.kind));
    Mix((static_cast<std::uint64_t>(event.kind) << 1) + (done ? 1 : 0));
  }
  tally_.simulated_ms = now_ms() - kBeginMs;
  if (!failed()) Healing(*this).Run();
  ++tally_.schedules;
  return verdict_;
}

void World::Fault(const std::string& checker, const std::string& what) {
  if (verdict_.failed()) return;
  verdict_ = {checker, what, event_};
  Say("FAULT, " + checker + ": " + what);
}

void World::Say(const std::string& what) {
  if (!narrate_) return;
  const std::uint64_t ms = now_ms() - kBeginMs;
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  narrate_("[" + std::to_string(event_) + "] " + std::to_string(ms / 1000) + "." + fraction + " s  " + what);
}

void World::Mix(std::uint64_t value) { tally_.trace = (tally_.trace ^ value ^ now_ms()) * 0x9e3779b97f4a7c15u + 1; }

Node& World::AddNode(std::unique_ptr<Machine> machine) {
  Node& node = nodes_.emplace_back();
  node.number = nodes_.size() - 1;
  node.machine = std::move(machine);
  node.id = node.machine->store().Replica().value_or(ReplicaId());
  node.vector = node.machine->store().Vector().value_or(VersionVector());
  return node;
}

Node* World::NodeFor(std::uint32_t number) {
  Node& node = nodes_[number % nodes_.size()];
  return node.here ? &node : nullptr;
}

// Looks at what the store has become, and tells everybody.
void World::Changed(Node& node, Cause cause, const Session* by) {
  if (node.open) return;  // nothing of it counts yet, and nobody else gets in
  SyncStore& store = node.machine->store();
  const auto id = store.Replica();
  auto vector = store.Vector();
  const auto head = store.Head();
  if (!id || !vector || !head) return Fault("reading", "a store cannot be read");
  if (cause == Cause::kCorrection && copied_.count(node.id) > 0) has_two_times_of_a_change_ = true;
  if (*id != node.id) {
    if (node.id != ReplicaId()) given_up_.insert(node.id);
    Say("node " + std::to_string(node.number) + " takes a new identity, was " + node.id.Hex() + " up to " +
        std::to_string(node.vector.Get(node.id).value) + ", now covers of it " +
        std::to_string(vector->Get(node.id).value));
  }
  const VersionVector was = std::move(node.vector);
  node.id = *id;
  node.vector = std::move(*vector);
  node.head = *head;
  for (const auto& checker : checkers_) checker->OnChange(node, cause, was);
  for (const auto& wire : wires_) {
    for (std::size_t end = 0; end < 2; ++end) {
      Wire::End& side = wire->ends[end];
      if (wire->nodes[end] == node.number && side.session && side.session.get() != by) side.session->OnChange();
    }
  }
}

// --- Time --------------------------------------------------------------------------------

void World::Wait(Due::What what, std::uint64_t at_ms, std::uint64_t wire, std::size_t end, Pair pair) {
  due_.push({at_ms, ++dues_made_, what, wire, end, pair});
}

void World::PassTo(std::uint64_t ms) {
  while (!due_.empty() && due_.top().at_ms <= ms && !failed()) {
    const Due due = due_.top();
    due_.pop();
    ground_.truth.ms = std::max(ground_.truth.ms, due.at_ms);
    DoDue(due);
  }
  ground_.truth.ms = std::max(ground_.truth.ms, ms);
}

void World::DoDue(const Due& due) {
  switch (due.what) {
    case Due::What::kArrive:
      if (Wire* const wire = WireOf(due.wire); wire != nullptr) Arrive(*wire, due.end);
      return;
    case Due::What::kRound:
      return Round(nodes_[due.end]);
    case Due::What::kRelink:
      if (wanted_.count(due.pair) > 0 && WireBetween(due.pair) == nullptr) Link(due.pair);
      return;
    case Due::What::kEnd:
      return EndOpen(nodes_[due.end]);
    case Due::What::kKill:
      if (Wire* const wire = WireOf(due.wire); wire != nullptr) Kill(*wire, "it is given up");
      return;
  }
}

}  // namespace rejoin::sim
