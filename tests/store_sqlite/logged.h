// What the log says, as text: one line per change.
//
//   insert todo 1
//   insert todo 2 from 1             the row came from another key
//   update todo 1: title, qty
//   update todo 'a' @3>9             its rowid changed (tables whose key is not the rowid)
//   delete todo 1: title='milk', qty=2
#pragma once

#include <string>
#include <vector>

#include "store/sqlite/log.h"
#include "store/sqlite/new_row_keys.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {

inline std::string TextOf(const Value& value) {
  switch (value.type) {
    case ValueType::kNull:
      return "NULL";
    case ValueType::kInteger:
      return std::to_string(value.integer());
    case ValueType::kReal: {
      std::string text = std::to_string(value.real());
      return text.substr(0, text.find_last_not_of('0') + 2);
    }
    case ValueType::kText:
      return "'" + value.bytes + "'";
    case ValueType::kBlob:
      return "x'" + value.bytes + "'";
  }
  return "?";
}

inline std::string TextOfKey(const Key& key) {
  const auto values = DecodeKey(key);
  if (!values) return "(damaged key)";
  std::string text;
  for (const Value& value : *values) text += (text.empty() ? "" : ",") + TextOf(value);
  return text;
}

// Of a row that has left its table since, the log may have no more than a hash.
inline std::string TextOfKey(const TestDatabase& db, const TrackedTable& table, const Change& change) {
  if (!change.key_hash) return TextOfKey(change.key);
  const auto key = KeyOfNewRow(*db.engine, table, change);
  return key && *key ? TextOfKey(**key) : "(gone)";
}

inline std::string TextOf(const TestDatabase& db, const Change& change) {
  const TrackedTable* const table = db.engine->catalog.Find(change.table);
  if (table == nullptr) return "(unknown table)";
  const char* const kinds[] = {"?", "insert", "update", "delete", "probe"};
  std::string text = kinds[static_cast<int>(change.kind)];
  text += " " + table->local.value_or(table->name) + " " + TextOfKey(db, *table, change);
  if (change.moved_from) text += " from " + TextOfKey(*change.moved_from);
  if (change.old_rowid != 0 && change.old_rowid != change.rowid) {
    text += " @" + std::to_string(change.old_rowid) + ">" + std::to_string(change.rowid);
  }
  for (std::size_t i = 0; i < change.columns.size(); ++i) {
    text += (i == 0 ? ": " : ", ") + table->columns.at(change.columns[i]).name;
    if (!change.old_values.empty()) text += "=" + TextOf(change.old_values.at(i));
  }
  return text;
}

// Reads what a database's log got since the last call.
class LogReader {
 public:
  explicit LogReader(TestDatabase& db) : db_(db) { (void)Records(); }

  std::vector<LogRecord> Records() {
    std::vector<LogRecord> records;
    const Status read = ForEachAfter(*db_.engine, position_, [&](const LogRecord& record) -> Result<bool> {
      records.push_back(record);
      position_ = record.cursor.position;
      return true;
    });
    if (!read) ADD_FAILURE() << read.error().message;
    return records;
  }

  std::vector<std::string> News() {
    std::vector<std::string> lines;
    for (const LogRecord& record : Records()) {
      for (const Change& change : record.changes) lines.push_back(TextOf(db_, change));
    }
    return lines;
  }

  // The changes of one transaction.
  std::vector<std::string> After(const std::string& sql) {
    db_.Exec(sql);
    return News();
  }
  std::vector<std::string> AfterAll(const std::string& sql) {
    return After("BEGIN; " + sql + "; COMMIT");
  }

 private:
  TestDatabase& db_;
  std::uint64_t position_ = 0;
};

using Lines = std::vector<std::string>;

}  // namespace rejoin::testing
