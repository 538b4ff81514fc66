// Who covers a change covers everything that its author had when it wrote it.
#include <algorithm>
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
    if (cause == Cause::kCorrection) ForgetMoved(node);
    if (cause != Cause::kJoin && cause != Cause::kBlob) return;
    for (const Write& write : writes_) {
      if (node.vector.Get(write.id) < write.time || world_.IsGivenUp(write.id)) continue;
      if (CoversButGivenUp(world_, node.vector, write.seen)) continue;
      world_.Fault("causality",
                   Name(node) + " has a change of node " + std::to_string(write.node) + ", and lacks what came before it");
    }
  }

 private:
  // Changes that nobody has seen get other times; but who was made from a copy of the file goes on
  // with the old ones (docs/protocol.md, Clocks), and what it writes comes after those.
  void ForgetMoved(const Node& node) {
    const HybridTimestamp last = node.vector.Get(node.id);
    const bool was_copied = world_.WasCopied(node.id);
    const auto is_about_moved = [&](const Write& write) {
      return write.node == node.number || (was_copied && write.seen.Get(node.id) > last);
    };
    writes_.erase(std::remove_if(writes_.begin(), writes_.end(), is_about_moved), writes_.end());
  }

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
