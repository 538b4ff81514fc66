// Bytes that were damaged on their way: whatever happened to them, kCorrupt.
#include <gtest/gtest.h>

#include "crdt/delta_format.h"
#include "tests/crdt/delta_sections.h"

namespace rejoin {
namespace {

std::vector<Bytes> Samples() {
  return {*WriteDelta(WholeDelta()), *WriteDelta(MilkDelta()), *WriteDelta(MotleyDelta()),
          *WriteDelta(WideDelta(40))};
}

TEST(CodecDamage, EveryTruncationIsCorrupt) {
  for (const Bytes& bytes : Samples()) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_EQ(ErrorOf(ByteView(bytes).substr(0, length)).code, Code::kCorrupt)
          << length << " of " << bytes.size();
    }
  }
}

TEST(CodecDamage, EveryFlippedBitIsCorrupt) {
  for (Bytes bytes : Samples()) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      char& byte = bytes[bit / 8];
      const char whole = byte;
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      ASSERT_EQ(ErrorOf(bytes).code, Code::kCorrupt) << "bit " << bit;
      byte = whole;
    }
  }
}

TEST(CodecDamage, WhatFollowsTheEndIsCorrupt) {
  const Bytes bytes = *WriteDelta(MilkDelta());
  EXPECT_EQ(ErrorOf(bytes + '\0').code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(bytes + bytes).code, Code::kCorrupt);
}

TEST(CodecDamage, MessagesSayWhatAndWhatToDo) {
  const Bytes bytes = *WriteDelta(MilkDelta());
  EXPECT_EQ(ErrorOf("").message,
            "the delta is damaged: it ends after 0 bytes, inside its first bytes; fetch it again");
  EXPECT_EQ(ErrorOf("SQLite format 3").message,
            "these bytes are not a Rejoin delta; check where they come from");
  EXPECT_EQ(ErrorOf(ByteView(bytes).substr(0, 60)).message,
            "the delta is damaged: it ends after 60 bytes, inside section 1; fetch it again");
}

TEST(CodecDamage, ErrorsStay) {
  Bytes bytes = *WriteDelta(MilkDelta());
  bytes.pop_back();
  ViewSource source(bytes);
  DeltaReader reader(source);
  ASSERT_TRUE(reader.Begin());
  ASSERT_TRUE(reader.NextBlock());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reader.NextBlock().error().code, Code::kCorrupt);
}

// The sections of a delta of several blocks as they lie in its bytes, checksums included.
std::vector<Bytes> RawSections(const Bytes& bytes) {
  ByteReader reader(ByteView(bytes).substr(kDeltaMagic.size() + 3 + 8));
  std::vector<Bytes> sections;
  while (reader.remaining() > 0) {
    const ByteView before = reader.rest();
    reader.Byte();
    reader.LengthPrefixed();
    reader.Fixed64();
    sections.emplace_back(before.substr(0, before.size() - reader.remaining()));
  }
  EXPECT_TRUE(reader.ok());
  return sections;
}

TEST(CodecDamage, SectionsMovedLostOrRepeatedBreakTheChain) {
  const Bytes bytes = *WriteDelta(WideDelta(20000));
  const std::vector<Bytes> good = RawSections(bytes);
  const Bytes prelude = bytes.substr(0, kDeltaMagic.size() + 3 + 8);
  ASSERT_GE(good.size(), 6u);
  const auto joined = [&prelude](const std::vector<Bytes>& sections) {
    Bytes all = prelude;
    for (const Bytes& section : sections) all += section;
    return all;
  };
  ASSERT_EQ(joined(good), bytes);
  for (std::size_t i = 0; i < good.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    std::vector<Bytes> moved = good;
    if (i > 0) std::swap(moved[i], moved[i - 1]);
    std::vector<Bytes> lost = good;
    lost.erase(lost.begin() + at);
    std::vector<Bytes> repeated = good;
    repeated.insert(repeated.begin() + at, good[i]);
    for (const std::vector<Bytes>& sections : {moved, lost, repeated}) {
      if (sections == good) continue;
      const Error error = ErrorOf(joined(sections));
      EXPECT_EQ(error.code, Code::kCorrupt) << i;
      // The last section lost looks like a truncation, repeated like a tail.
      if (i + 1 < good.size()) {
        EXPECT_NE(error.message.find("checksum"), std::string::npos) << error.message;
      }
    }
  }
}

}  // namespace
}  // namespace rejoin
