// Headers, tables and totals with right checksums and one thing wrong in them,
// and bounds from both sides.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "crdt/delta_format.h"
#include "tests/crdt/delta_sections.h"

namespace rejoin {
namespace {

void ExpectDamaged(const Sections& sections, const std::string& why) {
  const Error error = ErrorOf(Rewritten(sections));
  EXPECT_EQ(error.code, Code::kCorrupt) << error.message;
  EXPECT_NE(error.message.find(why), std::string::npos) << error.message;
}

Sections WithBody(std::size_t section, const Bytes& body) {
  Sections sections = SectionsOf(MilkDelta());
  sections[section].second = body;
  return sections;
}

struct HeaderEntry {
  ReplicaId replica;
  std::uint64_t start;
  std::uint64_t ahead;
};

// A delta of this header alone.
Sections HeaderAlone(const std::vector<HeaderEntry>& entries) {
  Bytes body(32, 'h');
  body.push_back('\0');
  PutVarint(body, entries.size());
  for (const HeaderEntry& entry : entries) body.append(entry.replica.View());
  for (const HeaderEntry& entry : entries) PutVarint(body, entry.start);
  for (const HeaderEntry& entry : entries) PutVarint(body, entry.ahead);
  return {{static_cast<std::uint8_t>(SectionType::kHeader), body},
          {static_cast<std::uint8_t>(SectionType::kEnd), Bytes("\x01\0", 2)}};
}

constexpr std::uint64_t kMost = ~std::uint64_t{0};

TEST(CodecHeader, ReplicasMustAscend) {
  const HeaderEntry one{PoolReplica(1), 1, 1};
  const HeaderEntry two{PoolReplica(2), 1, 1};
  EXPECT_TRUE(ReadDelta(Rewritten(HeaderAlone({one, two}))));
  ExpectDamaged(HeaderAlone({two, one}), "not ascending");
  ExpectDamaged(HeaderAlone({one, one}), "not ascending");
}

TEST(CodecHeader, AnEntryOfZeroIsCorrupt) {
  EXPECT_TRUE(ReadDelta(Rewritten(HeaderAlone({{PoolReplica(1), 0, 1}}))));
  EXPECT_TRUE(ReadDelta(Rewritten(HeaderAlone({{PoolReplica(1), 1, 0}}))));
  ExpectDamaged(HeaderAlone({{PoolReplica(1), 0, 0}}), "an entry of 0");
}

TEST(CodecHeader, AnEndBeyondAllTimeIsCorrupt) {
  const auto whole = ReadDelta(Rewritten(HeaderAlone({{PoolReplica(1), 5, kMost - 5}})));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->header.end.Get(PoolReplica(1)).value, kMost);
  ExpectDamaged(HeaderAlone({{PoolReplica(1), 5, kMost - 4}}), "header");
  ExpectDamaged(HeaderAlone({{PoolReplica(1), kMost, kMost}}), "header");
}

TEST(CodecHeader, VersionZeroIsCorrupt) {
  Bytes bytes = *WriteDelta(MilkDelta());
  bytes[7] = 0;
  const std::uint64_t checksum = Hash64(ByteView(bytes).substr(0, 10));
  for (std::size_t i = 0; i < 8; ++i) bytes[10 + i] = static_cast<char>(checksum >> (8 * i));
  const Error error = ErrorOf(bytes);
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_NE(error.message.find("version 0"), std::string::npos) << error.message;
}

TEST(CodecTotals, MustBeThoseOfTheDelta) {
  EXPECT_TRUE(ReadDelta(Rewritten(WithBody(3, Bytes("\x03\x01", 2)))));
  for (const Bytes& wrong : {Bytes("\x02\x01", 2), Bytes("\x04\x01", 2), Bytes("\x03\x00", 2),
                             Bytes("\x03\x02", 2), Bytes("\x03", 1), Bytes("\x03\x01\x00", 3)}) {
    ExpectDamaged(WithBody(3, wrong), "totals");
  }
}

// The source still had bytes when the last section was whole: seen only by asking it.
TEST(CodecTotals, BytesThatComeLaterThanTheEndAreCorrupt) {
  class SlowSource : public ByteSource {
   public:
    explicit SlowSource(Bytes first) : first_(std::move(first)) {}
    Result<ByteView> Next(std::size_t) override {
      return calls_++ == 0 ? ByteView(first_) : ByteView(calls_ == 2 ? "tail" : "");
    }

   private:
    Bytes first_;
    int calls_ = 0;
  };
  SlowSource source(*WriteDelta(MilkDelta()));
  const Result<WholeDelta> read = ReadDelta(source);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("follow its end"), std::string::npos);
}

Bytes TableBody(const Bytes& name, std::uint64_t key_parts, const std::vector<Bytes>& columns) {
  Bytes body;
  PutBytes(body, name);
  body.append(2, '\0');
  PutVarint(body, key_parts);
  PutVarint(body, columns.size());
  for (const Bytes& column : columns) {
    body.push_back('\0');
    PutBytes(body, column);
  }
  return body;
}

TEST(CodecTable, NamesAreReadUpToTheirLimit) {
  const Bytes longest(kMaxNameBytes, 'n');
  EXPECT_TRUE(ReadDelta(Rewritten(WithBody(1, TableBody(longest, 1, {"title", longest})))));
  ExpectDamaged(WithBody(1, TableBody(longest + 'n', 1, {"title", "done"})), "incompletely");
  ExpectDamaged(WithBody(1, TableBody("todo", 1, {"title", longest + 'n'})), "incompletely");
}

TEST(CodecTable, ColumnsComeOnce) {
  ExpectDamaged(WithBody(1, TableBody("todo", 1, {"title", "title"})), "column twice");
}

TEST(CodecTable, HasAKey) {
  ExpectDamaged(WithBody(1, TableBody("todo", 0, {"title", "done"})), "incompletely");
}

TEST(CodecTable, ThereAreSoManyAtMost) {
  Sections sections = {SectionsOf(MilkDelta())[0]};
  for (std::size_t i = 0; i < kMaxTables; ++i) {
    sections.emplace_back(std::uint8_t{2}, TableBody(std::to_string(i), 1, {}));
  }
  const auto ended = [](Sections all) {
    Bytes totals;
    PutVarint(totals, all.size());
    PutVarint(totals, 0);
    all.emplace_back(std::uint8_t{4}, totals);
    return all;
  };
  EXPECT_TRUE(ReadDelta(Rewritten(ended(sections))));
  sections.emplace_back(std::uint8_t{2}, TableBody("one more", 1, {}));
  ExpectDamaged(ended(sections), "more tables");
}

// As many columns of the longest names as pass kMaxDictionaryBytes.
TEST(CodecTable, AllNamesTogetherAreBounded) {
  std::vector<Bytes> columns;
  while (columns.size() * kMaxNameBytes <= kMaxDictionaryBytes) {
    Bytes name = std::to_string(columns.size());
    name.resize(kMaxNameBytes, '-');
    columns.push_back(std::move(name));
  }
  ExpectDamaged(WithBody(1, TableBody("todo", 1, columns)), "more tables");
}

TEST(CodecErrors, TheFirstIsTheLastWord) {
  Sections sections = SectionsOf(MilkDelta());
  sections.insert(sections.begin() + 1, {std::uint8_t{77}, "unknown"});
  const Bytes bytes = Rewritten(sections);
  ViewSource source(bytes);
  DeltaReader reader(source);
  ASSERT_TRUE(reader.Begin());
  for (int i = 0; i < 3; ++i) {
    const auto block = reader.NextBlock();
    ASSERT_FALSE(block) << "what follows is whole, and must not be read";
    EXPECT_EQ(block.error().code, Code::kUnsupported);
  }
}

}  // namespace
}  // namespace rejoin
