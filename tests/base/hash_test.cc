// The hashes are part of our formats: these values must never change. They are
// the reference implementation's for the empty input and for its own vectors.
#include "base/hash.h"

#include <gtest/gtest.h>

namespace rejoin {
namespace {

TEST(Hash, Xxh3OfNothingIsTheReferenceValue) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2u);
  EXPECT_EQ(Hash128("")[0], 0x6001c324468d497fu);
  EXPECT_EQ(Hash128("")[1], 0x99aa06d3014798d8u);
}

TEST(Hash, DependsOnEveryByteAndTheSeed) {
  const Bytes bytes(1000, 'x');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] = 'y';
    ASSERT_NE(Hash64(changed), Hash64(bytes));
    ASSERT_NE(Hash128(changed), Hash128(bytes));
  }
  EXPECT_NE(Hash64(bytes, 1), Hash64(bytes, 2));
  EXPECT_EQ(Hash64(bytes, 0), Hash64(bytes));
}

}  // namespace
}  // namespace rejoin
