#include "bindings/sqlite/json_text.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace rejoin {
namespace {

std::string Json(const Value& value, std::size_t max_bytes = 100) {
  std::string text;
  AppendJsonValue(text, value, max_bytes);
  return text;
}

TEST(JsonText, WritesEachStorageClass) {
  EXPECT_EQ(Json(Value::Null()), "null");
  EXPECT_EQ(Json(Value::Integer(std::numeric_limits<std::int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(Json(Value::Real(0.1)), "0.1");
  EXPECT_EQ(Json(Value::Text("a\"b\n")), "\"a\\\"b\\n\"");
  EXPECT_EQ(Json(Value::Blob(Bytes("\x00\xff", 2))), "{\"blob\":\"00ff\"}");
}

TEST(JsonText, TellsRealsFromIntegers) {
  EXPECT_EQ(Json(Value::Real(1)), "1.0");
  EXPECT_EQ(Json(Value::Real(1e300)), "1e+300");
  EXPECT_EQ(Json(Value::Real(-0.0)), "-0.0");
  EXPECT_EQ(Json(Value::Real(std::numeric_limits<double>::infinity())), "9e999");
  EXPECT_EQ(Json(Value::Real(-std::numeric_limits<double>::infinity())), "-9e999");
}

TEST(JsonText, ShowsWhatIsNoNumberAsSqliteWouldStoreIt) {
  EXPECT_EQ(Json(Value::Real(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(Json(Value::Real(-std::numeric_limits<double>::quiet_NaN())), "null");
}

TEST(JsonText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(Json(Value::Text("a\xff")), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(Json(Value::Text(Bytes("a\0b", 3))), "\"a\\u0000b\"");
}

TEST(JsonText, CutsWhatIsLong) {
  EXPECT_EQ(Json(Value::Text("abcdef"), 3), "\"abc…\"");
  EXPECT_EQ(Json(Value::Blob("abc"), 1), "{\"blob\":\"61…\"}");
}

TEST(JsonText, ShowsKeysAndWhatIsNone) {
  EXPECT_EQ(KeyToJson(EncodeKey({Value::Integer(7), Value::Text("x")})), "[7,\"x\"]");
  EXPECT_EQ(KeyToJson("\x09"), "{\"blob\":\"09\"}");
}

TEST(JsonText, WritesTimesOfEveryYearThatATimestampCanHave) {
  EXPECT_EQ(TimeText(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(TimeText(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(TimeText(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(TimeText((std::uint64_t{1} << 48) - 1), "10889-08-02T05:31:50.655Z");
}

}  // namespace
}  // namespace rejoin
