// Who has an honest clock is not led into the future: nothing here is stamped further ahead
// of the true time than the bound of docs/protocol.md, "Clocks". A blob is judged by nobody
// there, so worlds with blobs only tell who is honest.
#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

class Clocks final : public Checker {
 public:
  using Checker::Checker;

  void OnChange(Node& node, Cause, const VersionVector&) override {
    const std::uint64_t shown = node.machine->Now().wall_ms;
    const std::uint64_t off = shown > world_.now_ms() ? shown - world_.now_ms() : world_.now_ms() - shown;
    if (off > kClockToleranceMs) node.honest = false;
    if (!node.honest || world_.handed_blobs() || world_.healing()) return;
    const bool keeps_time = node.machine->is_hub() && node.machine->place().keeps_time;
    const std::uint64_t bound = keeps_time ? kHubBoundMs : kDeviceBoundMs;
    const auto latest = node.machine->store().LatestTimeSeen();
    if (!latest || latest->wall_ms() <= world_.now_ms() + bound + kClockToleranceMs) return;
    world_.Fault("clocks", Name(node) + " has a stamp " + std::to_string((latest->wall_ms() - world_.now_ms()) / 1000) +
                               " seconds ahead of the true time");
  }
};

}  // namespace

std::unique_ptr<Checker> CheckClocks(World& world) { return std::make_unique<Clocks>(world); }

}  // namespace rejoin::sim
