// A value of SQLite's five storage classes, bit for bit, and keys made of values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/codec.h"

namespace rejoin {

// The numbers are those of our formats.
enum class ValueType : std::uint8_t { kNull = 0, kInteger = 1, kReal = 2, kText = 3, kBlob = 4 };

// Equality and order are by storage class, then bits or bytes: 1 and 1.0 differ,
// 0.0 and -0.0 differ. It is an arbitrary total order, not SQL's.
struct Value {
  ValueType type = ValueType::kNull;
  std::uint64_t bits = 0;  // kInteger: two's complement; kReal: IEEE 754 bits; else 0
  Bytes bytes;             // kText (any bytes, in UTF-8 if the writer was right), kBlob; else empty

  static Value Null() { return {}; }
  static Value Integer(std::int64_t number) {
    return {ValueType::kInteger, static_cast<std::uint64_t>(number), {}};
  }
  static Value Real(double number);
  static Value Text(Bytes text) { return {ValueType::kText, 0, std::move(text)}; }
  static Value Blob(Bytes blob) { return {ValueType::kBlob, 0, std::move(blob)}; }

  std::int64_t integer() const { return static_cast<std::int64_t>(bits); }
  double real() const;
  std::size_t size_bytes() const { return 8 + bytes.size(); }

  // Spelt out: not every standard library has <=> for strings.
  friend std::strong_ordering operator<=>(const Value& a, const Value& b) {
    if (a.type != b.type) return a.type <=> b.type;
    if (a.bits != b.bits) return a.bits <=> b.bits;
    return a.bytes.compare(b.bytes) <=> 0;
  }
  friend bool operator==(const Value&, const Value&) = default;
};

// A value whose bytes live elsewhere.
struct ValueView {
  ValueType type = ValueType::kNull;
  std::uint64_t bits = 0;
  ByteView bytes;

  ValueView() = default;
  ValueView(ValueType the_type, std::uint64_t the_bits, ByteView the_bytes)
      : type(the_type), bits(the_bits), bytes(the_bytes) {}
  // Not explicit: a value may be passed wherever a view of it will do.
  ValueView(const Value& value) : ValueView(value.type, value.bits, value.bytes) {}

  std::size_t size_bytes() const { return 8 + bytes.size(); }
};

// type byte, then: integer zigzag varint; real 8 bytes little-endian; text and
// blob varint length and bytes; null nothing.
void PutValue(Bytes& out, const ValueView& value);
// On damage marks the reader failed and returns NULL.
Value ReadValue(ByteReader& reader);

// A row's identity: its primary key values in declared order, none NULL, in one
// canonical spelling, so equal keys are equal bytes. Per value a type byte, then
// integers and reals as 8 big-endian bytes (integers with the sign bit flipped,
// so that bytes order as numbers do), text and blob as varint length and bytes.
using Key = Bytes;
Key EncodeKey(const std::vector<Value>& values);
void AppendKeyPart(Key& key, const ValueView& value);  // value is not NULL
// The next part of a key; nullopt, and the reader failed, unless it is canonical.
std::optional<ValueView> ReadKeyPart(ByteReader& reader);
// nullopt unless `key` is canonical.
std::optional<std::vector<Value>> DecodeKey(ByteView key);

}  // namespace rejoin
