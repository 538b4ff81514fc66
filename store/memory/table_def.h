// Tables, rows and transactions in the abstract: what a schema and SQL come to,
// without either. The memory store takes them as they are; tests turn the same
// ones into SQL for the other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "crdt/row_state.h"

namespace rejoin {

// A column that is not part of the key. Names here are logical ones.
struct ColumnDef {
  std::string name;
  Value default_value;             // DEFAULT; NULL where there is none
  bool not_null = false;           // NOT NULL
  std::optional<Value> forbidden;  // CHECK (name IS NOT forbidden)
};

struct TableDef {
  std::string name;
  std::vector<std::string> key_columns;  // PRIMARY KEY, in this order; at least one
  std::vector<ColumnDef> columns;
  std::vector<std::vector<std::string>> unique_sets;  // UNIQUE (...); may name key columns
  RowRules rules;
  bool integer_key = false;  // INTEGER PRIMARY KEY: the one key column holds integers only
};

// Values by column, without the key's. Missing ones stand for the default where
// a row is made, for "unchanged" where one is edited.
using Row = std::map<std::string, Value>;
using Rows = std::map<Key, Row>;

// One SQL statement that concerns one row.
struct Op {
  enum class Kind : std::uint8_t {
    kInsert,     // INSERT: an error where the key or a UNIQUE value is taken
    kReplace,    // INSERT OR REPLACE: displaces whatever is in the way
    kUpsert,     // INSERT ... ON CONFLICT (key) DO UPDATE: values, or no change where none
    kUpdate,     // UPDATE ... WHERE key: nothing where there is no such row
    kDelete,     // DELETE ... WHERE key: likewise
    kChangeKey,  // UPDATE ... SET key = new_key, values WHERE key: likewise
  };
  Kind kind = Kind::kInsert;
  std::string table;
  Key key;
  Row values;
  Key new_key = {};  // of kChangeKey

  friend bool operator==(const Op&, const Op&) = default;
};

// All or nothing: an error in one takes all of them back.
using Transaction = std::vector<Op>;

// Why a present row is not shown.
enum class Hidden : std::uint8_t {
  kUnknownTable,
  kCheck,   // it breaks a NOT NULL or a CHECK
  kUnique,  // a row taken before it has one of its UNIQUE values
};

struct QuarantinedRow {
  std::string table;
  Key key;
  Hidden reason = Hidden::kUnique;

  friend bool operator==(const QuarantinedRow&, const QuarantinedRow&) = default;
  friend bool operator<(const QuarantinedRow& a, const QuarantinedRow& b) {
    return std::tie(a.table, a.key, a.reason) < std::tie(b.table, b.key, b.reason);
  }
};

// One key with several living incarnations; what each of them wrote, by logical
// name and without defaults, the latest birth first.
struct KeyClash {
  std::string table;
  Key key;
  std::vector<Row> sides;

  friend bool operator==(const KeyClash&, const KeyClash&) = default;
};

}  // namespace rejoin
