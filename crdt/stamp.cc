#include "crdt/stamp.h"

#include <algorithm>

#include "base/hash.h"

namespace rejoin {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

ReplicaId ReplicaId::Random(std::uint64_t first, std::uint64_t second) {
  ReplicaId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(first >> (8 * i));
    id.bytes[i + 8] = static_cast<std::uint8_t>(second >> (8 * i));
  }
  id.bytes[0] = 0;
  return id;
}

std::optional<ReplicaId> ReplicaId::FromBytes(ByteView bytes) {
  ReplicaId id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

std::optional<ReplicaId> ReplicaId::FromHex(std::string_view hex) {
  ReplicaId id;
  if (hex.size() != 2 * id.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return id;
}

std::string ReplicaId::Hex() const {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    hex.push_back(kHexDigits[byte >> 4]);
    hex.push_back(kHexDigits[byte & 15]);
  }
  return hex;
}

}  // namespace rejoin

std::size_t std::hash<rejoin::ReplicaId>::operator()(const rejoin::ReplicaId& id) const noexcept {
  return static_cast<std::size_t>(rejoin::Hash64(id.View()));
}
