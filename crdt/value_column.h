// A column of values: types, integers, reals, lengths and bytes each apart, so
// that like lies beside like. Both key parts and cells are stored this way.
//
//   column := types [integers] [reals] [strings]
//   types := 0..4 for all values | 5, then a type byte per value
//   integers := coding, then the numbers in that coding
//   reals := 8 bytes each, little-endian
//   strings := coding, then 0: a varint length each, then all their bytes
//                           1: UUIDs (crdt/uuid_column.h)
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "crdt/value.h"

namespace rejoin {

class ValueColumn {
 public:
  void Append(const ValueView& value);
  std::size_t size() const { return types_.size(); }
  // Appends the encoded column; not for an empty one.
  void Encode(Bytes& out) const;
  void Clear();

 private:
  void EncodeIntegers(Bytes& out) const;
  void EncodeStrings(Bytes& out) const;

  Bytes types_;
  bool mixed_ = false;
  std::vector<std::uint64_t> integers_;
  Bytes reals_;
  bool uuid_lengths_ = true;  // so far
  Bytes lengths_;
  Bytes strings_;
};

// A column that was read. The values point into the reader's input or into
// `unpacked`: it stays where it is.
struct DecodedColumn {
  std::vector<ValueView> values;
  Bytes unpacked;
};

// Reads a column of `count` values into `column` (replaced). kCorrupt names what
// is wrong.
Status ReadValueColumn(ByteReader& reader, std::size_t count, DecodedColumn& column);

}  // namespace rejoin
