// Where a table's metadata has something about a row, for those who ask in order:
// what was found missing once is remembered as a gap, so that sorted questions
// about rows without records cost nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "store/sqlite/runs.h"

namespace rejoin {

enum class Place { kNowhere, kOverride, kRun, kByKey, kParked };

// Metadata as it is stored, without the user's table.
struct Located {
  PackedRow row;
  Place place = Place::kNowhere;
  std::int64_t rowid = 0;  // of an override or run
  bool also_by_key = false;  // the record by key was joined in
};

class MetadataLookup {
 public:
  MetadataLookup(Engine& engine, const TrackedTable& table)
      : engine_(engine), table_(table), sql_(engine.row_sql.For(table)), hashes_(engine, table) {}

  // Forgets what it knows. Call when metadata was written, except that overrides
  // and key records may be written and dropped at places already asked for.
  Status Restart();

  // No run or override lies above this rowid.
  std::int64_t known_up_to() const { return known_up_to_; }
  bool has_key_records() const { return has_key_records_; }

  // A transaction may be cut between a row that comes to a rowid and the one that
  // leaves it. The override of the latter is parked meanwhile: by its hash, for
  // nobody knows its key yet, among the records by key. Parks the one at `rowid` if
  // it is not that of `key_hash`.
  Status Park(std::int64_t rowid, std::uint64_t key_hash);
  Status Unpark(const Key& key);
  // Nobody came for them.
  Status DropParked();

  Result<bool> HasKeyRecord(const Key& key);

  // A row that the table held before the change in question.
  Result<Located> OfShownRow(const Key& key, std::int64_t rowid);
  // A row that is inserted: the table did not hold it, or (`rowid`: where) it was
  // replaced. A record by key means that it was not there.
  Result<Located> OfInsertedRow(const Key& key, std::optional<std::int64_t> rowid);

 private:
  enum class Found { kNothing, kIt, kAnothers };

  Result<Located> ByRowid(const Key& key, std::int64_t rowid, bool by_key_first);
  Result<Found> FindOverride(const Key& key, std::int64_t rowid, Located& located);
  Result<bool> FindParked(const Key& key, Located& located);
  Result<bool> FindInRun(const Key& key, std::int64_t rowid, Located& located);
  Result<bool> FindByKey(const Key& key, Located& located);

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;

  std::int64_t known_up_to_ = 0;
  bool has_key_records_ = false;
  bool any_parked_ = false;

  // Nothing lies in [first, second); equal: nothing is known.
  std::pair<std::int64_t, std::int64_t> no_overrides_{0, 0};
  std::pair<std::int64_t, std::int64_t> no_runs_{0, 0};
  // The same for records by key; without an end: to the last key.
  bool know_keys_ = false;
  Key no_keys_from_;
  std::optional<Key> no_keys_to_;
  std::optional<Run> run_;
  HashChunks hashes_;
};

}  // namespace rejoin
