#include "crdt/digest.h"

#include <algorithm>

#include "base/hash.h"

namespace rejoin {

void Digest::AddRow(std::string_view table, const Key& key, const std::vector<const Cell*>& cells,
                    const std::vector<std::string>& names) {
  std::vector<NamedValue> named;
  named.reserve(cells.size());
  for (const Cell* const cell : cells) named.push_back({&names[cell->column], cell->value});
  AddRow(table, key, named);
}

void Digest::AddRow(std::string_view table, const InsertedRow& row, const std::vector<std::string>& names) {
  std::vector<NamedValue> named;
  named.reserve(row.columns.size());
  for (std::size_t i = 0; i < row.columns.size(); ++i) named.push_back({&names[row.columns[i]], row.values[i]});
  AddRow(table, row.key, named);
}

void Digest::AddRow(std::string_view table, ByteView key, std::vector<NamedValue>& cells) {
  // Column ids differ between replicas: names give the order.
  std::sort(cells.begin(), cells.end(), [](const NamedValue& a, const NamedValue& b) { return *a.name < *b.name; });
  Bytes row;
  PutBytes(row, table);
  PutBytes(row, key);
  for (const NamedValue& cell : cells) {
    PutBytes(row, *cell.name);
    PutValue(row, cell.value);
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
