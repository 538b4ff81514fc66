// Statements that nobody holds any more are handed out again.
#include <string>

#include <gtest/gtest.h>

#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

int OpenStatements(sqlite3* db) {
  int count = 0;
  for (sqlite3_stmt* at = sqlite3_next_stmt(db, nullptr); at != nullptr; at = sqlite3_next_stmt(db, at)) ++count;
  return count;
}

TEST(Prepared, IsHandedOutAgainWithoutWhatWasBound) {
  TestDatabase db(1);
  Database& sql = db.engine->db;
  constexpr char kText[] = "SELECT ?1 IS NULL";
  sqlite3_stmt* first = nullptr;
  {
    auto statement = sql.Prepare(kText);
    ASSERT_TRUE(statement);
    first = statement->raw();
    statement->Bind(1, std::int64_t{7});
    ASSERT_TRUE(statement->Step());  // and left on its row
  }
  auto again = sql.Prepare(kText);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->raw(), first);
  ASSERT_TRUE(again->Step());
  EXPECT_EQ(again->Integer(0), 1);
}

TEST(Prepared, IsNobodyElsesWhileItIsHeld) {
  TestDatabase db(1);
  auto one = db.engine->db.Prepare("SELECT 1");
  auto other = db.engine->db.Prepare("SELECT 1");
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->raw(), other->raw());
}

TEST(Prepared, IsKeptUpToABound) {
  TestDatabase db(1);
  const int before = OpenStatements(db.db);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(db.engine->db.Prepare("SELECT " + std::to_string(i)));
  EXPECT_LE(OpenStatements(db.db) - before, 64);
  db.engine->db.FinalizeAll();
  EXPECT_EQ(OpenStatements(db.db), 0);
}

}  // namespace
}  // namespace rejoin::testing
