// Columns choose a coding by what is in them; each has to come back.
#include "crdt/value_column.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "crdt/uuid_column.h"
#include "tests/crdt/generators.h"

namespace rejoin {
namespace {

Bytes Encoded(const std::vector<Value>& values) {
  ValueColumn column;
  for (const Value& value : values) column.Append(value);
  Bytes bytes;
  column.Encode(bytes);
  return bytes;
}

std::vector<Value> Decoded(ByteView bytes, std::size_t count) {
  ByteReader reader(bytes);
  DecodedColumn column;
  const Status read = ReadValueColumn(reader, count, column);
  EXPECT_TRUE(read) << read.error().message;
  EXPECT_TRUE(reader.AtEnd());
  std::vector<Value> values;
  for (const ValueView& view : column.values) {
    values.push_back({view.type, view.bits, Bytes(view.bytes)});
  }
  return values;
}

void ExpectBack(const std::vector<Value>& values) {
  EXPECT_TRUE(Decoded(Encoded(values), values.size()) == values);
}

RC_GTEST_PROP(ValueColumn, AnyColumnComesBack, (const std::vector<Value>& values)) {
  RC_PRE(!values.empty());
  RC_ASSERT(Decoded(Encoded(values), values.size()) == values);
}

TEST(ValueColumn, AscendingIntegersTakeAByteEach) {
  std::vector<Value> values;
  for (std::int64_t i = 0; i < 100; ++i) values.push_back(Value::Integer(1000000 + 3 * i));
  ExpectBack(values);
  EXPECT_LE(Encoded(values).size(), 105u);
}

TEST(ValueColumn, RandomIntegersTakeEightBytesEach) {
  std::vector<Value> values;
  std::uint64_t state = 1;
  for (int i = 0; i < 100; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values.push_back(Value::Integer(static_cast<std::int64_t>(state)));
  }
  ExpectBack(values);
  EXPECT_EQ(Encoded(values).size(), 802u);
}

TEST(ValueColumn, DifferencesOfIntegersMayWrap) {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  ExpectBack({Value::Integer(most), Value::Integer(least), Value::Integer(least + 1),
              Value::Integer(least + 2), Value::Integer(least + 3)});
}

const Bytes kUuid = "0190163d-8694-739b-aea5-966c26f8ad91";

TEST(ValueColumn, UuidsTakeSixteenBytesEach) {
  const Bytes other = "ffffffff-ffff-ffff-ffff-fffffffffff0";
  const std::vector<Value> values = {Value::Text(kUuid), Value::Null(), Value::Text(other),
                                     Value::Blob(kUuid)};
  ExpectBack(values);
  EXPECT_EQ(Encoded(values).size(), 1 + 4 + 1 + 3 * kUuidBytes);
}

TEST(ValueColumn, WhatOnlyLooksLikeAUuidIsKeptAsItIs) {
  Bytes upper = kUuid;
  upper[5] = 'A';
  Bytes undashed = kUuid;
  undashed[8] = '0';
  Bytes strange = kUuid;
  strange[35] = 'g';
  for (const Bytes& text : {upper, undashed, strange, kUuid + "0", Bytes(36, '-'), Bytes(36, '0')}) {
    ExpectBack({Value::Text(kUuid), Value::Text(text)});
    ExpectBack({Value::Text(text), Value::Text(kUuid)});
  }
}

TEST(ValueColumn, ClearedColumnsStartAnew) {
  ValueColumn column;
  column.Append(Value::Text("not a UUID"));
  column.Append(Value::Integer(1));
  column.Append(Value::Real(1));
  column.Clear();
  column.Append(Value::Text(kUuid));
  Bytes bytes;
  column.Encode(bytes);
  EXPECT_EQ(bytes, Encoded({Value::Text(kUuid)}));
}

}  // namespace
}  // namespace rejoin
