// What capture keeps of a transaction, in memory and beyond: savepoints cut it where they were
// opened, wherever it lies.
#include "store/sqlite/capture_buffer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rejoin::testing {
namespace {

Bytes ContentOf(CaptureBuffer& buffer) {
  Bytes content(static_cast<std::size_t>(buffer.size_bytes()), '\0');
  EXPECT_TRUE(buffer.Read(0, content.data(), content.size()));
  return content;
}

// Steps below 3: of savepoints; others: an entry of so many bytes.
RC_GTEST_PROP(CaptureBuffers, HoldWhatWasNotRolledBack, (const std::vector<std::uint8_t>& steps)) {
  CaptureBuffer buffer;
  Bytes expected;
  std::vector<std::size_t> marks;
  for (const std::uint8_t step : steps) {
    const int level = static_cast<int>(marks.size()) - 1;
    if (step == 0) {
      marks.push_back(expected.size());
      buffer.Mark(level + 1);
    } else if (step <= 2 && marks.empty()) {
      continue;
    } else if (step == 1) {
      marks.pop_back();
      buffer.Release(level);
    } else if (step == 2) {
      expected.resize(marks.back());
      RC_ASSERT(buffer.RollbackTo(level));
    } else {
      const Bytes entry(step, static_cast<char>('a' + expected.size() % 26));
      expected += entry;
      RC_ASSERT(buffer.Append(entry, 20));
    }
    RC_ASSERT(ContentOf(buffer) == expected);
  }
}

TEST(CaptureBuffers, ForgetMemoryWhereTheyAreCutInTheFile) {
  CaptureBuffer buffer;
  const auto append = [&buffer](const char* entry) { ASSERT_TRUE(buffer.Append(entry, 4)); };
  append("one ");
  buffer.Mark(0);
  append("two ");
  append("six ");
  ASSERT_TRUE(buffer.spilled());
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(buffer.RollbackTo(0));
    EXPECT_EQ(ContentOf(buffer), "one ");
    append("ten ");
    append("and ");
    EXPECT_EQ(ContentOf(buffer), "one ten and ");
  }
}

}  // namespace
}  // namespace rejoin::testing
