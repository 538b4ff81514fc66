#include "crdt/digest.h"

#include <algorithm>

#include "base/hash.h"

namespace rejoin {

void Digest::AddRow(std::string_view table, const Key& key, const std::vector<const Cell*>& cells,
                    const std::vector<std::string>& names) {
  // Column ids differ between replicas: names give the order.
  std::vector<const Cell*> by_name = cells;
  std::sort(by_name.begin(), by_name.end(), [&names](const Cell* a, const Cell* b) {
    return names[a->column] < names[b->column];
  });
  Bytes row;
  PutBytes(row, table);
  PutBytes(row, key);
  for (const Cell* cell : by_name) {
    PutBytes(row, names[cell->column]);
    PutValue(row, cell->value);
  }
  const auto hash = Hash128(row);
  lanes_[0] += hash[0];
  lanes_[1] += hash[1];
}

void Digest::Add(const Digest& other) {
  lanes_[0] += other.lanes_[0];
  lanes_[1] += other.lanes_[1];
}

void Digest::Put(Bytes& out) const {
  for (const std::uint64_t lane : lanes_) PutFixed64(out, lane);
}

std::optional<Digest> Digest::FromBytes(ByteView bytes) {
  if (bytes.size() != kBytes) return std::nullopt;
  ByteReader reader(bytes);
  Digest digest;
  for (std::uint64_t& lane : digest.lanes_) lane = reader.Fixed64();
  return digest;
}

std::string Digest::Hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint64_t lane : {lanes_[1], lanes_[0]}) {
    for (int shift = 60; shift >= 0; shift -= 4) hex.push_back(kDigits[(lane >> shift) & 15]);
  }
  return hex;
}

}  // namespace rejoin
