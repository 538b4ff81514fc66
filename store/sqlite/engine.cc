#include "store/sqlite/engine.h"

namespace rejoin {

Result<std::optional<Value>> Engine::Meta(std::string_view name) {
  REJOIN_ASSIGN(CachedStatement read, db.Cached("SELECT value FROM {s}.rejoin__meta WHERE name = ?1"));
  read->BindText(1, name);
  REJOIN_ASSIGN(const bool found, read->Step());
  if (!found) return std::optional<Value>();
  return std::optional<Value>(read->ColumnValue(0));
}

Status Engine::SetMeta(std::string_view name, const Value& value) {
  REJOIN_ASSIGN(CachedStatement write,
                db.Cached("INSERT OR REPLACE INTO {s}.rejoin__meta(name, value) VALUES(?1, ?2)"));
  write->BindText(1, name).BindValue(2, value);
  return write->Run();
}

}  // namespace rejoin
