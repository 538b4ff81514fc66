#include "store/sqlite/fold_lookup.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr std::int64_t kEndOfRowids = std::numeric_limits<std::int64_t>::max();

Result<std::int64_t> Number(Engine& engine, const std::string& sql) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(sql));
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? read->Integer(0) : 0;
}

// No key begins with this byte.
Bytes ParkedKey(std::uint64_t key_hash) {
  Bytes key(1, '\xff');
  PutFixed64(key, key_hash);
  return key;
}

bool Lies(std::int64_t rowid, const std::pair<std::int64_t, std::int64_t>& gap) {
  return rowid >= gap.first && rowid < gap.second;
}

}  // namespace

Status MetadataLookup::Restart() {
  no_overrides_ = {0, 0};
  no_runs_ = {0, 0};
  know_keys_ = false;
  run_.reset();
  hashes_.Forget();
  REJOIN_ASSIGN(known_up_to_, HighRowid(engine_, table_));
  if (table_.shape.kind != KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(const std::int64_t last_override,
                  Number(engine_, "SELECT max(rowid) FROM {s}." + table_.row_table()));
    known_up_to_ = std::max(known_up_to_, last_override);
  }
  REJOIN_ASSIGN(const std::int64_t any,
                Number(engine_, "SELECT EXISTS(SELECT 1 FROM {s}." + table_.key_table() + ")"));
  has_key_records_ = any != 0;
  return {};
}

Result<bool> MetadataLookup::HasKeyRecord(const Key& key) {
  if (!has_key_records_) return false;
  const bool in_gap =
      know_keys_ && key >= no_keys_from_ && (!no_keys_to_ || key < *no_keys_to_);
  if (in_gap) return false;
  REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(sql_.scan_keyed));
  find->BindBlob(1, key);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (found && find->Text(0) == key) return true;
  know_keys_ = true;
  no_keys_from_ = key;
  no_keys_to_.reset();
  if (found) no_keys_to_ = Key(find->Text(0));
  return false;
}

Result<Located> MetadataLookup::OfShownRow(const Key& key, std::int64_t rowid) {
  if (table_.shape.kind != KeyKind::kWithoutRowid) return ByRowid(key, rowid, false);
  return OfInsertedRow(key, std::nullopt);
}

Result<Located> MetadataLookup::OfInsertedRow(const Key& key, std::optional<std::int64_t> rowid) {
  if (table_.shape.kind != KeyKind::kWithoutRowid && rowid) return ByRowid(key, *rowid, true);
  Located located;
  const auto by_key = FindByKey(key, located);
  if (!by_key) return tl::unexpected(by_key.error());
  return located;
}

// An override over a run's row takes precedence; where it is another's, the row
// that the run tells of may still have been this one.
Result<Located> MetadataLookup::ByRowid(const Key& key, std::int64_t rowid, bool by_key_first) {
  Located located;
  REJOIN_ASSIGN(const Found override_there, FindOverride(key, rowid, located));
  if (override_there == Found::kIt) return located;
  REJOIN_ASSIGN(const bool parked, FindParked(key, located));
  if (parked) return located;
  for (const bool by_key : {by_key_first, !by_key_first}) {
    REJOIN_ASSIGN(const bool found,
                  by_key ? FindByKey(key, located) : FindInRun(key, rowid, located));
    if (found) return located;
  }
  if (override_there == Found::kAnothers) return WrongRow(table_, rowid);
  return located;
}

Result<MetadataLookup::Found> MetadataLookup::FindOverride(const Key& key, std::int64_t rowid,
                                                           Located& located) {
  if (Lies(rowid, no_overrides_)) return Found::kNothing;
  REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(sql_.scan_overrides));
  find->Bind(1, rowid);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found || find->Integer(0) != rowid) {
    no_overrides_ = {rowid, found ? find->Integer(0) : kEndOfRowids};
    return Found::kNothing;
  }
  REJOIN_ASSIGN(PackedRow row, UnpackRecord({engine_.catalog, table_}, find->Text(1)));
  const bool indexed = table_.shape.kind == KeyKind::kIndexed;
  if (indexed && row.key_hash != KeyHash(key)) return Found::kAnothers;
  located.row = std::move(row);
  located.place = Place::kOverride;
  located.rowid = rowid;
  return Found::kIt;
}

Result<bool> MetadataLookup::FindParked(const Key& key, Located& located) {
  if (!any_parked_) return false;
  REJOIN_ASSIGN(CachedStatement get, engine_.db.Cached(sql_.get_keyed));
  const Bytes parked = ParkedKey(KeyHash(key));
  get->BindBlob(1, parked);
  REJOIN_ASSIGN(const bool found, get->Step());
  if (!found) return false;
  REJOIN_ASSIGN(located.row, UnpackRecord({engine_.catalog, table_}, get->Text(0)));
  located.place = Place::kParked;
  return true;
}

Status MetadataLookup::Park(std::int64_t rowid, std::uint64_t key_hash) {
  Bytes record;
  {
    REJOIN_ASSIGN(CachedStatement get, engine_.db.Cached(sql_.get_override));
    get->Bind(1, rowid);
    REJOIN_ASSIGN(const bool found, get->Step());
    if (!found) return {};
    record = Bytes(get->Text(0));
  }
  REJOIN_ASSIGN(const PackedRow row, UnpackRecord({engine_.catalog, table_}, record));
  if (row.key_hash == key_hash) return {};
  any_parked_ = true;
  REJOIN_ASSIGN(CachedStatement put, engine_.db.Cached(sql_.put_keyed));
  const Bytes parked = ParkedKey(row.key_hash);
  put->BindBlob(1, parked).BindBlob(2, record);
  return put->Run();
}

Status MetadataLookup::Unpark(const Key& key) {
  REJOIN_ASSIGN(CachedStatement drop, engine_.db.Cached(sql_.drop_keyed));
  const Bytes parked = ParkedKey(KeyHash(key));
  drop->BindBlob(1, parked);
  return drop->Run();
}

Status MetadataLookup::DropParked() {
  if (!any_parked_) return {};
  any_parked_ = false;
  return engine_.db.Exec("DELETE FROM {s}." + table_.key_table() + " WHERE key >= x'ff'");
}

Result<bool> MetadataLookup::FindInRun(const Key& key, std::int64_t rowid, Located& located) {
  if (Lies(rowid, no_runs_)) return false;
  if (!run_ || rowid < run_->first || rowid > run_->last) {
    REJOIN_ASSIGN(run_, FindRunFrom(engine_, table_, rowid));
    if (!run_ || run_->first > rowid) {
      no_runs_ = {rowid, run_ ? run_->first : kEndOfRowids};
      return false;
    }
  }
  if (table_.shape.kind == KeyKind::kIndexed) REJOIN_TRY(hashes_.Check(rowid, key));
  located.row = RowOfRun(table_, *run_);
  located.place = Place::kRun;
  located.rowid = rowid;
  return true;
}

Result<bool> MetadataLookup::FindByKey(const Key& key, Located& located) {
  REJOIN_ASSIGN(const bool exists, HasKeyRecord(key));
  if (!exists) return false;
  REJOIN_ASSIGN(CachedStatement get, engine_.db.Cached(sql_.get_keyed));
  get->BindBlob(1, key);
  REJOIN_ASSIGN(const bool found, get->Step());
  if (!found) return false;
  REJOIN_ASSIGN(located.row, UnpackRecord({engine_.catalog, table_}, get->Text(0)));
  located.place = Place::kByKey;
  return true;
}

}  // namespace rejoin
