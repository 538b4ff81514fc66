// Tables, values and statements in few words.
#pragma once

#include <string>
#include <utility>

#include "store/memory/table_def.h"

namespace rejoin {

inline Value T(const char* text) { return Value::Text(text); }
inline Value N(std::int64_t number) { return Value::Integer(number); }
inline Key K(const char* text) { return EncodeKey({Value::Text(text)}); }

inline Op Insert(const char* table, const Key& key, Row values) {
  return {Op::Kind::kInsert, table, key, std::move(values), {}};
}
inline Op Replace(const char* table, const Key& key, Row values) {
  return {Op::Kind::kReplace, table, key, std::move(values), {}};
}
inline Op Upsert(const char* table, const Key& key, Row values) {
  return {Op::Kind::kUpsert, table, key, std::move(values), {}};
}
inline Op Update(const char* table, const Key& key, Row values) {
  return {Op::Kind::kUpdate, table, key, std::move(values), {}};
}
inline Op Delete(const char* table, const Key& key) {
  return {Op::Kind::kDelete, table, key, {}, {}};
}
inline Op ChangeKey(const char* table, const Key& key, const Key& new_key, Row values = {}) {
  return {Op::Kind::kChangeKey, table, key, std::move(values), new_key};
}

inline ColumnDef Column(const char* name, Value default_value = {}) {
  return {name, std::move(default_value), false, {}};
}

// item(id, title, qty): nothing but a key.
inline TableDef ItemTable(RowRules rules = {}) {
  return {"item", {"id"}, {Column("title"), Column("qty", N(0))}, {}, rules};
}
// person(id, email UNIQUE, nick UNIQUE, age).
inline TableDef PersonTable(RowRules rules = {}) {
  return {"person", {"id"}, {Column("email"), Column("nick"), Column("age")},
          {{"email"}, {"nick"}}, rules};
}

}  // namespace rejoin
