#include "replica/spool.h"

#include <gtest/gtest.h>

namespace rejoin {
namespace {

Bytes Pattern(std::size_t size) {
  Bytes bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 257);
  return bytes;
}

// As a source promises: fewer bytes than asked for come at the end only.
Bytes ReadAll(Spool& spool, std::size_t at_a_time) {
  Bytes all;
  for (;;) {
    const auto next = spool.Next(at_a_time);
    if (!next) {
      ADD_FAILURE() << next.error().message;
      return all;
    }
    all.append(*next);
    if (next->size() < at_a_time) return all;
  }
}

TEST(Spool, GivesBackWhatItGotWhateverTheSizes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000},
                                 2 * Spool::kMemoryBytes + 12'345}) {
    const Bytes all = Pattern(size);
    Spool spool;
    for (std::size_t at = 0; at < size; at += 99'991) {
      ASSERT_TRUE(spool.Append(ByteView(all).substr(at, 99'991)));
    }
    EXPECT_EQ(spool.size_bytes(), size);
    EXPECT_EQ(spool.LeftBytes(), size);
    for (const std::size_t step : {std::size_t{65'536}, std::size_t{1'000'003}}) {
      spool.Rewind();
      EXPECT_TRUE(ReadAll(spool, step) == all);
      EXPECT_TRUE(spool.at_end());
      EXPECT_EQ(spool.LeftBytes(), 0u);
    }
    spool.Clear();
    EXPECT_EQ(spool.size_bytes(), 0u);
    EXPECT_TRUE(ReadAll(spool, 10).empty());
  }
}

}  // namespace
}  // namespace rejoin
