// Errors pass through layers as values.
#include "base/status.h"

#include <memory>
#include <set>

#include <gtest/gtest.h>

namespace rejoin {
namespace {

Result<int> Halve(int number) {
  if (number % 2 != 0) return Fail(Code::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  REJOIN_ASSIGN(const int half, Halve(number));
  REJOIN_ASSIGN(const int quarter, Halve(half));
  return quarter;
}

Status Check(int number) {
  REJOIN_TRY(Quarter(number));
  return {};
}

TEST(Status, TheFirstErrorIsHandedOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_TRUE(Check(8));
  const Status odd = Check(6);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, Code::kInvalidArgument);
  EXPECT_EQ(odd.error().message, "odd");
}

TEST(Status, ValuesThatOnlyMoveAreHandedOn) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto pass = [&make]() -> Result<std::unique_ptr<int>> {
    REJOIN_ASSIGN(std::unique_ptr<int> made, make());
    return made;
  };
  EXPECT_EQ(**pass(), 7);
}

TEST(Status, CodesHaveNames) {
  EXPECT_EQ(CodeName(Code::kNotCovered), "NotCovered");
  std::set<std::string_view> names;
  std::size_t codes = 0;
#define REJOIN_CODE(name, number, meaning, cure)              \
  EXPECT_EQ(CodeName(static_cast<Code>(number)), #name);      \
  names.insert(CodeName(static_cast<Code>(number)));          \
  ++codes;
#include "base/error_codes.def"
#undef REJOIN_CODE
  EXPECT_EQ(names.size(), codes);
  EXPECT_EQ(CodeName(static_cast<Code>(999)), "Unknown");
}

}  // namespace
}  // namespace rejoin
