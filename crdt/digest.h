// A digest of what replicas share: equal on converged replicas whatever their
// history, schema order, local names or rows not shown.
//
// It is the sum, modulo 2^64 in each of two lanes, of a 128-bit XXH3 per present
// row over table name, key and each written cell by column name, storage class
// and bits. A sum has no order, so it can be taken in any, and rows can be taken
// out again. Not cryptographic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/inserted_row.h"

namespace rejoin {

class Digest {
 public:
  // `cells` as ShownCells returns them; `names[cell.column]` is the logical name.
  void AddRow(std::string_view table, const Key& key, const std::vector<const Cell*>& cells,
              const std::vector<std::string>& names);
  void AddRow(std::string_view table, const InsertedRow& row, const std::vector<std::string>& names);
  void Add(const Digest& other);

  std::string Hex() const;  // 32 digits
  // As others are told it. nullopt: not kBytes of them.
  static constexpr std::size_t kBytes = 16;
  void Put(Bytes& out) const;
  static std::optional<Digest> FromBytes(ByteView bytes);
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  struct NamedValue {
    const std::string* name;
    ValueView value;
  };
  void AddRow(std::string_view table, ByteView key, std::vector<NamedValue>& cells);

  std::array<std::uint64_t, 2> lanes_{};
};

}  // namespace rejoin
