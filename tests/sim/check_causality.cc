// Who covers a change covers everything that its author had when it wrote it.
#include <deque>

#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

constexpr std::size_t kRemembered = 32;  // of the latest writes

class Causality final : public Checker {
 public:
  using Checker::Checker;

  void OnWrite(Node& node, const Written& written) override {
    if (!written.changed) return;
    if (writes_.size() >= kRemembered) writes_.pop_front();
    writes_.push_back({node.number, node.id, node.vector.Get(node.id), written.before});
  }

  void OnChange(Node& node, Cause cause, const VersionVector&) override {
    // Changes that nobody has seen get other times.
    if (cause == Cause::kCorrection) {
      for (std::size_t i = writes_.size(); i-- > 0;) {
        if (writes_[i].node == node.number) writes_.erase(writes_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (cause != Cause::kJoin && cause != Cause::kBlob) return;
    for (const Write& write : writes_) {
      if (node.vector.Get(write.id) < write.time || world_.IsGivenUp(write.id)) continue;
      if (CoversButGivenUp(world_, node.vector, write.seen)) continue;
      world_.Fault("causality",
                   Name(node) + " has a change of node " + std::to_string(write.node) + ", and lacks what came before it");
    }
  }

 private:
  struct Write {
    std::size_t node;
    ReplicaId id;
    HybridTimestamp time;
    VersionVector seen;
  };
  std::deque<Write> writes_;
};

}  // namespace

std::unique_ptr<Checker> CheckCausality(World& world) { return std::make_unique<Causality>(world); }

}  // namespace rejoin::sim
