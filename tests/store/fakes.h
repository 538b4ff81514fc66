// The world as tests make it: time that moves when told to, chance that repeats.
#pragma once

#include <cstdint>

#include "base/os.h"
#include "crdt/stamp.h"

namespace rejoin {

class FakeClock final : public Clock {
 public:
  std::uint64_t WallMs() override { return wall_ms; }
  std::uint64_t SteadyMs() override { return wall_ms; }

  std::uint64_t wall_ms = 1'700'000'000'000;
};

// Never the same twice in the life of a process, and never 0.
class FakeRandom final : public Random {
 public:
  std::uint64_t Draw64() override { return state_ += 0x9e3779b97f4a7c15u; }

 private:
  std::uint64_t state_ = 1;
};

// The replica with this number in a test; greater numbers win ties.
inline ReplicaId TestReplicaId(std::size_t number) {
  ReplicaId id;
  id.bytes[1] = static_cast<std::uint8_t>(number + 1);
  return id;
}

}  // namespace rejoin
