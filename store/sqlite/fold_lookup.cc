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
  Located located;
  if (table_.shape.kind != KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(const bool overridden, FindOverride(key, rowid, located));
    if (overridden) return located;
    REJOIN_ASSIGN(const bool in_run, FindInRun(key, rowid, located));
    if (in_run) return located;
  }
  const auto by_key = FindByKey(key, located);
  if (!by_key) return tl::unexpected(by_key.error());
  return located;
}

Result<Located> MetadataLookup::OfInsertedRow(const Key& key, std::optional<std::int64_t> rowid) {
  Located located;
  const bool by_rowid = table_.shape.kind != KeyKind::kWithoutRowid && rowid;
  if (by_rowid) {
    REJOIN_ASSIGN(const bool overridden, FindOverride(key, *rowid, located));
    if (overridden) return located;
  }
  REJOIN_ASSIGN(const bool by_key, FindByKey(key, located));
  if (by_key || !by_rowid) return located;
  const auto in_run = FindInRun(key, *rowid, located);
  if (!in_run) return tl::unexpected(in_run.error());
  return located;
}

Result<bool> MetadataLookup::FindOverride(const Key& key, std::int64_t rowid, Located& located) {
  if (Lies(rowid, no_overrides_)) return false;
  REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(sql_.scan_overrides));
  find->Bind(1, rowid);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found || find->Integer(0) != rowid) {
    no_overrides_ = {rowid, found ? find->Integer(0) : kEndOfRowids};
    return false;
  }
  REJOIN_ASSIGN(located.row, UnpackRecord({engine_.catalog, table_}, find->Text(1)));
  const bool indexed = table_.shape.kind == KeyKind::kIndexed;
  if (indexed && located.row.key_hash != KeyHash(key)) return WrongRow(table_, rowid);
  located.place = Place::kOverride;
  located.rowid = rowid;
  return true;
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
