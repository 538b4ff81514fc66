// A reader trusts nothing: damage is kCorrupt, what is newer is named, and a
// claimed size takes no memory.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "crdt/delta_format.h"
#include "crdt/section.h"
#include "tests/crdt/delta_samples.h"

namespace rejoin {
namespace {

Error ErrorOf(ByteView bytes) {
  const Result<WholeDelta> delta = ReadDelta(bytes);
  return delta ? Error{Code::kInternal, "it was accepted"} : delta.error();
}

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

// --- Sections put together by hand, with right checksums --------------------------

// The bodies of a delta's sections, to be written again in another way.
std::vector<std::pair<std::uint8_t, Bytes>> SectionsOf(const WholeDelta& delta) {
  const Bytes bytes = *WriteDelta(delta);
  ViewSource source(bytes);
  SectionReader reader(source);
  EXPECT_TRUE(reader.Prelude());
  std::vector<std::pair<std::uint8_t, Bytes>> sections;
  for (;;) {
    const Section section = *reader.Next();
    sections.emplace_back(section.type, Bytes(section.body));
    if (section.type == static_cast<std::uint8_t>(SectionType::kEnd)) return sections;
  }
}

using Sections = std::vector<std::pair<std::uint8_t, Bytes>>;

Bytes Rewritten(const Sections& sections, std::uint64_t must = 0, std::uint64_t may = 0) {
  BytesSink sink(std::size_t{1} << 30);
  SectionWriter writer(sink);
  EXPECT_TRUE(writer.Prelude(must, may));
  for (const auto& [type, body] : sections) EXPECT_TRUE(writer.Write(type, body));
  return sink.Take();
}

// The milk delta with its end section told of `more` further sections.
Sections MilkSections(std::uint8_t more) {
  Sections sections = SectionsOf(MilkDelta());
  sections.back().second[0] = static_cast<char>(sections.back().second[0] + more);
  return sections;
}

TEST(CodecFeatures, UnknownMustUnderstandFeatureIsRefusedByName) {
  const Error error = ErrorOf(Rewritten(MilkSections(0), (1u << 3) | (1u << 9)));
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_NE(error.message.find("feature bit 3, 9"), std::string::npos) << error.message;
}

TEST(CodecFeatures, UnknownMayIgnoreFeatureIsIgnored) {
  EXPECT_TRUE(SameDelta(*ReadDelta(Rewritten(MilkSections(0), 0, ~std::uint64_t{0})), MilkDelta()));
}

TEST(CodecFeatures, UnknownSectionIsSkippedOnlyWhereItMayBe) {
  for (std::size_t place = 0; place < 4; ++place) {
    Sections sections = MilkSections(1);
    const auto at = sections.begin() + static_cast<std::ptrdiff_t>(place);
    sections.insert(at, {std::uint8_t{kMayIgnoreSection | 77}, Bytes(100000, 'x')});
    const Result<WholeDelta> delta = ReadDelta(Rewritten(sections));
    ASSERT_TRUE(delta) << delta.error().message;
    EXPECT_TRUE(SameDelta(*delta, MilkDelta()));

    sections[place].first = 77;
    const Error error = ErrorOf(Rewritten(sections));
    EXPECT_EQ(error.code, Code::kUnsupported);
    EXPECT_NE(error.message.find("section of type 77"), std::string::npos) << error.message;
  }
}

TEST(CodecFeatures, NewerVersionIsRefusedAsSuch) {
  Bytes bytes = *WriteDelta(MilkDelta());
  bytes[7] = 2;
  // Its own checksum has to be right, or it would be damage.
  BytesSink sink(100);
  EXPECT_EQ(ErrorOf(bytes).code, Code::kCorrupt);
  const std::uint64_t checksum = Hash64(ByteView(bytes).substr(0, 10));
  for (std::size_t i = 0; i < 8; ++i) bytes[10 + i] = static_cast<char>(checksum >> (8 * i));
  EXPECT_EQ(ErrorOf(bytes).code, Code::kNewerFormat);
}

TEST(CodecDamage, SectionsOutOfPlaceAreCorrupt) {
  const Sections good = SectionsOf(MilkDelta());
  ASSERT_EQ(good.size(), 4u);
  EXPECT_TRUE(ReadDelta(Rewritten(good)));
  EXPECT_EQ(ErrorOf(Rewritten({good[1], good[0], good[2], good[3]})).code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(Rewritten({good[0], good[0], good[1], good[2], good[3]})).code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(Rewritten({good[0], good[2], good[1], good[3]})).code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(Rewritten({good[0], good[1], good[1], good[2], good[3]})).code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(Rewritten({good[0], good[1], good[3]})).code, Code::kCorrupt);
  EXPECT_EQ(ErrorOf(Rewritten({good[0], good[1], good[2], good[2], good[3]})).code, Code::kCorrupt);
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

// Any byte of a body changed, with a right checksum: whatever comes of it, the
// reader neither crashes nor accepts a row that the writer would refuse.
TEST(CodecDamage, ChangedBodiesAreRefusedOrWellFormed) {
  for (const WholeDelta& delta : {MilkDelta(), MotleyDelta()}) {
    const Sections good = SectionsOf(delta);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (std::size_t at = 0; at < good[i].second.size(); ++at) {
        for (const int change : {1, 2, 3, 0x7f, 0x80, 0xff}) {
          Sections sections = good;
          char& byte = sections[i].second[at];
          byte = static_cast<char>(byte ^ change);
          const Result<WholeDelta> read = ReadDelta(Rewritten(sections));
          if (!read) continue;
          const Result<Bytes> again = WriteDelta(*read);
          ASSERT_TRUE(again) << "section " << i << " byte " << at << ": " << again.error().message;
        }
      }
    }
  }
}

// --- One thing wrong at a time ----------------------------------------------------

// The milk delta with one section's body replaced.
Error ErrorWithBody(std::size_t section, const Bytes& body) {
  Sections sections = SectionsOf(MilkDelta());
  sections[section].second = body;
  return ErrorOf(Rewritten(sections));
}

Bytes MilkTable(std::uint8_t same_key, std::uint8_t options, std::uint8_t kind) {
  Bytes body;
  PutBytes(body, "todo");
  for (const std::uint8_t byte : {same_key, options, std::uint8_t{1}, std::uint8_t{2}}) {
    body.push_back(static_cast<char>(byte));
  }
  for (const char* name : {"title", "done"}) {
    body.push_back(static_cast<char>(kind));
    PutBytes(body, name);
  }
  return body;
}

TEST(CodecFeatures, UnknownKindsAndRulesOfATableAreRefusedByName) {
  const Error kind = ErrorWithBody(1, MilkTable(0, 0, 6));
  EXPECT_EQ(kind.code, Code::kUnsupported);
  EXPECT_NE(kind.message.find("column title of table todo, of kind 6"), std::string::npos);
  EXPECT_EQ(ErrorWithBody(1, MilkTable(2, 0, 0)).code, Code::kUnsupported);
  EXPECT_EQ(ErrorWithBody(1, MilkTable(0, 2, 0)).code, Code::kUnsupported);
}

// A rows section of its parts, stored raw.
Bytes RowsBody(std::uint64_t rows, const Bytes& keys, const Bytes& states, const Bytes& values,
               std::uint8_t encoding = 0) {
  Bytes body;
  PutVarint(body, 0);
  PutVarint(body, rows);
  for (const Bytes* part : {&keys, &states, &values}) {
    body.push_back(static_cast<char>(encoding));
    PutBytes(body, *part);
  }
  return body;
}

// One replica (the header's first), one stamp of the end's time, and then `shapes`.
Bytes States(std::uint8_t rank, std::uint64_t wall_ms, const Bytes& shapes) {
  Bytes states("\x01\x01\x01", 3);  // replicas: one, number 1; one group of stamps
  states.push_back('\0');           // of replica 0
  states.push_back(static_cast<char>(rank));
  states.push_back('\x01');
  PutVarint(states, wall_ms);
  states.push_back('\0');
  return states + shapes;
}

const Bytes kMilkKey("\x03\x00\x02t1", 5);
const Bytes kMilkShape("\x01\x01\x00\x02\x00\x00\x00", 7);
const Bytes kMilkValues("\x03\x00\x04milk\x01\x00\x00", 10);

TEST(CodecDamage, MilkByHandIsTheMilkDelta) {
  const Bytes body = RowsBody(1, kMilkKey, States(1, 1700000000000, kMilkShape), kMilkValues);
  EXPECT_EQ(body, SectionsOf(MilkDelta())[2].second);
}

TEST(CodecFeatures, UnknownRankOrEncodingIsRefusedByName) {
  for (const std::uint8_t rank : {std::uint8_t{2}, std::uint8_t{3}}) {
    const Error error = ErrorWithBody(
        2, RowsBody(1, kMilkKey, States(rank, 1700000000000, kMilkShape), kMilkValues));
    EXPECT_EQ(error.code, Code::kUnsupported);
    EXPECT_NE(error.message.find("rank " + std::to_string(rank)), std::string::npos);
  }
  const Error encrypted = ErrorWithBody(
      2, RowsBody(1, kMilkKey, States(1, 1700000000000, kMilkShape), kMilkValues, 2));
  EXPECT_EQ(encrypted.code, Code::kUnsupported);
  EXPECT_NE(encrypted.message.find("encoding 2"), std::string::npos);
}

TEST(CodecDamage, StampsMustBeCoveredByTheEnd) {
  const Error late = ErrorWithBody(
      2, RowsBody(1, kMilkKey, States(1, 1700000000001, kMilkShape), kMilkValues));
  EXPECT_EQ(late.code, Code::kCorrupt);
  EXPECT_NE(late.message.find("does not cover"), std::string::npos) << late.message;
  const Error never =
      ErrorWithBody(2, RowsBody(1, kMilkKey, States(1, 0, kMilkShape), kMilkValues));
  EXPECT_NE(never.message.find("without a time"), std::string::npos) << never.message;
}

TEST(CodecDamage, KeysMustAscend) {
  const Bytes states = States(1, 1700000000000, Bytes("\x01\x01\x00\x00\x00\x00", 6));
  const Bytes up("\x03\x00\x01\x01" "ab", 6);
  const Bytes twice("\x03\x00\x01\x01" "aa", 6);
  const Bytes down("\x03\x00\x01\x01" "ba", 6);
  Sections sections = SectionsOf(MilkDelta());
  sections[2].second = RowsBody(2, up, states, "");
  sections[3].second = Bytes("\x03\x02", 2);
  EXPECT_TRUE(ReadDelta(Rewritten(sections)));
  for (const Bytes& keys : {twice, down}) {
    EXPECT_NE(ErrorWithBody(2, RowsBody(2, keys, states, "")).message.find("not ascending"),
              std::string::npos);
  }
}

TEST(CodecDamage, ARowThatSaysNothingIsCorrupt) {
  const Bytes states("\0\0\x01\0\0", 5);
  EXPECT_NE(ErrorWithBody(2, RowsBody(1, kMilkKey, states, "")).message.find("says nothing"),
            std::string::npos);
}

// 60,000 rows that share a shape of 60,000 cells would take 300 GB.
TEST(CodecLimits, SharedShapesCannotClaimMoreCellsThanABlockMayHave) {
  Bytes shape("\x01\x01\x00", 3);
  PutVarint(shape, 30000);
  shape.append(30000, '\0');
  std::vector<std::string> columns;
  for (int i = 0; i < 30000; ++i) columns.push_back(std::to_string(i));
  WholeDelta delta = MilkDelta();
  delta.tables[0].columns = columns;
  Sections sections = SectionsOf(delta);
  const Bytes keys = Bytes("\x01\x01", 2) + Bytes(60000, '\x02');
  const Bytes states = States(1, 1700000000000, shape) + Bytes(60000, '\0');
  sections[2].second = RowsBody(60000, keys, states, "");
  const Error error = ErrorOf(Rewritten(sections));
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_NE(error.message.find("too many cells"), std::string::npos) << error.message;
}

TEST(CodecLimits, ClaimedSizesAndCountsAreNotBelieved) {
  const std::uint64_t huge[] = {kMaxBlockBytes, kMaxBlockBytes + 1, std::uint64_t{1} << 40,
                                ~std::uint64_t{0}};
  for (const std::uint64_t claim : huge) {
    Bytes body("\0\x01\x01", 3);  // one row, keys in zstd
    PutVarint(body, claim);
    PutBytes(body, "not zstd");
    EXPECT_EQ(ErrorWithBody(2, body).code, Code::kCorrupt);
    Bytes rows;
    PutVarint(rows, 0);
    PutVarint(rows, claim);
    EXPECT_EQ(ErrorWithBody(2, rows).code, Code::kCorrupt);
    Bytes header(32, 'h');
    header.push_back('\0');
    PutVarint(header, claim);
    EXPECT_EQ(ErrorWithBody(0, header).code, Code::kCorrupt);
    Bytes prelude = Rewritten({});
    prelude.push_back('\x01');
    PutVarint(prelude, claim);
    EXPECT_EQ(ErrorOf(prelude).code, Code::kCorrupt);
  }
}

}  // namespace
}  // namespace rejoin
