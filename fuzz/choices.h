// The input of a fuzz target as a row of decisions: small numbers first, so that one
// byte changed is one decision changed. Behind its end everything is 0, which every
// target takes as "nothing more".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/codec.h"

namespace rejoin::fuzz {

class Choices {
 public:
  explicit Choices(ByteView input) : rest_(input) {}

  bool AtEnd() const { return rest_.empty(); }
  std::uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // Less than `bound`, which is 1..256.
  std::size_t Below(std::size_t bound) { return Byte() % bound; }
  // At most `count` bytes.
  ByteView Take(std::size_t count) {
    const ByteView taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  ByteView Rest() { return Take(rest_.size()); }

 private:
  ByteView rest_;
};

}  // namespace rejoin::fuzz
