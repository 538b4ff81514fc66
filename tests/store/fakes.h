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

// True time, and what a wrong clock makes of it.
class OffClock final : public Clock {
 public:
  explicit OffClock(FakeClock& truth) : truth_(truth) {}
  std::uint64_t WallMs() override { return truth_.wall_ms + static_cast<std::uint64_t>(ahead_ms); }
  std::uint64_t SteadyMs() override { return truth_.SteadyMs(); }

  std::int64_t ahead_ms = 0;

 private:
  FakeClock& truth_;
};

// The same sequence for the same seed, without repetition.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 0) : state_(Scattered(seed + kStep)) {}

  std::uint64_t Draw64() override { return Scattered(state_ += kStep); }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  static std::uint64_t Scattered(std::uint64_t z) {  // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

// The replica with this number in a test; greater numbers win ties.
inline ReplicaId TestReplicaId(std::size_t number) {
  ReplicaId id;
  id.bytes[1] = static_cast<std::uint8_t>(number + 1);
  return id;
}

}  // namespace rejoin
