// What the two halves of the state columns share: how a shape spells a cell.
#pragma once

#include <cstdint>

#include "crdt/row_state.h"

namespace rejoin {

// Where a cell's stamp comes from. 3 is unused.
enum class StampSource : std::uint8_t {
  kBirth = 0,         // its incarnation's birth
  kOwn = 1,           // the next of the cell stamps
  kSameAsBefore = 2,  // the latest cell stamp used in this incarnation
};

// A cell in a shape: the columns skipped since the one before, times 4, plus the source.
constexpr std::uint64_t CellCode(std::uint32_t skipped, StampSource source) {
  return std::uint64_t{skipped} << 2 | static_cast<std::uint64_t>(source);
}

constexpr std::uint64_t kMaxCounter = (std::uint64_t{1} << HybridTimestamp::kCounterBits) - 1;
constexpr std::uint64_t kMaxWallMs = ~std::uint64_t{0} >> HybridTimestamp::kCounterBits;

constexpr std::uint64_t CounterOf(HybridTimestamp time) { return time.value & kMaxCounter; }

}  // namespace rejoin
