// Values in an order of their own, and keys in one spelling.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "tests/crdt/generators.h"

namespace rejoin {
namespace {

TEST(Value, OrderIsByClassThenBitsThenBytes) {
  const Value ascending[] = {
      Value::Null(),        Value::Integer(0), Value::Integer(1), Value::Integer(-1),
      Value::Real(0.0),     Value::Real(1.0),  Value::Real(-0.0), Value::Text(""),
      Value::Text("a"),     Value::Text(Bytes("a\0", 2)),         Value::Text("\x7f"),
      Value::Text("\xff"),  Value::Blob(""),   Value::Blob("a")};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(ascending[i] <=> ascending[j], i <=> j) << i << " and " << j;
      EXPECT_EQ(ascending[i] == ascending[j], i == j) << i << " and " << j;
    }
  }
}

RC_GTEST_PROP(Value, AnyValueComesBackBitForBit, (const Value& value)) {
  Bytes bytes;
  PutValue(bytes, value);
  ByteReader reader(bytes);
  RC_ASSERT(ReadValue(reader) == value);
  RC_ASSERT(reader.AtEnd());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ByteReader cut(ByteView(bytes).substr(0, length));
    ReadValue(cut);
    RC_ASSERT(!cut.ok());
  }
}

RC_GTEST_PROP(Key, AnyKeyComesBack, (std::vector<Value> values)) {
  for (Value& value : values) {
    if (value.type == ValueType::kNull) value = Value::Integer(0);
  }
  RC_PRE(!values.empty());
  const auto back = DecodeKey(EncodeKey(values));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == values);
}

RC_GTEST_PROP(Key, OrderOfIntegerKeysIsThatOfTheIntegers, (std::int64_t a, std::int64_t b)) {
  const Key left = EncodeKey({Value::Integer(a)});
  const Key right = EncodeKey({Value::Integer(b)});
  RC_ASSERT((left < right) == (a < b));
}

RC_GTEST_PROP(Key, AnyBytesAreAKeyInItsOnlySpellingOrNone, (const std::string& bytes)) {
  const auto values = DecodeKey(bytes);
  if (values) RC_ASSERT(EncodeKey(*values) == bytes);
}

TEST(Key, RefusesWhatIsNotCanonical) {
  EXPECT_FALSE(DecodeKey(""));
  EXPECT_FALSE(DecodeKey(Bytes(1, '\0'))) << "NULL";
  EXPECT_FALSE(DecodeKey(Bytes("\x03\x81\x00x", 4))) << "a length padded with a zero";
  EXPECT_FALSE(DecodeKey("\x03\x05text")) << "cut short";
  EXPECT_FALSE(DecodeKey("\x01seven..")) << "cut short";
  EXPECT_FALSE(DecodeKey("\x05")) << "no such class";
}

}  // namespace
}  // namespace rejoin
