#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace rejoin {

std::uint64_t Hash64(ByteView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::array<std::uint64_t, 2> Hash128(ByteView bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace rejoin
