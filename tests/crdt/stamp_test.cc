// Time that only grows, and ids that come back as they were written.
#include "crdt/stamp.h"

#include <gtest/gtest.h>

#include <limits>

namespace rejoin {
namespace {

TEST(Tick, IsTheWallClockWhereThatIsAhead) {
  EXPECT_EQ(Tick({}, 5), HybridTimestamp::FromWall(5));
  EXPECT_EQ(Tick(HybridTimestamp::FromWall(4), 5), HybridTimestamp::FromWall(5));
}

TEST(Tick, GoesOnWhereTheWallClockStandsStillOrJumpsBack) {
  const HybridTimestamp last = HybridTimestamp::FromWall(5);
  EXPECT_EQ(Tick(last, 5).value, last.value + 1) << "a clock that stands still";
  EXPECT_EQ(Tick(last, 0).value, last.value + 1) << "one that jumped back";
  EXPECT_EQ(Tick({last.value + 7}, 5).value, last.value + 8);
}

TEST(Tick, CarriesAFullCounterIntoTheMilliseconds) {
  const HybridTimestamp full{HybridTimestamp::FromWall(6).value - 1};
  EXPECT_EQ(full.wall_ms(), 5u);
  EXPECT_EQ(Tick(full, 5), HybridTimestamp::FromWall(6));
}

TEST(Stamp, RankThenTimeThenReplicaOrders) {
  const ReplicaId low = ReplicaId::Random(0, 1);
  const ReplicaId high = ReplicaId::Random(0, 2);
  const Stamp ascending[] = {{Rank::kAdopted, {9}, high}, {Rank::kWritten, {1}, high},
                             {Rank::kWritten, {2}, low},  {Rank::kWritten, {2}, high}};
  for (std::size_t i = 0; i < std::size(ascending); ++i) {
    for (std::size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(ascending[i] <=> ascending[j], i <=> j) << i << " and " << j;
    }
  }
}

TEST(ReplicaId, RandomOnesBeginWithZero) {
  const std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(ReplicaId::Random(all, all).Hex(), "00ffffffffffffffffffffffffffffff");
}

TEST(ReplicaId, HexIsReadInEitherCaseAndOnlyWhole) {
  const std::string hex = "00123456789abcdef0123456789abcde";
  const std::string upper = "00123456789ABCDEF0123456789ABCDE";
  ASSERT_TRUE(ReplicaId::FromHex(hex));
  EXPECT_EQ(ReplicaId::FromHex(hex)->Hex(), hex);
  EXPECT_EQ(ReplicaId::FromHex(upper), ReplicaId::FromHex(hex));
  for (const std::string& wrong : {hex + "0", hex + "00", hex.substr(1), hex.substr(2), std::string(),
                                   "g" + hex.substr(1), hex.substr(1) + "G"}) {
    EXPECT_FALSE(ReplicaId::FromHex(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace rejoin
