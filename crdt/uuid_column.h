// Texts that are all UUIDs, as 16 bytes each instead of 36: keys mostly are.
#pragma once

#include <cstddef>

#include "base/codec.h"

namespace rejoin {

inline constexpr std::size_t kUuidTextBytes = 36;
inline constexpr std::size_t kUuidBytes = 16;

// `texts`: UUIDs one after another in the usual spelling, lower case, such as
// 0190163d-8694-739b-aea5-966c26f8ad91. Appends first the first byte of each, then
// the second of each, and so on: those of a time are alike and lie together.
// False, and nothing appended, if one is spelt otherwise.
bool PackUuids(ByteView texts, Bytes& out);

// The texts again; `packed` is any multiple of 16 bytes long.
Bytes UnpackUuids(ByteView packed);

}  // namespace rejoin
