// What a digest is of: whoever compares two replicas by it has to notice any of these.
#include "crdt/digest.h"

#include <gtest/gtest.h>

namespace rejoin {
namespace {

Digest Of(std::string_view table, const char* key, const char* column, const char* text) {
  const Cell cell{0, {}, Value::Text(text)};
  Digest digest;
  digest.AddRow(table, EncodeKey({Value::Text(key)}), {&cell}, {column});
  return digest;
}

TEST(DigestOfARow, DependsOnItsTableItsKeyItsColumnsAndItsValues) {
  const Digest digest = Of("item", "milk", "title", "oat");
  EXPECT_EQ(digest, Of("item", "milk", "title", "oat"));
  EXPECT_NE(digest, Of("items", "milk", "title", "oat"));
  EXPECT_NE(digest, Of("item", "eggs", "title", "oat"));
  EXPECT_NE(digest, Of("item", "milk", "name", "oat"));
  EXPECT_NE(digest, Of("item", "milk", "title", "soy"));
}

TEST(DigestOfARow, DoesNotDependOnTheNumbersOfItsColumns) {
  const std::vector<Cell> cells{{0, {}, Value::Integer(1)}, {1, {}, Value::Text("oat")}};
  const Key key = EncodeKey({Value::Integer(7)});
  Digest one;
  one.AddRow("item", key, {&cells[0], &cells[1]}, {"qty", "title"});
  const std::vector<Cell> turned{{0, {}, Value::Text("oat")}, {1, {}, Value::Integer(1)}};
  Digest other;
  other.AddRow("item", key, {&turned[0], &turned[1]}, {"title", "qty"});
  EXPECT_EQ(one, other);
}

}  // namespace
}  // namespace rejoin
