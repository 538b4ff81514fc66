// Deltas whose checksums are right and whose content is not: what is newer is
// refused by name, what cannot be is kCorrupt, and a claimed size takes no memory.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "crdt/delta_format.h"
#include "tests/crdt/delta_sections.h"

namespace rejoin {
namespace {

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

TEST(CodecDamage, AStampMustHaveATime) {
  const Error never =
      ErrorWithBody(2, RowsBody(1, kMilkKey, States(1, 0, kMilkShape), kMilkValues));
  EXPECT_NE(never.message.find("without a time"), std::string::npos) << never.message;
}

// Of one stamp, number 0: the number before it and the one after.
TEST(CodecDamage, AStampNumberOutsideTheBlockIsCorrupt) {
  for (const char zigzag : {'\x01', '\x02'}) {
    const Bytes shape = Bytes("\x01\x01\x00\x02\x00\x00", 6) + zigzag;
    const Error error =
        ErrorWithBody(2, RowsBody(1, kMilkKey, States(1, 1700000000000, shape), kMilkValues));
    EXPECT_EQ(error.code, Code::kCorrupt);
    EXPECT_NE(error.message.find("stamps do not fit"), std::string::npos) << error.message;
  }
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

TEST(CodecDamage, NullInAKeyIsCorrupt) {
  const Bytes body = RowsBody(1, Bytes(1, '\0'), States(1, 1700000000000, kMilkShape), kMilkValues);
  EXPECT_NE(ErrorWithBody(2, body).message.find("NULL"), std::string::npos);
}

TEST(CodecDamage, ACellOutsideItsTableIsCorrupt) {
  const Bytes shape("\x01\x01\x00\x01\x08\x00", 6);  // one cell, of column 2
  const Bytes body = RowsBody(1, kMilkKey, States(1, 1700000000000, shape), Bytes(1, '\0'));
  EXPECT_NE(ErrorWithBody(2, body).message.find("not in its table"), std::string::npos);
}

TEST(CodecDamage, ATableAnnouncedTwiceIsCorrupt) {
  Sections sections = MilkSections(1);
  sections.insert(sections.begin() + 1, sections[1]);
  EXPECT_NE(ErrorOf(Rewritten(sections)).message.find("todo twice"), std::string::npos);
}

// Bytes that nothing asks for are damage, or two spellings would mean one thing.
TEST(CodecDamage, BytesLeftOverAnywhereAreCorrupt) {
  const Sections good = SectionsOf(MilkDelta());
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_EQ(ErrorWithBody(i, good[i].second + '\0').code, Code::kCorrupt) << i;
  }
  const Bytes states = States(1, 1700000000000, kMilkShape);
  const Bytes more(1, '\0');
  for (const Bytes& body : {RowsBody(1, kMilkKey + more, states, kMilkValues),
                            RowsBody(1, kMilkKey, states + more, kMilkValues),
                            RowsBody(1, kMilkKey, states, kMilkValues + more)}) {
    EXPECT_EQ(ErrorWithBody(2, body).code, Code::kCorrupt);
  }
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

// Just past the limit: what would still fit into memory is refused as well.
TEST(CodecLimits, ABlockOfOneCellTooManyIsRefused) {
  constexpr std::size_t kColumns = 32;
  Bytes shape("\x01\x01\x00", 3);
  PutVarint(shape, kColumns);
  shape.append(kColumns, '\0');
  WholeDelta delta = MilkDelta();
  delta.tables[0].columns.clear();
  for (std::size_t i = 0; i < kColumns; ++i) delta.tables[0].columns.push_back(std::to_string(i));
  const auto error_of = [&](std::size_t rows) {
    Sections sections = SectionsOf(delta);
    sections[2].second = RowsBody(rows, Bytes("\x01\x01", 2) + Bytes(rows, '\x02'),
                                  States(1, 1700000000000, shape) + Bytes(rows, '\0'),
                                  Bytes(kColumns, '\0'));
    sections[3].second.resize(1);
    PutVarint(sections[3].second, rows);
    return ErrorOf(Rewritten(sections)).message;
  };
  const std::size_t most = kMaxBlockParts / (kColumns + 1);
  EXPECT_EQ(error_of(most), "it was accepted");
  EXPECT_NE(error_of(most + 1).find("too many cells"), std::string::npos);
}

TEST(CodecLimits, MessagesNameTheLimit) {
  Bytes body("\0\x01\x01", 3);  // one row, keys in zstd
  PutVarint(body, kMaxBlockBytes + 1);
  PutBytes(body, "not zstd");
  const std::string block = ErrorWithBody(2, body).message;
  EXPECT_NE(block.find(std::to_string(kMaxBlockBytes)), std::string::npos) << block;
  Bytes prelude = Rewritten({});
  prelude.push_back('\x01');
  PutVarint(prelude, kMaxSectionBytes + 1);
  const std::string section = ErrorOf(prelude).message;
  EXPECT_NE(section.find(std::to_string(kMaxSectionBytes)), std::string::npos) << section;
}

TEST(CodecLimits, ThePartsOfABlockTogetherExpandToItsLimit) {
  const Bytes keys("\x01\x01\x02", 3);
  const Bytes states = "whatever";
  const auto error_of = [&](std::size_t claim) {
    Bytes body("\0\x01\0", 3);  // one row, keys as they are
    PutBytes(body, keys);
    body.push_back('\0');
    PutBytes(body, states);
    body.push_back('\x01');
    PutVarint(body, claim);
    PutBytes(body, "not zstd");
    return ErrorWithBody(2, body).message;
  };
  const std::size_t left = kMaxBlockBytes - keys.size() - states.size();
  EXPECT_EQ(error_of(left).find("expands to more"), std::string::npos) << error_of(left);
  EXPECT_NE(error_of(left + 1).find("expands to more"), std::string::npos) << error_of(left + 1);
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
