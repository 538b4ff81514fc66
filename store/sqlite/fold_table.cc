#include "store/sqlite/fold_table.h"

#include <algorithm>
#include <tuple>

#include "store/sqlite/hidden.h"
#include "store/sqlite/large_rows.h"

namespace rejoin {
namespace {

Result<bool> Any(Engine& engine, const char* sql, TableNumber table) {
  REJOIN_ASSIGN(CachedStatement any, engine.db.Cached(sql));
  any->Bind(1, std::int64_t{table});
  return any->Step();
}

constexpr char kAnyHidden[] = "SELECT 1 FROM {s}.rejoin__hidden WHERE tbl = ?1 LIMIT 1";
constexpr char kAnyClash[] = "SELECT 1 FROM {s}.rejoin__clash WHERE tbl = ?1 LIMIT 1";
constexpr char kDropClash[] = "DELETE FROM {s}.rejoin__clash WHERE tbl = ?1 AND key = ?2";

// In rejoin__meta. Where it is, a row's earlier state is looked for under its key too.
constexpr char kLostKeys[] = "lost_keys";
std::size_t BytesOf(const Change& change) {
  std::size_t bytes = change.key.size() + change.columns.size() * sizeof(ColumnId);
  if (change.moved_from) bytes += change.moved_from->size();
  for (const Value& value : change.old_values) bytes += sizeof(Value) + value.bytes.size();
  return bytes;
}

bool HasRivals(const RowState& state, RowRules rules) {
  return std::count_if(state.incarnations.begin(), state.incarnations.end(),
                       [&](const Incarnation& incarnation) {
                         return IsAlive(incarnation, state.removes, rules);
                       }) > 1;
}

}  // namespace

Result<std::unique_ptr<TableFold>> TableFold::Begin(Engine& engine, const TrackedTable& table) {
  std::unique_ptr<TableFold> fold(new TableFold(engine, table));
  REJOIN_TRY(fold->Prepare());
  return fold;
}

Status TableFold::Prepare() {
  local_ = Catalog::LocalColumns(table_);
  has_unknown_columns_ = local_.size() != table_.columns.size();
  REJOIN_ASSIGN(colset_, engine_.catalog.InternColset(table_.number, local_));
  REJOIN_ASSIGN(const auto lost, engine_.Meta(kLostKeys));
  any_key_is_lost_ = lost.has_value();
  for (const UniqueIndex& unique : table_.shape.uniques) {
    for (const std::string& name : unique.columns) {
      for (const ColumnId column : local_) {
        if (*table_.columns[column].local == name) unique_columns_.push_back(column);
      }
    }
  }
  return {};
}

// What Take needs to know of the metadata as the batch finds it.
Status TableFold::StartBatch() {
  if (started_) return {};
  started_ = true;
  REJOIN_TRY(lookup_.Restart());
  REJOIN_ASSIGN(has_hidden_, Any(engine_, kAnyHidden, table_.number));
  REJOIN_ASSIGN(has_clashes_, Any(engine_, kAnyClash, table_.number));
  return {};
}

Result<std::size_t> TableFold::Take(Change&& change, const Stamp& stamp, bool passing) {
  REJOIN_TRY(StartBatch());
  if (change.key_hash) return TakeNewRow(change, stamp);
  REJOIN_ASSIGN(const bool plain, IsPlainInsert(change, stamp));
  const std::uint32_t index = StampIndex(stamp);
  if (plain && !passing) {
    const std::uint64_t key_hash = indexed() ? KeyHash(change.key) : 0;
    inserts_.push_back({{change.rowid, key_hash}, next_sequence_++, index});
    return sizeof(PlainInsert);
  }
  NoteLeaving(change);
  const std::size_t bytes = sizeof(Pending) + BytesOf(change);
  pending_.push_back({std::move(change), next_sequence_++, index, passing});
  return bytes;
}

std::uint32_t TableFold::StampIndex(const Stamp& stamp) {
  if (stamps_.empty() || stamps_.back() != stamp) stamps_.push_back(stamp);
  return static_cast<std::uint32_t>(stamps_.size() - 1);
}

void TableFold::NoteLeaving(const Change& change) {
  const bool unique_changed =
      std::any_of(unique_columns_.begin(), unique_columns_.end(), [&change](ColumnId column) {
        return std::binary_search(change.columns.begin(), change.columns.end(), column);
      });
  if (has_hidden_ && (change.kind != ChangeKind::kUpdate || unique_changed)) may_show_hidden_ = true;
  const bool leaves = change.kind == ChangeKind::kDelete || change.old_rowid != change.rowid;
  if (leaves) left_keys_.emplace(KeyHash(change.key), pending_.size());
  if (indexed() && leaves && change.old_rowid > lookup_.known_up_to()) left_new_rowid_ = true;
}

Status TableFold::Flush(bool goes_on) {
  // Of earlier batches there may be inserts left, though this one had none.
  if (!started_ && inserts_.empty()) return {};
  REJOIN_TRY(StartBatch());
  REJOIN_TRY(WriteRuns(goes_on));
  REJOIN_TRY(FoldPending());
  REJOIN_TRY(PutNewOverrides(goes_on));
  started_ = false;
  if (inserts_.empty()) {
    stamps_.clear();
    next_sequence_ = 0;
  }
  pending_.clear();
  order_.clear();
  left_keys_.clear();
  left_new_rowid_ = false;
  sources_.clear();
  new_overrides_.clear();
  fresh_.clear();
  return {};
}

Status TableFold::Finish() {
  // Of rows that a transaction has deleted which is still open, for one.
  if (any_key_is_lost_ || !lost_keys_.empty()) REJOIN_TRY(engine_.SetMeta(kLostKeys, Value::Integer(1)));
  return lookup_.DropParked();
}

Status TableFold::PutNewOverrides(bool goes_on) {
  std::sort(new_overrides_.begin(), new_overrides_.end(),
            [](const NewOverride& a, const NewOverride& b) {
              return std::tie(a.rowid, a.sequence) < std::tie(b.rowid, b.sequence);
            });
  for (const NewOverride& made : new_overrides_) {
    if (made.record.empty()) continue;
    if (goes_on && indexed()) REJOIN_TRY(lookup_.Park(made.rowid, made.key_hash));
    REJOIN_TRY(PutOverride(made.rowid, made.record));
  }
  return {};
}

std::vector<TableFold::Group> TableFold::Groups() {
  order_.resize(pending_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
  const auto before = [this](std::size_t a, std::size_t b) {
    return std::tie(pending_[a].change.key, pending_[a].sequence) <
           std::tie(pending_[b].change.key, pending_[b].sequence);
  };
  // As those of one transaction are.
  if (!std::is_sorted(order_.begin(), order_.end(), before)) std::sort(order_.begin(), order_.end(), before);
  std::vector<Group> groups;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const bool same = i > 0 && pending_[order_[i]].change.key == pending_[order_[i - 1]].change.key;
    if (!same) groups.push_back({i, i});
    groups.back().end = i + 1;
  }
  if (indexed()) {
    // Metadata lies by rowid, so that is the order to visit it in.
    const auto rowid = [this](const Group& group) {
      const Change& first = Of(group, 0).change;
      return first.old_rowid != 0 ? first.old_rowid : first.rowid;
    };
    std::sort(groups.begin(), groups.end(),
              [&rowid](const Group& a, const Group& b) { return rowid(a) < rowid(b); });
  }
  return groups;
}

Result<Located> TableFold::Locate(const Change& first) {
  REJOIN_ASSIGN(Located located, Find(first));
  REJOIN_TRY(JoinEarlier(first.key, located));
  return located;
}

Result<Located> TableFold::Find(const Change& first) {
  REJOIN_ASSIGN(std::optional<Located> fresh, TakeFresh(first));
  if (fresh) return std::move(*fresh);
  const bool by_key = table_.shape.kind == KeyKind::kRowid;
  if (first.kind != ChangeKind::kInsert) {
    return lookup_.OfShownRow(first.key, by_key ? first.rowid : first.old_rowid);
  }
  std::optional<std::int64_t> rowid;
  if (by_key) rowid = first.rowid;
  if (indexed() && first.old_rowid != 0) {
    if (IsLost(first.key)) return lookup_.OfShownRow(first.key, first.old_rowid);
    rowid = first.old_rowid;
  }
  return lookup_.OfInsertedRow(first.key, rowid);
}

Status TableFold::FoldPending() {
  if (pending_.empty()) return {};
  REJOIN_TRY(lookup_.Restart());
  const std::vector<Group> groups = Groups();
  REJOIN_TRY(FindSources(groups));
  for (const Group& group : groups) REJOIN_TRY(FoldGroup(group));
  return {};
}

// Before any group changes them.
Status TableFold::FindSources(const std::vector<Group>& groups) {
  if (!has_unknown_columns_) return {};
  for (const Pending& pending : pending_) {
    const Change& change = pending.change;
    if (change.moved_from) sources_[*change.moved_from].rowid = change.rowid;
  }
  if (sources_.empty()) return {};
  for (const Group& group : groups) {
    const Change& first = Of(group, 0).change;
    const auto source = sources_.find(first.key);
    if (source == sources_.end()) continue;
    REJOIN_ASSIGN(Located located, Locate(first));
    source->second.state = std::move(located.row.state);
  }
  for (auto& [key, source] : sources_) {
    if (!source.state.empty()) continue;
    // It went in an earlier part of the transaction, or goes in a later one.
    REJOIN_ASSIGN(Located located, lookup_.OfInsertedRow(key, std::nullopt));
    if (located.place == Place::kNowhere && by_rowid()) {
      REJOIN_ASSIGN(located, LocateLeaving(key, source.rowid));
    }
    source.state = std::move(located.row.state);
  }
  return {};
}

// The row that changes its key keeps its rowid, unless that is the key. Another row's
// metadata there tells that this one has gone further.
Result<Located> TableFold::LocateLeaving(const Key& key, std::int64_t rowid) {
  if (!indexed()) {
    ByteReader parts(key);
    const auto part = ReadKeyPart(parts);
    if (!part) return Located();
    rowid = static_cast<std::int64_t>(part->bits);
  }
  Result<Located> located = lookup_.OfShownRow(key, rowid);
  if (!located && located.error().code == Code::kCorrupt) return Located();
  return located;
}

Status TableFold::FoldGroup(const Group& group) {
  const std::size_t count = group.end - group.begin;
  REJOIN_ASSIGN(Located located, Locate(Of(group, 0).change));
  const bool had_rivals = HasRivals(located.row.state, table_.rules);
  for (std::size_t i = 0; i < count; ++i) {
    const Pending& pending = Of(group, i);
    if (pending.passing && !located.row.shown) {
      ++i;  // came and went: nothing happened
      continue;
    }
    std::vector<Cell> carried;
    if (pending.change.moved_from && has_unknown_columns_) {
      carried = CarriedCells(table_, sources_[*pending.change.moved_from].state, located.row.state);
    }
    Apply({table_, local_, pending.change, stamps_[pending.stamp], std::move(carried)}, located.row);
  }
  const Key& key = Of(group, 0).change.key;
  if (had_rivals || has_clashes_ || located.row.state.incarnations.size() > 1) {
    REJOIN_TRY(NoteRivals(key, located.row.state));
  }
  return Write(Of(group, count - 1), located);
}

Status TableFold::NoteRivals(const Key& key, const RowState& state) {
  if (HasRivals(state, table_.rules)) {
    rivals_.push_back(key);
    return {};
  }
  if (!has_clashes_) return {};
  REJOIN_ASSIGN(CachedStatement drop, engine_.db.Cached(kDropClash));
  drop->Bind(1, std::int64_t{table_.number}).BindBlob(2, key);
  return drop->Run();
}

// The row is in the table again, or absent.
Status TableFold::NoteHidden(const Key& key) {
  REJOIN_TRY(RemoveHidden(engine_, table_.number, key));
  REJOIN_ASSIGN(const bool large, IsListedLarge(engine_, table_.number, key));
  if (large) large_.push_back(key);
  return {};
}

Status TableFold::Write(const Pending& from, Located& located) {
  const Change& last = from.change;
  const bool shown = located.row.shown;
  const bool now_by_key = !shown || !by_rowid();
  if (has_hidden_) REJOIN_TRY(NoteHidden(last.key));
  const bool stays = !now_by_key && located.rowid == last.rowid;
  if (located.place == Place::kOverride && !stays) {
    REJOIN_ASSIGN(CachedStatement drop, engine_.db.Cached(sql_.drop_override));
    drop->Bind(1, located.rowid);
    REJOIN_TRY(drop->Run());
  }
  if (located.place == Place::kParked) REJOIN_TRY(lookup_.Unpark(last.key));
  const bool nothing_left = located.row.state.empty();
  const bool was_by_key = located.place == Place::kByKey || located.also_by_key;
  if (was_by_key && (!now_by_key || nothing_left)) {
    REJOIN_ASSIGN(CachedStatement drop, engine_.db.Cached(sql_.drop_keyed));
    drop->BindBlob(1, last.key);
    REJOIN_TRY(drop->Run());
  }
  // A record of nothing says that the row, of which a run still tells, is gone.
  if (nothing_left && located.place != Place::kRun) return {};
  return now_by_key ? WriteByKey(last.key, located) : WriteOverride(from, located);
}

Status TableFold::WriteByKey(const Key& key, Located& located) {
  located.row.key_hash = 0;
  REJOIN_ASSIGN(const Bytes record, PackRecord(context(), located.row));
  REJOIN_ASSIGN(CachedStatement put, engine_.db.Cached(sql_.put_keyed));
  put->BindBlob(1, key).BindBlob(2, record);
  return put->Run();
}

Status TableFold::WriteOverride(const Pending& from, Located& located) {
  const Change& last = from.change;
  located.row.key_hash = indexed() ? KeyHash(last.key) : 0;
  REJOIN_ASSIGN(Bytes record, PackRecord(context(), located.row));
  const bool was_by_rowid = located.place == Place::kOverride || located.place == Place::kRun;
  const bool in_place = !indexed() || (was_by_rowid && located.rowid == last.rowid);
  if (in_place) return PutOverride(last.rowid, record);
  new_overrides_.push_back({last.rowid, from.sequence, located.row.key_hash, std::move(record)});
  return {};
}

Status TableFold::PutOverride(std::int64_t rowid, const Bytes& record) {
  REJOIN_ASSIGN(CachedStatement put, engine_.db.Cached(sql_.put_override));
  put->Bind(1, rowid).BindBlob(2, record);
  return put->Run();
}

}  // namespace rejoin
