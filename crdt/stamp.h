// Logical time: hybrid timestamps, replica ids and the stamps made of them.
//
// Source: Kulkarni et al., "Logical Physical Clocks", OPODIS 2014. Departure:
// time and counter are one 64-bit integer, so a counter that overflows carries
// into the milliseconds instead of failing.
//
// Values only: nothing here reads a clock.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "base/codec.h"

namespace rejoin {

// The upper 48 bits count milliseconds since the Unix epoch (until the year
// 10889), the lower 16 a counter within one. 0 means "nothing happened yet".
struct HybridTimestamp {
  std::uint64_t value = 0;

  static constexpr unsigned kCounterBits = 16;
  static constexpr HybridTimestamp FromWall(std::uint64_t wall_ms) {
    return {wall_ms << kCounterBits};
  }
  constexpr std::uint64_t wall_ms() const { return value >> kCounterBits; }

  friend constexpr auto operator<=>(HybridTimestamp, HybridTimestamp) = default;
};

// The tick rule: the next timestamp of a replica whose latest own or merged one
// is `last`, at wall time `wall_ms`. Always greater than `last`, so a clock that
// jumps back or stands still is absorbed.
constexpr HybridTimestamp Tick(HybridTimestamp last, std::uint64_t wall_ms) {
  const HybridTimestamp wall = HybridTimestamp::FromWall(wall_ms);
  return wall > last ? wall : HybridTimestamp{last.value + 1};
}

// 16 bytes; the first is 0 for random ids (the rest is reserved for ids derived
// from keys). All zero is nobody.
struct ReplicaId {
  std::array<std::uint8_t, 16> bytes{};

  static ReplicaId Random(std::uint64_t first, std::uint64_t second);
  static std::optional<ReplicaId> FromBytes(ByteView bytes);  // exactly 16
  static std::optional<ReplicaId> FromHex(std::string_view hex);  // exactly 32 digits
  std::string Hex() const;
  ByteView View() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  // By memcmp: two words for ==, and not every standard library orders arrays.
  friend bool operator==(const ReplicaId& a, const ReplicaId& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), sizeof(a.bytes)) == 0;
  }
  friend std::strong_ordering operator<=>(const ReplicaId& a, const ReplicaId& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), sizeof(a.bytes)) <=> 0;
  }
};

// How a change came about; a larger rank wins whatever the time.
enum class Rank : std::uint8_t {
  kAdopted = 0,  // the row was there when its table was tracked
  kWritten = 1,  // somebody wrote it
  // 2 and 3 are reserved.
};
inline constexpr std::uint8_t kMaxRank = 3;

// A total order over all changes of all replicas. The pair (replica, time) is
// the change's *dot*: it names it. One transaction has one stamp.
struct Stamp {
  Rank rank = Rank::kAdopted;
  HybridTimestamp time;
  ReplicaId replica;

  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

}  // namespace rejoin

template <>
struct std::hash<rejoin::ReplicaId> {
  std::size_t operator()(const rejoin::ReplicaId& id) const noexcept;
};
