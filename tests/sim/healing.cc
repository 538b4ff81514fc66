#include "tests/sim/healing.h"

#include <algorithm>

#include "tests/sim/checker.h"
#include "tests/sim/workload.h"

namespace rejoin::sim {
namespace {

// Frames and other things that are due; the largest worlds need some two thousand.
constexpr std::size_t kEnough = 30'000;
// A link that ends so often in a row will never last.
constexpr unsigned kMostFailures = 12;
constexpr std::size_t kSmallWorld = 5;

}  // namespace

void Healing::Run() {
  world_.Say("-- healing");
  world_.healing_ = true;
  EndFaults();
  SetClocksRight();
  MarkCopies();
  if (world_.failed()) return;
  for (const auto& checker : world_.checkers_) checker->OnHealing();
  LinkAll();
  RunUntilQuiet();
  if (world_.failed()) return;
  for (const auto& checker : world_.checkers_) checker->OnHealed();
}

void Healing::EndFaults() {
  world_.armed_.clear();
  world_.silences_.clear();
  world_.wanted_.clear();
  world_.failures_.clear();
  for (Node& node : world_.nodes_) {
    node.slow_until_ms = 0;
    node.dies_in_batch = false;
    if (!node.here) continue;
    world_.EndOpen(node);
    world_.KillAllOf(node.number, "healing");
    if (node.machine->is_hub()) continue;
    world_.Upgrade(node, Kind::k_add_column);
    world_.Upgrade(node, Kind::k_add_table);
  }
  world_.due_ = {};
  for (Node& node : world_.nodes_) node.round_is_due = false;
}

// And the time comes that the furthest of all stamps tells: nothing is in the future.
void Healing::SetClocksRight() {
  std::uint64_t latest_ms = world_.now_ms();
  for (Node& node : world_.nodes_) {
    if (!node.here) continue;
    const auto seen = node.machine->store().LatestTimeSeen();
    if (!seen) return world_.Fault("reading", seen.error().message);
    latest_ms = std::max(latest_ms, seen->wall_ms() + 1);
  }
  world_.ground_.truth.ms = latest_ms + 1000;
  for (Node& node : world_.nodes_) {
    if (node.here) node.machine->SetClockRight();
  }
}

// A copied file learns at its first write that it is one; until then two would go by one
// name, and refuse each other. Or it learns it when a peer names a state that it never was
// in, and then what nobody has seen goes over to its new name.
void Healing::MarkCopies() {
  for (Node& node : world_.nodes_) {
    if (!node.here || !node.was_copied || node.machine->is_hub()) continue;
    for (const Node& peer : world_.nodes_) {
      BytesSink ignored(kTestDeltaMaxBytes);
      if (peer.here) (void)node.machine->store().ExtractSince(peer.vector, ignored);
    }
    world_.Write(node, OwnMark(node.number, world_.now_ms()), "marks itself");
  }
}

void Healing::LinkAll() {
  std::vector<std::size_t> here;
  for (const Node& node : world_.nodes_) {
    if (node.here) here.push_back(node.number);
  }
  for (std::size_t i = 0; i < here.size(); ++i) {
    for (std::size_t j = i + 1; j < here.size(); ++j) {
      // In large worlds a ring and a star: as good, and not so many.
      if (here.size() <= kSmallWorld || i == 0 || j == i + 1) world_.Want(here[i], here[j]);
    }
  }
}

void Healing::RunUntilQuiet() {
  std::size_t done = 0;
  while (!world_.due_.empty() && !world_.failed()) {
    if (++done > kEnough) return world_.Fault("convergence", "it does not become quiet");
    world_.PassTo(world_.due_.top().at_ms);
    for (const auto& [pair, failures] : world_.failures_) {
      if (failures <= kMostFailures) continue;
      return world_.Fault("convergence", "nodes " + std::to_string(pair.first) + " and " +
                                             std::to_string(pair.second) + " cannot hold a session: " +
                                             world_.last_error_);
    }
  }
  for (const auto& wire : world_.wires_) {
    for (std::size_t end = 0; end < 2; ++end) {
      const Session& session = *wire->ends[end].session;
      if (session.SentAll() && session.ReceivedAll() && !session.Comparing()) continue;
      return world_.Fault("convergence", "the session of node " + std::to_string(wire->nodes[end]) + " with node " +
                                             std::to_string(wire->nodes[1 - end]) + " is quiet, and not done");
    }
  }
}

}  // namespace rejoin::sim
