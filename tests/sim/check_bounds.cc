// Queues and frames have bounds, whatever a peer does not say.
#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

constexpr std::size_t kMaxPartsOnTheirWay = 8;  // docs/protocol.md, "What is sent"
constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 20;  // replica/message.h

class Bounds final : public Checker {
 public:
  using Checker::Checker;

  void OnSent(const Wire& wire, std::size_t from, const Bytes& frame) override {
    const std::string who = Name(world_.nodes()[wire.nodes[from]]);
    if (frame.size() >= kMaxFrameBytes) world_.Fault("bounds", who + " sends a frame that no link takes");
    // On a hurt link more may be on their way than the other end heard of.
    if (!wire.hurt && wire.ends[from].part_sent > wire.ends[from].part_acknowledged + kMaxPartsOnTheirWay) {
      world_.Fault("bounds", who + " sends more than eight parts that nobody has acknowledged");
    }
  }
};

}  // namespace

std::unique_ptr<Checker> CheckBounds(World& world) { return std::make_unique<Bounds>(world); }

}  // namespace rejoin::sim
