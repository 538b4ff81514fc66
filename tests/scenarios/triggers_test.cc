// The users' own triggers, on the writing side and on the merging one.

#include <gmock/gmock.h>

#include "tests/scenarios/replicas.h"

namespace rejoin::testing {
namespace {

TrackOptions Firing() {
  TrackOptions options;
  options.fire_triggers = true;
  return options;
}

constexpr char kTouched[] = R"sql(
CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a TEXT, updated_at INTEGER DEFAULT 0);
CREATE TRIGGER touch AFTER UPDATE OF a ON t BEGIN
  UPDATE t SET updated_at = updated_at + 1 WHERE id = new.id;
END;
)sql";

TEST(UserTriggers, UpdatedAtDoesNotEcho) {
  Replicas all(2, {kTouched, {"t"}});
  all.At(0, "INSERT INTO t(id, a) VALUES('x', 'a')");
  all.ExchangeAll();
  all.At(0, "UPDATE t SET a = 'b'");
  all.Pull(1, 0);
  EXPECT_EQ(all[1].One("SELECT * FROM t"), "x|b|1");
  EXPECT_EQ(NewsFor(all[0], all[1]), 0u) << "a merge makes no change of its own";
  all.ExchangeAndExpectEqual();
}

constexpr char kDocs[] = R"sql(
CREATE TABLE doc(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
CREATE VIRTUAL TABLE found USING fts5(title, body, content='doc', content_rowid='id');
CREATE TRIGGER doc_in AFTER INSERT ON doc BEGIN
  INSERT INTO found(rowid, title, body) VALUES(new.id, new.title, new.body);
END;
CREATE TRIGGER doc_out AFTER DELETE ON doc BEGIN
  INSERT INTO found(found, rowid, title, body) VALUES('delete', old.id, old.title, old.body);
END;
CREATE TRIGGER doc_up AFTER UPDATE ON doc BEGIN
  INSERT INTO found(found, rowid, title, body) VALUES('delete', old.id, old.title, old.body);
  INSERT INTO found(rowid, title, body) VALUES(new.id, new.title, new.body);
END;
)sql";

TEST(UserTriggers, AFullTextIndexStaysRightWhereTheyFireOnMerge) {
  Replicas all(3, {kDocs, {"doc"}, Firing()});
  SeededRandom random(5);
  const std::vector<std::string> words{"milk", "eggs", "oat", "soy", "bread"};
  const auto word = [&] { return words[random.Draw64() % words.size()]; };
  for (int step = 0; step < 150; ++step) {
    const std::size_t who = random.Draw64() % 3;
    const std::string id = std::to_string(random.Draw64() % 12);
    switch (random.Draw64() % 5) {
      case 0: all.At(who, "DELETE FROM doc WHERE id = " + id); break;
      case 1: all.At(who, "UPDATE doc SET body = body || ' " + word() + "' WHERE id = " + id); break;
      case 2: all.At(who, "INSERT OR IGNORE INTO doc VALUES(" + id + ", '" + word() + "', '" + word() + "')"); break;
      case 3: all.At(who, "INSERT INTO doc VALUES(" + id + ", '" + word() + "', 'b') ON CONFLICT(id) DO UPDATE SET title = excluded.title"); break;
      default: all.Pull(who, (who + 1) % 3);
    }
  }
  all.ExchangeAndExpectEqual();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].Try("INSERT INTO found(found, rank) VALUES('integrity-check', 1)"), SQLITE_OK) << all[i].error;
    for (const std::string& each : words) {
      EXPECT_EQ(all[i].Query("SELECT rowid FROM found('" + each + "') ORDER BY rowid"),
                all[i].Query("SELECT id FROM doc WHERE ' ' || title || ' ' || body || ' ' LIKE '% " + each + " %' ORDER BY id"));
    }
  }
}

TEST(UserTriggers, StaySilentOnMergeUnlessToldOtherwise) {
  const std::string schema = std::string(kTouched) +
      "CREATE TABLE seen(id TEXT); CREATE TRIGGER see AFTER INSERT ON t BEGIN INSERT INTO seen VALUES(new.id); END;";
  for (const bool fire : {false, true}) {
    TrackOptions options;
    options.fire_triggers = fire;
    Replicas all(2, {schema, {"t"}, options});
    all.At(0, "INSERT INTO t(id, a) VALUES('x', 'a')");
    all.Pull(1, 0);
    EXPECT_EQ(all[1].One("SELECT count(*) FROM seen"), fire ? "1" : "0");
    EXPECT_EQ(all[1].One("SELECT fire_triggers FROM rejoin__table"), fire ? "1" : "0");
  }
}

TEST(UserTriggers, MayNotWriteTrackedTablesOnMerge) {
  Replicas all(2, {kTouched, {"t"}, Firing()});
  all.At(0, "INSERT INTO t(id, a) VALUES('x', 'a')");
  all.ExchangeAll();
  const std::string before = all[1].DigestHex();
  all.At(0, "UPDATE t SET a = 'b'");
  const auto merged = all[1].Merge(all[0].Delta());
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().code, Code::kTriggerWrote);
  EXPECT_THAT(merged.error().message, ::testing::HasSubstr("tracked table t"));
  EXPECT_EQ(all[1].DigestHex(), before);
  EXPECT_EQ(all[1].One("SELECT * FROM t"), "x|a|0") << "whole or not at all";
  all.At(1, "UPDATE t SET a = 'c'");
  EXPECT_EQ(all[1].One("SELECT * FROM t"), "x|c|1") << "its own triggers work as ever";
}

TEST(UserTriggers, AnErrorTheyRaiseEndsTheMergeWhole) {
  const std::string schema = R"sql(
CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a);
CREATE TRIGGER guard BEFORE INSERT ON t WHEN new.a = 'bad' BEGIN SELECT raise(ABORT, 'not this one'); END;
)sql";
  Replicas all(1, {"CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a)", {"t"}});
  all.At(0, "INSERT INTO t VALUES('fine', 'good'), ('x', 'bad')");
  Replicas guarded(1, {schema, {"t"}, Firing()});
  guarded[0].Merge(all[0].Delta());
  // Refused as a whole or kept aside: never half, and the state is sound.
  const std::string shown = guarded[0].One("SELECT count(*) FROM t");
  EXPECT_TRUE(shown == "0" || (shown == "1" && Replicas::HiddenRows(guarded[0]).size() == 1)) << shown;
  Replicas::ExpectSound(guarded[0]);
}

}  // namespace
}  // namespace rejoin::testing
