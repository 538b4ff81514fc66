// A real database, the record shop of the Chinook sample: eleven tables with
// foreign keys on three copies, thousands of edits of every kind on each.

#include <filesystem>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr int kEditsOnEach = 3000;
constexpr char kTablesSql[] =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\' ORDER BY name";
constexpr const char* kKinds[] = {"update", "update row", "insert", "delete", "replace", "rekey", "upsert"};

struct Column {
  std::string name;
  bool key = false;
  bool text = false;
};

std::string ColumnList(const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns) list += (list.empty() ? "" : ", ") + QuoteName(column.name);
  return list;
}

// One copy, and somebody who edits it.
class Shop {
 public:
  Shop(const std::string& original, const std::string& path, std::uint64_t seed) : random_(seed) {
    std::filesystem::copy_file(original, path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
    database_ = std::make_unique<TestDatabase>(seed, path);
    database_->Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON");
    for (const std::string& table : Strings(database_->db, kTablesSql)) {
      std::vector<Column>& columns = columns_[table];
      for (const std::string& name : Strings(database_->db, "SELECT name FROM pragma_table_info(" + QuoteText(table) + ")")) {
        const std::string about = database_->One("SELECT pk > 0, type LIKE 'NVARCHAR%' FROM pragma_table_info(" +
                                                 QuoteText(table) + ") WHERE name = " + QuoteText(name));
        columns.push_back({name, about[0] == '1', about[2] == '1'});
      }
      tables_.push_back(table);
      database_->Track(table);
    }
  }

  TestDatabase& database() { return *database_; }
  const std::vector<std::string>& tables() const { return tables_; }
  // How many edits of each kind SQLite accepted (foreign keys refuse some).
  const std::map<std::string, int>& accepted() const { return accepted_; }

  // One transaction of a few edits.
  void Work(std::uint64_t at_ms) {
    database_->clock.wall_ms = at_ms;
    database_->Exec("BEGIN");
    const std::size_t edits = 1 + Below(5);
    for (std::size_t i = 0; i < edits; ++i) Edit();
    database_->Exec(Below(20) == 0 ? "ROLLBACK" : "COMMIT");
  }
  int edits() const { return edits_; }

 private:
  std::size_t Below(std::size_t limit) { return static_cast<std::size_t>(random_.Draw64() % limit); }

  // Any row, as a condition; empty where there is none.
  std::string AnyRow(const std::string& table) {
    const std::string name = QuoteName(table);
    return "rowid = (SELECT rowid FROM " + name + " LIMIT 1 OFFSET " + std::to_string(random_.Draw64() % 100'000) +
           " % max(1, (SELECT count(*) FROM " + name + ")))";
  }
  // A value that fits the column, with its foreign keys: what another row has, or made up.
  std::string Other(const std::string& table, const Column& column) {
    if (column.text && Below(2) == 0) return QuoteName(column.name) + " || '*'";
    return "(SELECT " + QuoteName(column.name) + " FROM " + QuoteName(table) + " WHERE " + AnyRow(table) + ")";
  }
  // A row like another, under a key of its own or of somebody else.
  std::string Selected(const std::string& table) {
    std::string values;
    for (const Column& column : columns_[table]) {
      values += values.empty() ? "" : ", ";
      if (!column.key) {
        values += QuoteName(column.name);
      } else if (table == "PlaylistTrack") {
        values += Other(table, column);
      } else {
        values += "(SELECT max(" + QuoteName(column.name) + ") + 1 FROM " + QuoteName(table) + ")";
      }
    }
    return "SELECT " + values + " FROM " + QuoteName(table) + " WHERE " + AnyRow(table);
  }

  std::string EditSql(const std::string& kind, const std::string& table) {
    const std::vector<Column>& columns = columns_[table];
    const std::string name = QuoteName(table);
    const std::string into = " INTO " + name + "(" + ColumnList(columns) + ") ";
    const Column& column = columns[Below(columns.size())];
    const std::string set = QuoteName(column.name) + " = " + Other(table, column);
    if (kind == "update") return "UPDATE OR IGNORE " + name + " SET " + set + " WHERE " + AnyRow(table);
    if (kind == "update row") {
      std::string sets;
      for (const Column& each : columns) {
        const std::string same = QuoteName(each.name);
        sets += (sets.empty() ? "" : ", ") + same + " = " + (each.text && Below(3) == 0 ? same + " || '.'" : same);
      }
      return "UPDATE " + name + " SET " + sets + " WHERE " + AnyRow(table);
    }
    if (kind == "insert") return "INSERT OR IGNORE" + into + Selected(table);
    if (kind == "delete") return "DELETE FROM " + name + " WHERE " + AnyRow(table);
    if (kind == "replace") {
      return "REPLACE" + into + "SELECT " + ColumnList(columns) + " FROM " + name + " WHERE " + AnyRow(table);
    }
    const std::string key = QuoteName(columns[0].name);
    if (kind == "rekey") {
      const std::string to = table == "PlaylistTrack" ? Other(table, columns[0]) : key + " + 100000";
      return "UPDATE OR IGNORE " + name + " SET " + key + " = " + to + " WHERE " + AnyRow(table);
    }
    std::string keys;
    for (const Column& each : columns) keys += !each.key ? "" : (keys.empty() ? "" : ", ") + QuoteName(each.name);
    const std::string last = QuoteName(columns.back().name);
    return "INSERT" + into + "SELECT " + ColumnList(columns) + " FROM " + name + " WHERE " + AnyRow(table) +
           " ON CONFLICT(" + keys + ") DO UPDATE SET " + last + " = excluded." + last + (columns.back().text ? " || '+'" : "");
  }

  void Edit() {
    const std::string kind = kKinds[Below(std::size(kKinds))];
    const std::string& table = tables_[Below(tables_.size())];
    ++edits_;
    const int result = database_->Try(EditSql(kind, table));
    if (result == SQLITE_OK && sqlite3_changes(database_->db) > 0) ++accepted_[kind];
    EXPECT_TRUE(result == SQLITE_OK || result == SQLITE_CONSTRAINT_FOREIGNKEY ||
                result == SQLITE_CONSTRAINT_NOTNULL || result == SQLITE_CONSTRAINT_PRIMARYKEY)
        << EditSql(kind, table) << "\n  " << database_->error;
  }

  SeededRandom random_;
  std::unique_ptr<TestDatabase> database_;
  std::vector<std::string> tables_;
  std::map<std::string, std::vector<Column>> columns_;
  std::map<std::string, int> accepted_;
  int edits_ = 0;
};

TEST(Chinook, ThreeCopiesWithThousandsOfEditsBecomeOne) {
  const std::string original = std::string(REJOIN_SOURCE_DIR) + "/../shared/data/chinook.db";
  if (!std::filesystem::exists(original)) GTEST_SKIP() << "there is no " << original << " on this machine";
  ScratchFolder folder;
  std::vector<std::unique_ptr<Shop>> shops;
  for (std::uint64_t i = 0; i < 3; ++i) {
    shops.push_back(std::make_unique<Shop>(original, folder.File("shop" + std::to_string(i) + ".db"), 31 + i));
  }
  ASSERT_EQ(shops[0]->tables().size(), 11u);
  SeededRandom random(7);
  std::uint64_t now_ms = shops[0]->database().clock.wall_ms;
  while (shops[0]->edits() < kEditsOnEach || shops[1]->edits() < kEditsOnEach || shops[2]->edits() < kEditsOnEach) {
    const std::size_t who = random.Draw64() % 3;
    shops[who]->Work(now_ms += random.Draw64() % 3);
    if (random.Draw64() % 100 == 0) shops[who]->database().Pull(shops[random.Draw64() % 2 == 0 ? (who + 1) % 3 : (who + 2) % 3]->database());
    if (HasFailure()) return;
  }
  for (const auto& shop : shops) {
    for (const char* const kind : kKinds) EXPECT_GT(shop->accepted().at(kind), 100) << kind;
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < 3; ++i) shops[i]->database().Pull(shops[(i + 1) % 3]->database());
    for (std::size_t i = 3; i-- > 0;) shops[i]->database().Pull(shops[(i + 2) % 3]->database());
  }

  TestDatabase& first = shops[0]->database();
  constexpr char kOrphans[] = "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1";
  for (std::size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE("copy " + std::to_string(i));
    TestDatabase& each = shops[i]->database();
    EXPECT_EQ(each.DigestHex(), first.DigestHex());
    for (const std::string& table : shops[i]->tables()) {
      EXPECT_EQ(SharedRows(each.db, table), SharedRows(first.db, table)) << table;
    }
    EXPECT_EQ(each.Query(kOrphans), first.Query(kOrphans));
    EXPECT_EQ(each.One("SELECT count(*) FROM rejoin__clash"), first.One("SELECT count(*) FROM rejoin__clash"));
    EXPECT_EQ(each.One("SELECT * FROM pragma_integrity_check"), "ok");
    const auto findings = each.store->Check();
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
  }
  EXPECT_NE(first.One("SELECT count(*) FROM rejoin__clash"), "0") << "edits apart must have met";
}

}  // namespace
}  // namespace rejoin::testing
