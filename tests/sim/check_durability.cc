// What was committed is there after the process died, or rolled back, and nothing else; and a vector only
// rises, but where the file is put back or its unseen changes get other times.
#include <map>

#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

class Durability final : public Checker {
 public:
  using Checker::Checker;

  void OnCrash(Node& node) override {
    const bool in_batch = node.machine->hub() != nullptr && node.machine->hub()->InBatch();
    before_ = in_batch ? std::string() : DigestOf(node);
  }

  void OnChange(Node& node, Cause cause, const VersionVector& was) override {
    if (cause == Cause::kPutBack || cause == Cause::kCorrection) return;
    if (!CoversButGivenUp(world_, node.vector, was)) {
      world_.Fault("durability", Name(node) + " has forgotten what its vector covered");
    }
    if (cause != Cause::kCrash && cause != Cause::kRollBack) return;
    if (!(node.vector == was)) world_.Fault("durability", Name(node) + " has what was never committed");
    if (cause == Cause::kCrash && !before_.empty() && DigestOf(node) != before_) {
      world_.Fault("durability", Name(node) + " is not what it was before its process died");
    }
  }

 private:
  static std::string DigestOf(Node& node) {
    const auto digest = node.machine->store().StateDigest({});
    return digest ? digest->Hex() : digest.error().message;
  }

  std::string before_;
};

}  // namespace

std::unique_ptr<Checker> CheckDurability(World& world) { return std::make_unique<Durability>(world); }

}  // namespace rejoin::sim
