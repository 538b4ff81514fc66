// XXH3, the one hash of the project. Not cryptographic: it finds accidents, not attacks.
#pragma once

#include <array>
#include <cstdint>

#include "base/codec.h"

namespace rejoin {

std::uint64_t Hash64(ByteView bytes, std::uint64_t seed = 0);

// Two independent 64-bit lanes; lane 0 is the low half.
std::array<std::uint64_t, 2> Hash128(ByteView bytes);

}  // namespace rejoin
