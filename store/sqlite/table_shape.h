// What a user's table looks like, as far as tracking it needs to know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/sql.h"

namespace rejoin {

// How SQLite converts what is stored (https://sqlite.org/datatype3.html, 3.1).
enum class Affinity : std::uint8_t { kBlob, kText, kNumeric, kInteger, kReal };

// Where a row's identity lives, and so what its metadata is keyed by.
enum class KeyKind : std::uint8_t {
  kRowid,         // INTEGER PRIMARY KEY: the key is the rowid
  kIndexed,       // rowid table with another primary key: metadata by rowid, checked by key hash
  kWithoutRowid,  // metadata by key
};

struct ShapeColumn {
  std::string name;
  std::string declared_type;
  Affinity affinity = Affinity::kBlob;
  std::uint32_t key_part = 0;  // 1-based position in the primary key; 0: not in it
  bool not_null = false;
  bool generated = false;
  std::string collation;  // BINARY, NOCASE, RTRIM or an application's
  std::string default_sql;  // of its DEFAULT; empty: none
};

// One UNIQUE index besides the primary key's (expression and partial ones too).
struct UniqueIndex {
  std::string name;
  std::vector<std::string> terms;  // SQL of each term, over the table's columns, with COLLATE where it matters
  std::string where;               // SQL of a partial index's condition; empty: none
  std::vector<std::string> columns;  // every column that a term or the condition mentions
  bool primary = false;              // the primary key's own
};

inline constexpr std::size_t kMaxTrackedKeyParts = 32;

struct TableShape {
  std::string name;
  KeyKind kind = KeyKind::kRowid;
  bool strict = false;
  std::string rowid_name;             // a name for the rowid that no column hides; empty where there is none
  std::vector<ShapeColumn> columns;   // as declared, generated ones included, hidden ones not
  std::vector<std::size_t> key;       // indices into columns, in key order
  std::vector<std::string> key_collations;  // of the key's index, in key order; empty for kRowid
  // The primary key may call keys equal whose bytes differ (NOCASE, 1 and 1.0):
  // then it behaves like one more UNIQUE index and is among `uniques`.
  std::vector<UniqueIndex> uniques;
  // A constraint says ON CONFLICT REPLACE: a plain statement may displace rows.
  bool replaces_on_conflict = false;
};

// kUnknownTable; kNotTrackable with the reason and the cure for views, virtual,
// shadow, temporary and system tables, and tables without a usable primary key.
Result<TableShape> ReadTableShape(Database& db, const std::string& table);
// An error of that which is about the table. Any other is about the disk or the memory,
// and says nothing of the table.
bool IsAboutTable(Code code);

// The affinity of a declared type.
Affinity AffinityOf(std::string_view declared_type);

// Whether storing `value` in a column of this affinity may change its class or
// bits. May say yes where it would not; never the other way.
bool MayAlter(Affinity affinity, const Value& value);

}  // namespace rejoin
