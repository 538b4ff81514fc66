// What TableFold does with plain inserts: rows that are new and become runs.
#include <algorithm>
#include <tuple>

#include "store/sqlite/fold_table.h"
#include "store/sqlite/new_row_keys.h"

namespace rejoin {
namespace {

constexpr std::size_t kMaxLostKeys = 65'536;

Key RowidKey(std::int64_t rowid) {
  Key key;
  AppendKeyPart(key, Value::Integer(rowid));
  return key;
}

}  // namespace

// Its key is asked for only where something may be known of it.
Result<std::size_t> TableFold::TakeNewRow(const Change& change, const Stamp& stamp) {
  if (!indexed()) return std::size_t{0};  // rebuilt under another kind of key: nothing tells whose the hash is
  const auto left = left_keys_.find(*change.key_hash);
  if (left != left_keys_.end() || lookup_.has_key_records() || !ComesBeyond(change, stamp)) {
    REJOIN_ASSIGN(std::optional<Key> key, KeyOfNewRow(engine_, table_, change));
    if (!key && left != left_keys_.end()) key = pending_[left->second].change.key;
    if (key) {
      Change whole = change;
      whole.key = std::move(*key);
      whole.key_hash.reset();
      return Take(std::move(whole), stamp, false);
    }
    if (lost_keys_.size() < kMaxLostKeys) {
      lost_keys_.insert(*change.key_hash);
    } else {
      any_key_is_lost_ = true;
    }
  }
  const PlainInsert insert{{change.rowid, *change.key_hash}, next_sequence_++, StampIndex(stamp)};
  if (ComesBeyond(change, stamp)) {
    inserts_.push_back(insert);
  } else {
    REJOIN_TRY(AddFreshOverride(change, insert));
  }
  return sizeof(PlainInsert);
}

// To a rowid above all metadata.
bool TableFold::ComesBeyond(const Change& change, const Stamp& stamp) const {
  if (!by_rowid() || left_new_rowid_) return false;
  return stamp.rank == Rank::kWritten && change.rowid > lookup_.known_up_to();
}

// The key was never heard of, either.
Result<bool> TableFold::IsPlainInsert(const Change& change, const Stamp& stamp) {
  if (change.kind != ChangeKind::kInsert || !ComesBeyond(change, stamp)) return false;
  if (change.moved_from && has_unknown_columns_) return false;
  if (indexed() && change.old_rowid != 0) return false;
  if (!left_keys_.empty() && left_keys_.count(KeyHash(change.key)) != 0) return false;
  REJOIN_ASSIGN(const bool known, lookup_.HasKeyRecord(change.key));
  return !known;
}

// Rowids are scattered over the log rows of a transaction, which are sorted by
// key. Past the first gap of the second half, more may be to come in between.
std::vector<TableFold::PlainInsert> TableFold::TakeIncomplete() {
  for (std::size_t i = inserts_.size() / 2 + 1; i < inserts_.size(); ++i) {
    // One rowid twice is a REPLACE onto a row of this batch, and stays with it.
    if (inserts_[i].row.rowid - inserts_[i - 1].row.rowid <= 1) continue;
    const auto gap = inserts_.begin() + static_cast<std::ptrdiff_t>(i);
    std::vector<PlainInsert> incomplete(gap, inserts_.end());
    inserts_.erase(gap, inserts_.end());
    return incomplete;
  }
  return {};
}

Status TableFold::WriteRuns(bool goes_on) {
  const auto before = [](const PlainInsert& a, const PlainInsert& b) {
    return std::tie(a.row.rowid, a.sequence) < std::tie(b.row.rowid, b.sequence);
  };
  if (!std::is_sorted(inserts_.begin(), inserts_.end(), before)) {
    std::sort(inserts_.begin(), inserts_.end(), before);
  }
  std::vector<PlainInsert> incomplete;
  if (goes_on && pending_.empty()) incomplete = TakeIncomplete();
  REJOIN_ASSIGN(RunAppender appender, RunAppender::Begin(engine_, table_));
  const PlainInsert* last = nullptr;
  for (const PlainInsert& insert : inserts_) {
    const bool again = last != nullptr && last->row.rowid == insert.row.rowid;
    last = &insert;
    if (!again) {
      REJOIN_TRY(appender.Add(stamps_[insert.stamp], colset_, insert.row));
      continue;
    }
    if (has_hidden_) may_show_hidden_ = true;
    Change edit;
    edit.table = table_.number;
    edit.rowid = insert.row.rowid;
    if (indexed()) {
      // Another key's, though nobody told that the first one had left.
      REJOIN_TRY(AddFreshOverride(edit, insert));
      continue;
    }
    // REPLACE onto a row of this very batch: an edit of it.
    edit.key = RowidKey(insert.row.rowid);
    pending_.push_back({std::move(edit), insert.sequence, insert.stamp, false});
  }
  inserts_ = std::move(incomplete);
  return appender.Finish();
}

Status TableFold::AddFreshOverride(const Change& change, const PlainInsert& insert) {
  PackedRow row;
  Apply({table_, local_, change, stamps_[insert.stamp], {}}, row);
  row.key_hash = insert.row.key_hash;
  REJOIN_ASSIGN(Bytes record, PackRecord(context(), row));
  fresh_[row.key_hash] = new_overrides_.size();
  new_overrides_.push_back({change.rowid, insert.sequence, row.key_hash, std::move(record)});
  return {};
}

// Takes it out: what becomes of the row is written in its stead, or nothing.
Result<std::optional<Located>> TableFold::TakeFresh(const Change& first) {
  const auto fresh = fresh_.empty() ? fresh_.end() : fresh_.find(KeyHash(first.key));
  if (fresh == fresh_.end()) return std::optional<Located>();
  NewOverride& made = new_overrides_[fresh->second];
  if (made.rowid != first.old_rowid) return std::optional<Located>();
  Located located;
  REJOIN_ASSIGN(located.row, UnpackRecord(context(), made.record));
  made.record.clear();
  fresh_.erase(fresh);
  return std::optional<Located>(std::move(located));
}

bool TableFold::IsLost(const Key& key) const {
  return any_key_is_lost_ || (!lost_keys_.empty() && lost_keys_.count(KeyHash(key)) != 0);
}

// See lost_keys_.
Status TableFold::JoinEarlier(const Key& key, Located& located) {
  if (!lookup_.has_key_records() || located.place == Place::kByKey) return {};
  if (located.row.state.empty()) return {};
  if (!IsLost(key)) return {};
  lost_keys_.erase(KeyHash(key));
  REJOIN_ASSIGN(const Located earlier, lookup_.OfInsertedRow(key, std::nullopt));
  if (earlier.place != Place::kByKey) return {};
  Join(located.row.state, earlier.row.state);
  located.also_by_key = true;
  return {};
}

}  // namespace rejoin
