// Bounded reading and writing of bytes: the ground under every format of ours.
//
// Bytes is std::string because short keys then need no allocation and its
// comparison is that of unsigned bytes (memcmp), the order our formats use.
// Integers are LEB128 varints (at most 10 bytes) or fixed little-endian words.
//
// A ByteReader never reads past its view, never trusts a length and never
// allocates: views it returns point into its input. After the first failure
// every call fails, so a caller may check ok() once at the end of a group.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rejoin {

using Bytes = std::string;
using ByteView = std::string_view;

inline constexpr std::size_t kMaxVarintBytes = 10;

void PutLongVarint(Bytes& out, std::uint64_t value);
// Most numbers of ours take one byte, so that case is inline, here and in the reader.
inline void PutVarint(Bytes& out, std::uint64_t value) {
  if (value >= 0x80) return PutLongVarint(out, value);
  out.push_back(static_cast<char>(value));
}
void PutFixed64(Bytes& out, std::uint64_t value);
// varint length, then the bytes.
void PutBytes(Bytes& out, ByteView bytes);

// Maps signed to unsigned so that small magnitudes stay short: 0, -1, 1, -2, ...
constexpr std::uint64_t ZigZag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t UnZigZag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

class ByteReader {
 public:
  explicit ByteReader(ByteView input) : rest_(input) {}

  // On failure these return 0 or an empty view, and ok() turns false.
  std::uint8_t Byte() {
    if (rest_.empty()) return Failed();
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::uint64_t Varint() {
    if (rest_.empty() || static_cast<std::uint8_t>(rest_.front()) >= 0x80) return LongVarint();
    return Byte();
  }
  std::uint64_t Fixed64();
  ByteView Raw(std::size_t count) {
    if (count > rest_.size()) MarkFailed();
    if (!ok_) return {};
    const ByteView view(rest_.data(), count);
    rest_.remove_prefix(count);
    return view;
  }
  ByteView LengthPrefixed();

  // A varint that must be at most `max` (a count or an index): else failure.
  std::uint64_t VarintUpTo(std::uint64_t max) {
    const std::uint64_t value = Varint();
    return value > max ? Failed() : value;
  }

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }
  ByteView rest() const { return rest_; }
  void MarkFailed() { ok_ = false; rest_ = {}; }

 private:
  std::uint8_t Failed() {
    MarkFailed();
    return 0;
  }
  std::uint64_t LongVarint();

  ByteView rest_;
  bool ok_ = true;
};

}  // namespace rejoin
