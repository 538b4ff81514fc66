// A column of values: types, integers, reals, lengths and bytes each apart, so
// that like lies beside like. Both key parts and cells are stored this way.
//
//   column := types [integers] [reals] [strings]
//   types := 0..4 for all values | 5, then a type byte per value
//   integers := coding, then the numbers in that coding
//   reals := 8 bytes each, little-endian
//   strings := a varint length each, then all their bytes
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

  Bytes types_;
  bool mixed_ = false;
  std::vector<std::uint64_t> integers_;
  Bytes reals_;
  Bytes lengths_;
  Bytes strings_;
};

// Reads a column of `count` values into `values` (replaced); they point into the
// reader's input. kCorrupt names what is wrong.
Status ReadValueColumn(ByteReader& reader, std::size_t count, std::vector<ValueView>& values);

}  // namespace rejoin
