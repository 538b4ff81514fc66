#include "base/codec.h"

namespace rejoin {

void PutLongVarint(Bytes& out, std::uint64_t value) {
  char bytes[kMaxVarintBytes];
  std::size_t count = 0;
  for (; value >= 0x80; value >>= 7) bytes[count++] = static_cast<char>(value | 0x80);
  bytes[count++] = static_cast<char>(value);
  out.append(bytes, count);
}

void PutFixed64(Bytes& out, std::uint64_t value) {
  char bytes[8];
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  out.append(bytes, sizeof(bytes));
}

void PutBytes(Bytes& out, ByteView bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

std::uint64_t ByteReader::LongVarint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    if (!ok_) return 0;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      // One spelling per number: no bits beyond 64, no padding zeros.
      if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0)) break;
      return value;
    }
  }
  MarkFailed();
  return 0;
}

std::uint64_t ByteReader::Fixed64() {
  const ByteView raw = Raw(8);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(raw[i])) << (8 * i);
  }
  return value;
}

ByteView ByteReader::LengthPrefixed() {
  const std::uint64_t length = Varint();
  if (length > rest_.size()) {
    MarkFailed();
    return {};
  }
  return Raw(static_cast<std::size_t>(length));
}

}  // namespace rejoin
