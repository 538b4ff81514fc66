#include "bindings/sqlite/id_maker.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/store_sqlite/fixture.h"

namespace rejoin {
namespace {

using testing::ManualClock;
using testing::SeededRandom;

TEST(IdMaker, UuidHasVersionSevenAndTheTime) {
  ManualClock clock;
  clock.wall_ms = 0x0123456789ab;
  SeededRandom random(1);
  IdMaker ids(clock, random);
  const std::string uuid = ids.Uuid();
  ASSERT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid.substr(0, 15), "01234567-89ab-7");
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;  // the variant
}

TEST(IdMaker, UuidsAscendWhileTheClockStandsStillOrJumpsBack) {
  ManualClock clock;
  SeededRandom random(2);
  IdMaker ids(clock, random);
  std::string last;
  for (int i = 0; i < 20'000; ++i) {
    if (i == 10'000) clock.wall_ms -= 60'000;
    const std::string next = ids.Uuid();
    ASSERT_LT(last, next) << "at " << i;
    last = next;
  }
}

TEST(IdMaker, IdsAscendWhateverTheClockDoes) {
  ManualClock clock;
  clock.wall_ms = 1'800'000'000'000;
  SeededRandom random(3);
  IdMaker ids(clock, random);
  std::int64_t last = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (i == 5'000) clock.wall_ms -= 60'000;
    if (i == 15'000) clock.wall_ms += 120'000;
    const std::int64_t next = ids.Id();
    ASSERT_LT(last, next) << "at " << i;
    last = next;
  }
}

TEST(IdMaker, IdsOfTwoConnectionsDifferInTheSameMoment) {
  ManualClock clock;
  SeededRandom random(4);
  IdMaker one(clock, random);
  IdMaker other(clock, random);
  std::set<std::int64_t> made;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(made.insert(one.Id()).second);
    EXPECT_TRUE(made.insert(other.Id()).second);
  }
}

TEST(IdMaker, IdsStayPositiveBeforeTheirEpochAndAtItsEnd) {
  ManualClock clock;
  SeededRandom random(5);
  clock.wall_ms = 0;
  EXPECT_GT(IdMaker(clock, random).Id(), 0);
  clock.wall_ms = 1'735'689'600'000 + (std::uint64_t{1} << 41) - 1;  // 2094
  EXPECT_GT(IdMaker(clock, random).Id(), std::int64_t{1} << 62);
}

}  // namespace
}  // namespace rejoin
