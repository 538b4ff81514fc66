#include "base/codec.h"

namespace rejoin {

void PutVarint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void PutFixed64(Bytes& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

void PutBytes(Bytes& out, ByteView bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

std::uint8_t ByteReader::Byte() {
  if (rest_.empty()) {
    MarkFailed();
    return 0;
  }
  const auto byte = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

std::uint64_t ByteReader::Varint() {
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

ByteView ByteReader::Raw(std::size_t count) {
  if (count > rest_.size()) {
    MarkFailed();
    return {};
  }
  const ByteView view = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return view;
}

ByteView ByteReader::LengthPrefixed() {
  const std::uint64_t length = Varint();
  if (length > rest_.size()) {
    MarkFailed();
    return {};
  }
  return Raw(static_cast<std::size_t>(length));
}

std::uint64_t ByteReader::VarintUpTo(std::uint64_t max) {
  const std::uint64_t value = Varint();
  if (value > max) MarkFailed();
  return ok_ ? value : 0;
}

}  // namespace rejoin
