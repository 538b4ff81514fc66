// A transaction appears whole or not at all. Two tables are only ever written alike,
// together, so whatever is merged when, they show the same. Except while a first sync comes
// in parts, and where a hub has cut (docs/protocol.md, "What is sent" and "Points"): worlds
// that send parts are not looked at before they are healed.
#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

class Atomicity final : public Checker {
 public:
  using Checker::Checker;

  void OnChange(Node& node, Cause cause, const VersionVector&) override {
    if (world_.saw_parts()) return;
    if (cause == Cause::kJoin || cause == Cause::kBlob || cause == Cause::kCrash) Check(node);
  }
  void OnHealed() override {
    for (Node& node : world_.nodes()) {
      if (node.here) Check(node);
    }
  }

 private:
  void Check(Node& node) {
    TestReplica* const device = node.machine->device();
    if (device == nullptr || device->Shown("twin_a") == device->Shown("twin_b")) return;
    world_.Fault("atomicity", Name(node) + " shows half of a transaction: the twins differ");
  }
};

}  // namespace

std::unique_ptr<Checker> CheckAtomicity(World& world) { return std::make_unique<Atomicity>(world); }

}  // namespace rejoin::sim
