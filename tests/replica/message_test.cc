#include "replica/message.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/store/fakes.h"

namespace rejoin {
namespace {

Hello SomeHello() {
  Hello hello;
  hello.replica = TestReplicaId(3);
  hello.room.bytes[5] = 9;
  hello.wall_ms = 1'700'000'000'000;
  hello.durable = true;
  hello.keeps_time = true;
  hello.part_bytes = 70'000;
  hello.name = "phone";
  hello.software = "rejoin 0.1.0";
  return hello;
}

Ask SomeAsk() {
  Ask ask;
  ask.number = 2;
  ask.point = "point";
  ask.vector.Set(TestReplicaId(1), HybridTimestamp{77});
  ask.vector.Set(TestReplicaId(2), HybridTimestamp{1ull << 63});
  return ask;
}

Chunk SomeChunk(bool first, bool last) {
  Chunk chunk;
  chunk.part = 300;
  chunk.ask = first ? 4 : 0;
  chunk.first = first;
  chunk.last = last;
  chunk.partial = chunk.more = last;
  if (last) chunk.done_permille = 777;
  if (first) chunk.from = "here";
  if (last) chunk.until = "there";
  chunk.bytes = "some bytes";
  return chunk;
}

std::vector<Bytes> Samples() {
  Chunk nothing = SomeChunk(true, true);
  nothing.nothing = true;
  nothing.partial = nothing.more = false;
  nothing.done_permille = 0;
  nothing.bytes = {};
  return {EncodeMessage(SomeHello()),          EncodeMessage(SomeAsk()),
          EncodeMessage(SomeChunk(true, false)), EncodeMessage(SomeChunk(false, true)),
          EncodeMessage(nothing),                EncodeMessage(Ack{12345, true}),
          EncodeMessage(Bye{Code::kClock, "a reason"}), EncodeMessage(Probe{300}),
          EncodeMessage(Echo{7}),
          EncodeMessage(Compare{Compare::Kind::kQuestion, 5, {}}),
          EncodeMessage(Compare{Compare::Kind::kAnswer, ~std::uint64_t{0}, {}}),
          EncodeMessage(Compare{Compare::Kind::kNoAnswer, 0, {}})};
}

Bytes Unsealed(const Bytes& frame) { return frame.substr(0, frame.size() - 8); }

Bytes Flipped(Bytes bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

// Decoded and encoded again: the same bytes, so nothing is lost or made up.
TEST(Message, EveryFieldComesBack) {
  for (const Bytes& frame : Samples()) {
    const auto message = DecodeMessage(frame);
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(EncodeMessage(*message), frame);
  }
  const auto hello = DecodeMessage(Samples()[0]);
  EXPECT_EQ(std::get<Hello>(*hello).name, "phone");
  EXPECT_EQ(std::get<Hello>(*hello).wall_ms, 1'700'000'000'000u);
  const auto ask = DecodeMessage(Samples()[1]);
  EXPECT_TRUE(std::get<Ask>(*ask).vector == SomeAsk().vector);
  const Bytes chunk_frame = Samples()[3];
  const auto chunk = DecodeMessage(chunk_frame);
  EXPECT_EQ(std::get<Chunk>(*chunk).until, "there");
  EXPECT_EQ(std::get<Chunk>(*chunk).bytes, "some bytes");
}

TEST(Message, EveryTruncationIsAnError) {
  for (const Bytes& frame : Samples()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const auto cut = DecodeMessage(ByteView(frame).substr(0, size));
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.error().code, Code::kProtocol);
    }
  }
}

TEST(Message, EveryFlippedBitIsAnError) {
  for (const Bytes& frame : Samples()) {
    for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
      const auto message = DecodeMessage(Flipped(frame, bit));
      ASSERT_FALSE(message) << bit;
      EXPECT_EQ(message.error().code, Code::kProtocol);
      EXPECT_NE(message.error().message.find("checksum"), std::string::npos);
    }
  }
}

// Whoever makes the frames can make checksums that fit. But for the bytes of a part, which
// have a checksum of their own.
TEST(Message, EveryTruncationOfAForgerIsAnError) {
  for (const Bytes& frame : Samples()) {
    const auto whole = DecodeMessage(frame);
    const auto* const chunk = std::get_if<Chunk>(&*whole);
    const std::size_t bytes = chunk == nullptr ? 0 : chunk->bytes.size();
    const Bytes message = Unsealed(frame);
    for (std::size_t size = 0; size + bytes < message.size(); ++size) {
      const auto cut = DecodeMessage(Sealed(message.substr(0, size)));
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.error().code, Code::kProtocol);
      EXPECT_EQ(cut.error().message.find("checksum"), std::string::npos);
    }
  }
}

TEST(Message, WhatFollowsAMessageIsAnError) {
  for (const Bytes& frame : Samples()) {
    const auto whole = DecodeMessage(frame);
    const auto* const chunk = std::get_if<Chunk>(&*whole);
    if (chunk != nullptr && !chunk->nothing) continue;
    EXPECT_FALSE(DecodeMessage(Sealed(Unsealed(frame) + "x")));
  }
}

TEST(Message, NoBitThatAForgerFlipsCrashesAReader) {
  for (const Bytes& frame : Samples()) {
    const Bytes original = Unsealed(frame);
    for (std::size_t bit = 0; bit < 8 * original.size(); ++bit) {
      const Bytes forged = Sealed(Flipped(original, bit));
      const auto message = DecodeMessage(forged);
      if (!message) continue;
      // Whatever it says now, it can be told.
      const Bytes again = EncodeMessage(*message);
      const auto retold = DecodeMessage(again);
      ASSERT_TRUE(retold) << bit;
      EXPECT_EQ(EncodeMessage(*retold), again) << bit;
    }
  }
}

TEST(Message, AnotherVersionIsToldByItsNumber) {
  Hello hello = SomeHello();
  hello.version = 2;
  const auto message = DecodeMessage(EncodeMessage(hello));
  ASSERT_FALSE(message);
  EXPECT_NE(message.error().message.find("version 2"), std::string::npos);
}

TEST(Message, LimitsHold) {
  Hello hello = SomeHello();
  hello.name = std::string(1000, 'n');
  const auto cut = DecodeMessage(EncodeMessage(hello));
  ASSERT_TRUE(cut);
  EXPECT_EQ(std::get<Hello>(*cut).name.size(), kMaxNameBytes);

  Ask ask;
  ask.point = Bytes(kMaxResumePointBytes + 1, 'p');
  EXPECT_FALSE(DecodeMessage(EncodeMessage(ask)));
  ask.point.clear();
  for (std::uint64_t i = 0; i < kMaxVectorEntries; ++i) ask.vector.Set(ReplicaId::Random(i, i), HybridTimestamp{1});
  ASSERT_EQ(ask.vector.entries().size(), kMaxVectorEntries);
  EXPECT_TRUE(DecodeMessage(EncodeMessage(ask)));
  ask.vector.Set(TestReplicaId(1), HybridTimestamp{1});
  EXPECT_FALSE(DecodeMessage(EncodeMessage(ask)));
  Chunk chunk = SomeChunk(true, true);
  const Bytes many(kMaxChunkBytes + 1, 'b');
  chunk.bytes = many;
  EXPECT_FALSE(DecodeMessage(EncodeMessage(chunk)));
}

// A block of docs/protocol.md: lines of "hex | meaning".
Bytes Shown(const std::string& block) {
  std::ifstream document(REJOIN_SOURCE_DIR "/docs/protocol.md");
  std::string line;
  while (std::getline(document, line) && line != "```" + block) {
  }
  Bytes shown;
  while (std::getline(document, line) && line != "```") {
    std::istringstream bytes(line.substr(0, line.find('|')));
    std::string byte;
    while (bytes >> byte) shown.push_back(static_cast<char>(std::stoi(byte, nullptr, 16)));
  }
  return shown;
}

TEST(Message, WorkedBytesOfTheDocumentAreTheEncoders) {
  ReplicaId one;
  one.bytes[15] = 1;
  Hello hello;
  hello.replica = one;
  hello.wall_ms = 1'700'000'000'000;
  hello.durable = true;
  hello.software = "rejoin 0.1";
  EXPECT_EQ(Shown("hello"), EncodeMessage(hello));
  Ask ask;
  ask.number = 1;
  ask.vector.Set(one, HybridTimestamp{(std::uint64_t{1'700'000'000'000} << 16) | 2});
  EXPECT_EQ(Shown("ask"), EncodeMessage(ask));
  Chunk nothing;
  nothing.part = nothing.ask = 1;
  nothing.first = nothing.last = nothing.nothing = true;
  nothing.until = "here!";
  EXPECT_EQ(Shown("nothing"), EncodeMessage(nothing));
  EXPECT_EQ(Shown("ack"), EncodeMessage(Ack{1, true}));
  EXPECT_EQ(Shown("compare"), EncodeMessage(Compare{Compare::Kind::kQuestion, 0x1122334455667788, {}}));
}

}  // namespace
}  // namespace rejoin
