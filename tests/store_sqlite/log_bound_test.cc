// The log is kept for who comes soon, and bounded: it does not grow with the file's age.
#include <gtest/gtest.h>

#include "store/sqlite/log.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

class LogBound : public ::testing::Test {
 protected:
  LogBound() {
    for (TestDatabase* const db : {&writer_, &listener_}) {
      db->Exec("CREATE TABLE note(id INTEGER PRIMARY KEY, text)");
      db->Track("note");
      db->engine->limits.log_min_bytes = 1000;
      db->engine->limits.log_file_percent = 0;
    }
  }
  static int LogBytes(TestDatabase& db) { return std::stoi(db.One("SELECT sum(length(body)) FROM rejoin__log")); }
  VersionVector Known() { return listener_.store->Vector().value_or(VersionVector()); }
  void Hear() { ASSERT_TRUE(listener_.Merge(writer_.Delta(Known()))); }

  TestDatabase writer_{1};
  TestDatabase listener_{2};
};

TEST_F(LogBound, HoldsForWhoWritesAndForWhoListens) {
  for (int i = 1; i <= 200; ++i) {
    writer_.Exec("INSERT INTO note VALUES(" + std::to_string(i) + ", 'x')");
    Hear();
  }
  for (TestDatabase* const db : {&writer_, &listener_}) {
    EXPECT_GT(LogBytes(*db), 900);
    EXPECT_LT(LogBytes(*db), 1200);
  }
  EXPECT_EQ(listener_.One("SELECT count(*) FROM note"), "200");
}

TEST_F(LogBound, LetsNothingGoThatIsNotFolded) {
  writer_.engine->limits.log_min_bytes = 0;
  for (int i = 1; i <= 3; ++i) writer_.Exec("INSERT INTO note VALUES(" + std::to_string(i) + ", 'x')");
  ASSERT_TRUE(TrimLog(*writer_.engine));
  Hear();
  EXPECT_EQ(listener_.One("SELECT count(*) FROM note"), "3");
}

TEST_F(LogBound, IsNotTouchedByADeltaThatComesLate) {
  writer_.Exec("INSERT INTO note VALUES(1, 'x')");
  const Bytes first = writer_.Delta();
  writer_.Exec("INSERT INTO note VALUES(2, 'x')");
  Hear();
  const VersionVector known = Known();
  const std::string log = "SELECT count(*), max(pos) FROM rejoin__log";
  const std::string before = listener_.One(log);
  ASSERT_TRUE(listener_.Merge(first));
  EXPECT_EQ(listener_.One(log), before);
  EXPECT_EQ(Known(), known);
}

}  // namespace
}  // namespace rejoin::testing
