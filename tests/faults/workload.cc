#include "tests/faults/workload.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kStartMs = 1'700'000'000'000;
constexpr std::uint64_t kStepMs = 1'000;
constexpr char kPeerPragmas[] = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF";

}  // namespace

std::vector<DeviceCase> DeviceCases() {
  std::vector<DeviceCase> cases;
  for (std::size_t workload = 0; workload < DeviceWorkloads().size(); ++workload) {
    for (std::size_t mode = 0; mode < std::size(kModes); ++mode) cases.push_back({workload, mode});
  }
  return cases;
}

std::string NameOf(const DeviceCase& of) { return DeviceWorkloads()[of.workload].name + "_" + kModes[of.mode].name; }

Status World::OpenDevice(std::uint64_t generation) {
  device.reset();
  REJOIN_ASSIGN(device, Device::Open(drive, {mode.pragmas + (";" + workload.pragmas), 1'000 + generation, workload.limit}));
  return {};
}

Status World::OpenPeer(std::uint64_t generation) {
  peer.reset();
  REJOIN_ASSIGN(peer, Device::Open(peer_drive, {kPeerPragmas + (";" + workload.pragmas), 500'000 + generation, {}}));
  return {};
}

void World::SetClocks(std::size_t index) {
  const std::uint64_t now_ms = kStartMs + (index + 1) * kStepMs;
  if (device != nullptr) device->clock.wall_ms = now_ms;
  if (peer != nullptr) peer->clock.wall_ms = now_ms + kStepMs / 2;
}

Status World::Before(std::size_t index) {
  SetClocks(index);
  const Step& step = workload.steps[index];
  return step.before ? step.before(*this) : Status();
}

Result<Start> Prepare(const Workload& workload, const Mode& mode) {
  World world(workload, mode, {}, {});
  REJOIN_TRY(world.OpenPeer(1));
  if (!workload.prepare) return Start{{}, world.peer_drive.disk.Image()};
  REJOIN_TRY(world.OpenDevice(1));
  world.device->clock.wall_ms = world.peer->clock.wall_ms = kStartMs;
  REJOIN_TRY(workload.prepare(world));
  world.device.reset();
  world.peer.reset();
  Start start{world.drive.disk.Image(), world.peer_drive.disk.Image()};
  if (workload.alter) workload.alter(start.device);
  return start;
}

}  // namespace rejoin::testing
