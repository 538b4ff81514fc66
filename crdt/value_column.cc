#include "crdt/value_column.h"

#include <algorithm>
#include <bit>

#include "crdt/delta_format.h"
#include "crdt/section.h"
#include "crdt/uuid_column.h"

namespace rejoin {
namespace {

constexpr std::uint8_t kMixedTypes = 5;
constexpr std::uint8_t kMaxType = static_cast<std::uint8_t>(ValueType::kBlob);

enum class IntegerCoding : std::uint8_t {
  kPlain = 0,   // zigzag varints
  kDeltas = 1,  // zigzag varints of the difference to the one before, modulo 2^64
  kFixed = 2,   // 8 bytes each, little-endian
};

enum class StringCoding : std::uint8_t {
  kLengths = 0,  // a varint length each, then all bytes
  kUuids = 1,    // all are UUIDs: 16 bytes each
};

std::size_t VarintBytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

std::uint64_t ZigZagBits(std::uint64_t twos_complement) {
  return ZigZag(static_cast<std::int64_t>(twos_complement));
}

IntegerCoding ShortestCoding(const std::vector<std::uint64_t>& integers) {
  std::size_t plain = 0;
  std::size_t deltas = 0;
  std::uint64_t before = 0;
  for (const std::uint64_t integer : integers) {
    plain += VarintBytes(ZigZagBits(integer));
    deltas += VarintBytes(ZigZagBits(integer - before));
    before = integer;
  }
  const std::size_t fixed = 8 * integers.size();
  if (plain <= deltas && plain <= fixed) return IntegerCoding::kPlain;
  return deltas <= fixed ? IntegerCoding::kDeltas : IntegerCoding::kFixed;
}

// A huge value must not make every later block hold its memory.
void Empty(Bytes& bytes) {
  bytes.clear();
  if (bytes.capacity() > 2 * kBlockTargetBytes) bytes.shrink_to_fit();
}

}  // namespace

void ValueColumn::Append(const ValueView& value) {
  const char type = static_cast<char>(value.type);
  mixed_ = mixed_ || (!types_.empty() && types_.front() != type);
  types_.push_back(type);
  switch (value.type) {
    case ValueType::kNull:
      return;
    case ValueType::kInteger:
      integers_.push_back(value.bits);
      return;
    case ValueType::kReal:
      return PutFixed64(reals_, value.bits);
    case ValueType::kText:
    case ValueType::kBlob:
      uuid_lengths_ = uuid_lengths_ && value.bytes.size() == kUuidTextBytes;
      PutVarint(lengths_, value.bytes.size());
      strings_.append(value.bytes);
      return;
  }
}

void ValueColumn::EncodeIntegers(Bytes& out) const {
  const IntegerCoding coding = ShortestCoding(integers_);
  out.push_back(static_cast<char>(coding));
  std::uint64_t before = 0;
  for (const std::uint64_t integer : integers_) {
    if (coding == IntegerCoding::kFixed) {
      PutFixed64(out, integer);
    } else {
      PutVarint(out, ZigZagBits(integer - before));
      if (coding == IntegerCoding::kDeltas) before = integer;
    }
  }
}

void ValueColumn::EncodeStrings(Bytes& out) const {
  if (uuid_lengths_) {
    out.push_back(static_cast<char>(StringCoding::kUuids));
    if (PackUuids(strings_, out)) return;
    out.pop_back();
  }
  out.push_back(static_cast<char>(StringCoding::kLengths));
  out.append(lengths_);
  out.append(strings_);
}

void ValueColumn::Encode(Bytes& out) const {
  if (mixed_) {
    out.push_back(static_cast<char>(kMixedTypes));
    out.append(types_);
  } else {
    out.push_back(types_.front());
  }
  if (!integers_.empty()) EncodeIntegers(out);
  out.append(reals_);
  if (!lengths_.empty()) EncodeStrings(out);
}

void ValueColumn::Clear() {
  mixed_ = false;
  uuid_lengths_ = true;
  integers_.clear();
  for (Bytes* bytes : {&types_, &reals_, &lengths_, &strings_}) Empty(*bytes);
}

namespace {

// Fills in the types; false where one is unknown or missing.
bool ReadTypes(ByteReader& reader, std::vector<ValueView>& values) {
  const std::uint8_t first = reader.Byte();
  if (first != kMixedTypes) {
    for (ValueView& value : values) value.type = static_cast<ValueType>(first);
    return reader.ok() && first <= kMaxType;
  }
  const ByteView types = reader.Raw(values.size());
  if (!reader.ok()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto type = static_cast<std::uint8_t>(types[i]);
    if (type > kMaxType) return false;
    values[i].type = static_cast<ValueType>(type);
  }
  return true;
}

bool ReadIntegers(ByteReader& reader, std::vector<ValueView>& values) {
  const auto integer = [](const ValueView& value) { return value.type == ValueType::kInteger; };
  if (std::none_of(values.begin(), values.end(), integer)) return true;
  const std::uint8_t coding = reader.Byte();
  if (coding > static_cast<std::uint8_t>(IntegerCoding::kFixed)) return false;
  const bool fixed = coding == static_cast<std::uint8_t>(IntegerCoding::kFixed);
  const bool deltas = coding == static_cast<std::uint8_t>(IntegerCoding::kDeltas);
  std::uint64_t before = 0;
  for (ValueView& value : values) {
    if (!integer(value)) continue;
    if (fixed) {
      value.bits = reader.Fixed64();
    } else {
      value.bits = before + static_cast<std::uint64_t>(UnZigZag(reader.Varint()));
      if (deltas) before = value.bits;
    }
  }
  return reader.ok();
}

bool ReadReals(ByteReader& reader, std::vector<ValueView>& values) {
  for (ValueView& value : values) {
    if (value.type == ValueType::kReal) value.bits = reader.Fixed64();
  }
  return reader.ok();
}

bool IsString(const ValueView& value) { return value.type >= ValueType::kText; }

bool ReadLengths(ByteReader& reader, std::vector<ValueView>& values) {
  ByteReader bytes = reader;  // once past the lengths
  for (const ValueView& value : values) {
    if (IsString(value)) bytes.VarintUpTo(kMaxCellBytes);
  }
  for (ValueView& value : values) {
    if (IsString(value)) value.bytes = bytes.Raw(static_cast<std::size_t>(reader.Varint()));
  }
  reader = bytes;
  return reader.ok();
}

bool ReadStrings(ByteReader& reader, DecodedColumn& column) {
  const auto count = static_cast<std::size_t>(
      std::count_if(column.values.begin(), column.values.end(), IsString));
  if (count == 0) return true;
  const std::uint8_t coding = reader.Byte();
  if (coding == static_cast<std::uint8_t>(StringCoding::kLengths)) {
    return ReadLengths(reader, column.values);
  }
  if (coding != static_cast<std::uint8_t>(StringCoding::kUuids)) return false;
  const ByteView packed = reader.Raw(count * kUuidBytes);
  if (!reader.ok()) return false;
  column.unpacked = UnpackUuids(packed);
  std::size_t next = 0;
  for (ValueView& value : column.values) {
    if (!IsString(value)) continue;
    value.bytes = ByteView(column.unpacked).substr(next, kUuidTextBytes);
    next += kUuidTextBytes;
  }
  return true;
}

}  // namespace

Status ReadValueColumn(ByteReader& reader, std::size_t count, DecodedColumn& column) {
  column.values.assign(count, ValueView());
  if (!ReadTypes(reader, column.values)) return Damaged("a value has no type that SQLite knows");
  if (!ReadIntegers(reader, column.values)) return Damaged("integers are missing or misspelt");
  if (!ReadReals(reader, column.values)) return Damaged("reals are missing");
  if (!ReadStrings(reader, column)) return Damaged("texts or blobs are missing or misspelt");
  return {};
}

}  // namespace rejoin
