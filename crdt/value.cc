#include "crdt/value.h"

#include <array>
#include <cstring>

namespace rejoin {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

void PutBigEndian64(Bytes& out, std::uint64_t value) {
  std::array<char, 8> bytes;
  for (char& byte : bytes) {
    byte = static_cast<char>(value >> 56);
    value <<= 8;
  }
  out.append(bytes.data(), bytes.size());
}

std::uint64_t ReadBigEndian64(ByteReader& reader) {
  std::uint64_t value = 0;
  for (const char byte : reader.Raw(8)) value = (value << 8) | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

Value Value::Real(double number) {
  Value value{ValueType::kReal, 0, {}};
  static_assert(sizeof(value.bits) == sizeof(number));
  std::memcpy(&value.bits, &number, sizeof(number));
  return value;
}

double Value::real() const {
  double number = 0;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
}

void PutValue(Bytes& out, const ValueView& value) {
  out.push_back(static_cast<char>(value.type));
  switch (value.type) {
    case ValueType::kNull:
      return;
    case ValueType::kInteger:
      return PutVarint(out, ZigZag(static_cast<std::int64_t>(value.bits)));
    case ValueType::kReal:
      return PutFixed64(out, value.bits);
    case ValueType::kText:
    case ValueType::kBlob:
      return PutBytes(out, value.bytes);
  }
}

Value ReadValue(ByteReader& reader) {
  switch (reader.Byte()) {
    case 0:
      return Value::Null();
    case 1:
      return Value::Integer(UnZigZag(reader.Varint()));
    case 2:
      return {ValueType::kReal, reader.Fixed64(), {}};
    case 3:
      return Value::Text(Bytes(reader.LengthPrefixed()));
    case 4:
      return Value::Blob(Bytes(reader.LengthPrefixed()));
    default:
      reader.MarkFailed();
      return Value::Null();
  }
}

void AppendKeyPart(Key& key, const ValueView& value) {
  key.push_back(static_cast<char>(value.type));
  if (value.type == ValueType::kInteger) {
    PutBigEndian64(key, value.bits ^ kSignBit);
  } else if (value.type == ValueType::kReal) {
    PutBigEndian64(key, value.bits);
  } else {
    PutBytes(key, value.bytes);
  }
}

Key EncodeKey(const std::vector<Value>& values) {
  Key key;
  for (const Value& value : values) AppendKeyPart(key, value);
  return key;
}

std::optional<ValueView> ReadKeyPart(ByteReader& reader) {
  const std::uint8_t type = reader.Byte();
  ValueView part;
  if (type == 1) {
    part = {ValueType::kInteger, ReadBigEndian64(reader) ^ kSignBit, {}};
  } else if (type == 2) {
    part = {ValueType::kReal, ReadBigEndian64(reader), {}};
  } else if (type == 3 || type == 4) {
    part = {static_cast<ValueType>(type), 0, reader.LengthPrefixed()};
  } else {
    reader.MarkFailed();
  }
  if (!reader.ok()) return std::nullopt;
  return part;
}

std::optional<std::vector<Value>> DecodeKey(ByteView key) {
  std::vector<Value> values;
  ByteReader reader(key);
  while (reader.ok() && reader.remaining() > 0) {
    const std::optional<ValueView> part = ReadKeyPart(reader);
    if (part) values.push_back({part->type, part->bits, Bytes(part->bytes)});
  }
  if (!reader.ok() || values.empty()) return std::nullopt;
  return values;
}

}  // namespace rejoin
