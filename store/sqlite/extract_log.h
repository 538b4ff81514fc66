// What changed since an earlier point, by the log.
#pragma once

#include <optional>
#include <vector>

#include "store/sqlite/log.h"

namespace rejoin {

struct LogWalk {
  VersionVector vector;            // at the point that was reached
  // Keys changed since, by table and key, each once; nullopt where the log does
  // not list them all, or too many.
  std::optional<std::vector<TouchedKey>> keys;
};

// Back to a position (the caller knows that it is there). `vector`: today's.
Result<LogWalk> WalkBackTo(Engine& engine, std::uint64_t position, const VersionVector& vector);

// Back to where `since` covers everything. nullopt: the log does not reach there,
// or it is too far to be worth it.
Result<std::optional<LogWalk>> WalkBackUntilCovered(Engine& engine, const VersionVector& since,
                                                    const VersionVector& vector);

}  // namespace rejoin
