#include "bindings/sqlite/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rejoin {
namespace {

using ::testing::HasSubstr;

std::string TrackError(std::string_view json) {
  const auto options = ParseTrackOptions(json);
  return options ? "" : options.error().message;
}

std::string VectorError(std::string_view json) {
  const auto vector = ParseVector(json);
  return vector ? "" : vector.error().message;
}

TEST(TrackOptions, TakesEveryOptionAndLeavesOthersOpen) {
  const auto options = ParseTrackOptions(
      R"({"same_key": "newest", "delete_wins": true, "fire_triggers": false, "name": "todo"})");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->same_key, SameKey::kNewest);
  EXPECT_EQ(options->delete_wins, true);
  EXPECT_EQ(options->fire_triggers, false);
  EXPECT_EQ(options->name, "todo");
  const auto none = ParseTrackOptions("{}");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->same_key || none->delete_wins || none->fire_triggers || none->name);
}

TEST(TrackOptions, NamesWhatIsWrongAndWhatIsAllowed) {
  EXPECT_THAT(TrackError(R"({"delete_win": true})"), HasSubstr("no option \"delete_win\""));
  EXPECT_THAT(TrackError(R"({"delete_win": true})"), HasSubstr("delete_wins"));
  EXPECT_THAT(TrackError(R"({"delete_wins": 1})"), HasSubstr("option delete_wins must be true or false"));
  EXPECT_THAT(TrackError(R"({"same_key": "oldest"})"), HasSubstr("\"merge\" or \"newest\""));
  EXPECT_THAT(TrackError(R"({"name": ""})"), HasSubstr("name"));
  EXPECT_THAT(TrackError("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(TrackError("{"), HasSubstr("not JSON"));
  EXPECT_THAT(TrackError(""), HasSubstr("not JSON"));
}

TEST(TrackOptions, RefusesWhatIsNested) {
  EXPECT_THAT(TrackError(R"({"name": {"a": 1}})"), HasSubstr("must not be nested"));
  EXPECT_THAT(TrackError(std::string(1'000'000, '[')), HasSubstr("must not be nested"));
  EXPECT_THAT(TrackError("{\"a\":" + std::string(1'000'000, '{')), HasSubstr("must not be nested"));
}

TEST(VectorJson, RoundTrips) {
  VersionVector vector;
  vector.Set(ReplicaId::Random(1, 2), HybridTimestamp{~std::uint64_t{0}});
  vector.Set(ReplicaId::Random(3, 4), HybridTimestamp{1});
  const auto parsed = ParseVector(VectorToJson(vector));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, vector);
  EXPECT_EQ(VectorToJson(VersionVector()), "{}");
}

TEST(VectorJson, RefusesWhatIsNoVector) {
  const std::string replica(32, 'a');
  EXPECT_THAT(VectorError(R"({"abc": "1"})"), HasSubstr("\"abc\" in the vector is not a replica"));
  EXPECT_THAT(VectorError("{\"" + replica + "\": 1}"), HasSubstr("not a decimal number in a string"));
  EXPECT_THAT(VectorError("{\"" + replica + "\": \"-1\"}"), HasSubstr("not a decimal number"));
  EXPECT_THAT(VectorError("{\"" + replica + "\": \"1x\"}"), HasSubstr("not a decimal number"));
  EXPECT_THAT(VectorError("{\"" + replica + "\": \"18446744073709551616\"}"),
              HasSubstr("not a decimal number"));
  EXPECT_THAT(VectorError("null"), HasSubstr("must be a JSON object"));
}

}  // namespace
}  // namespace rejoin
