// Numbers and lengths as bytes: one spelling each, and no read past the end.
#include "base/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace rejoin {
namespace {

Bytes Varint(std::uint64_t value) {
  Bytes out;
  PutVarint(out, value);
  return out;
}

RC_GTEST_PROP(Codec, AnyVarintComesBack, (std::uint64_t drawn)) {
  for (unsigned shift = 0; shift < 64; ++shift) {
    const std::uint64_t value = drawn >> shift;
    const Bytes bytes = Varint(value);
    RC_ASSERT(bytes.size() <= kMaxVarintBytes);
    ByteReader reader(bytes);
    RC_ASSERT(reader.Varint() == value);
    RC_ASSERT(reader.AtEnd());
  }
}

RC_GTEST_PROP(Codec, AnyBytesAreAVarintInItsOnlySpellingOrNone, (const std::string& bytes)) {
  ByteReader reader(bytes);
  const std::uint64_t value = reader.Varint();
  if (reader.ok()) {
    RC_ASSERT(Varint(value) == bytes.substr(0, bytes.size() - reader.remaining()));
  }
}

TEST(Codec, VarintsHaveKnownBytes) {
  EXPECT_EQ(Varint(0), Bytes(1, '\0'));
  EXPECT_EQ(Varint(127), "\x7f");
  EXPECT_EQ(Varint(128), "\x80\x01");
  EXPECT_EQ(Varint(300), "\xac\x02");
  EXPECT_EQ(Varint(std::numeric_limits<std::uint64_t>::max()), Bytes(9, '\xff') + "\x01");
}

TEST(Codec, RefusesVarintsInOtherSpellings) {
  const Bytes others[] = {Bytes("\x80\x00", 2), Bytes("\xff\x80\x00", 3),
                          Bytes(9, '\xff') + "\x02",   // beyond 64 bits
                          Bytes(10, '\x80') + "\x01",  // an eleventh byte
                          "\x80", ""};
  for (const Bytes& bytes : others) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.Varint(), 0u);
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Codec, ZigZagKeepsSmallMagnitudesShort) {
  const std::int64_t numbers[] = {0, -1, 1, -2, 2};
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(ZigZag(numbers[i]), i);
    EXPECT_EQ(UnZigZag(i), numbers[i]);
  }
  for (const std::int64_t edge : {std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(UnZigZag(ZigZag(edge)), edge);
  }
}

TEST(Codec, Fixed64IsLittleEndian) {
  Bytes out;
  PutFixed64(out, 0x0102030405060708u);
  EXPECT_EQ(out, "\x08\x07\x06\x05\x04\x03\x02\x01");
  ByteReader reader(out);
  EXPECT_EQ(reader.Fixed64(), 0x0102030405060708u);
  EXPECT_TRUE(reader.AtEnd());
}

TEST(Codec, LengthPrefixedBytesComeBackAsAView) {
  Bytes out;
  PutBytes(out, ByteView("a\0b", 3));
  ByteReader reader(out);
  const ByteView view = reader.LengthPrefixed();
  EXPECT_EQ(view, ByteView("a\0b", 3));
  EXPECT_EQ(view.data(), out.data() + 1);
}

TEST(ByteReader, NeverReadsPastItsEnd) {
  const ByteView three = "abc";
  EXPECT_TRUE(ByteReader(three).Raw(4).empty());
  ByteReader short_word(three);
  EXPECT_EQ(short_word.Fixed64(), 0u);
  EXPECT_FALSE(short_word.ok());
  const Bytes claims = Varint(std::numeric_limits<std::uint64_t>::max()) + "abc";
  ByteReader reader(claims);
  EXPECT_TRUE(reader.LengthPrefixed().empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, StaysFailed) {
  ByteReader reader("abc");
  reader.Raw(4);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Byte(), 0);
  EXPECT_TRUE(reader.Raw(1).empty());
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_FALSE(reader.AtEnd());
}

TEST(ByteReader, BoundsACount) {
  ByteReader within("\x05");
  EXPECT_EQ(within.VarintUpTo(5), 5u);
  EXPECT_TRUE(within.ok());
  ByteReader beyond("\x06");
  EXPECT_EQ(beyond.VarintUpTo(5), 0u);
  EXPECT_FALSE(beyond.ok());
}

}  // namespace
}  // namespace rejoin
