// What a peer has acknowledged, it has: at that moment, and from then on, whatever dies
// there. Who is put back to a copy is excused for what came after it (and convergence asks
// that it comes back).
#include <map>

#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

class Acknowledged final : public Checker {
 public:
  using Checker::Checker;

  void OnChange(Node& node, Cause cause, const VersionVector&) override {
    histories_[node.number][node.head.epoch][node.head.position] = node.vector;
    if (cause == Cause::kPutBack) return;
    for (auto& [pair, told] : told_) {
      if (pair.second == node.number) Check(pair.first, node, told);
    }
  }

  void OnAck(const Wire& wire, std::size_t end) override {
    // docs/protocol.md: links carry whole frames in order; an Ack says no more than a
    // number, and a flipped bit makes it another one.
    if (wire.hurt) return;
    Node& owner = world_.nodes()[wire.nodes[end]];
    Node& peer = world_.nodes()[wire.nodes[1 - end]];
    for (const bool durable : {false, true}) {
      const auto acknowledged = wire.ends[end].session->Acknowledged(durable);
      if (!acknowledged) continue;
      const auto& history = histories_[owner.number][acknowledged->epoch];
      auto then = history.upper_bound(acknowledged->position);
      if (then == history.begin()) continue;
      VersionVector& told = told_[{owner.number, peer.number}];
      told.Join((--then)->second);
      Check(owner.number, peer, told);
    }
  }

  void OnPutBack(Node& node) override {
    histories_[node.number].clear();
    for (auto& [pair, told] : told_) {
      if (pair.second == node.number) told = Lower(told, node.backup->vector);
    }
  }

 private:
  void Check(std::size_t owner, const Node& peer, const VersionVector& told) {
    if (CoversButGivenUp(world_, peer.vector, told)) return;
    world_.Fault("acknowledged", Name(peer) + " lacks what it has acknowledged to node " + std::to_string(owner));
  }

  using History = std::map<std::uint64_t, std::map<std::uint64_t, VersionVector>>;  // epoch, position
  std::map<std::size_t, History> histories_;
  std::map<std::pair<std::size_t, std::size_t>, VersionVector> told_;  // (to, by)
};

}  // namespace

std::unique_ptr<Checker> CheckAcknowledged(World& world) { return std::make_unique<Acknowledged>(world); }

}  // namespace rejoin::sim
