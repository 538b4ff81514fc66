#include "store/sqlite/new_row_keys.h"

#include <utility>

#include "store/sqlite/row_record.h"

namespace rejoin {
namespace {

std::uint64_t HashOf(TableNumber table, std::uint64_t key_hash) {
  return key_hash ^ (std::uint64_t{table} * 0x9e37'79b9'7f4a'7c15u);
}

}  // namespace

Result<std::optional<Key>> KeyOfNewRow(Engine& engine, const TrackedTable& table, const Change& change) {
  if (!table.local || table.shape.kind != KeyKind::kIndexed) return std::optional<Key>();
  const RowSql& sql = engine.row_sql.For(table);
  REJOIN_ASSIGN(CachedStatement row, engine.db.Cached(sql.key_by_rowid));
  row->Bind(1, change.rowid);
  REJOIN_ASSIGN(const bool there, row->Step());
  Key key;
  const bool is_it = there && ReadRowKey(*row, sql, table.shape.kind, key) && KeyHash(key) == *change.key_hash;
  return is_it ? std::optional<Key>(std::move(key)) : std::nullopt;
}

Result<Key> LeftRowKeys::Find(const Change& change, std::uint64_t position) {
  const TrackedTable* const table = engine_.catalog.Find(change.table);
  if (table != nullptr) {
    REJOIN_ASSIGN(std::optional<Key> key, KeyOfNewRow(engine_, *table, change));
    if (key) return std::move(*key);
  }
  if (!read_) {
    const auto read = [this](const LogRecord& record) -> Result<bool> {
      for (const Change& later : record.changes) {
        if (later.key_hash || later.old_rowid == 0) continue;
        left_.emplace(HashOf(later.table, KeyHash(later.key)), later.key);
      }
      return left_.size() < kMostKeys;
    };
    REJOIN_TRY(ForEachAfter(engine_, position, read));
    read_ = true;
  }
  const auto left = left_.find(HashOf(change.table, *change.key_hash));
  return left == left_.end() ? Key() : left->second;
}

Result<bool> NewRowKeys::Find(const Change& change, const std::deque<TouchedKey>& later, Key& key) {
  key.clear();
  const TrackedTable* const table = engine_.catalog.Find(change.table);
  if (table == nullptr) return true;  // no longer tracked: nobody asks
  REJOIN_ASSIGN(std::optional<Key> found, KeyOfNewRow(engine_, *table, change));
  if (found) {
    key = std::move(*found);
    return true;
  }
  for (; hashed_ < later.size(); ++hashed_) {
    hashes_.insert(HashOf(later[hashed_].table, KeyHash(later[hashed_].key)));
  }
  return hashes_.count(HashOf(change.table, *change.key_hash)) != 0;
}

}  // namespace rejoin
