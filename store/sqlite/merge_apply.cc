#include "store/sqlite/merge_apply.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "store/sqlite/events.h"
#include "store/sqlite/hidden.h"
#include "store/sqlite/meta_schema.h"
#include "store/sqlite/plain_rows.h"

namespace rejoin {
namespace {

// Of keys in one log row. Beyond, who is behind it is served by vector, which
// costs no more than going through so many keys one by one.
constexpr std::size_t kMaxTouchedBytes = std::size_t{1} << 20;

// A row takes about a kilobyte while it is joined: with all of a block's at once, a
// hundred times what the delta has.
constexpr std::size_t kRowsAtOnce = 4096;
// Rows that are read before they are written: few enough for the pages that they are on to
// be in a small cache still.
constexpr std::size_t kRowsOfSlice = 256;

// Raises the vector over every stamp in the state.
void RaiseOver(const RowState& state, VersionVector& vector) {
  const Stamp* last = nullptr;  // neighbours mostly share theirs
  const auto raise = [&](const Stamp& stamp) {
    if (last == nullptr || *last != stamp) vector.Raise(stamp.replica, stamp.time);
    last = &stamp;
  };
  for (const Incarnation& incarnation : state.incarnations) {
    raise(incarnation.birth);
    for (const Cell& cell : incarnation.cells) raise(cell.stamp);
  }
  for (const Remove& remove : state.removes) raise(remove.stamp);
}

Status CheckRules(const TrackedTable& ours, const DeltaTable& theirs) {
  if (ours.key_parts != theirs.key_parts) {
    return Fail(Code::kInvalidArgument,
                "table " + ours.name + " has a key of " + std::to_string(ours.key_parts) +
                    " columns here and of " + std::to_string(theirs.key_parts) +
                    " on the delta's sender; give it the same PRIMARY KEY on all replicas");
  }
  if (ours.rules != theirs.rules) {
    return Fail(Code::kInvalidArgument,
                "table " + ours.name + " is tracked with other options for same_key or delete_wins "
                "on the delta's sender; track it with the same ones on all replicas");
  }
  return {};
}

}  // namespace

Status DeltaApplier::Apply(DeltaBlock block, const std::vector<DeltaTable>& tables) {
  while (targets_.size() < tables.size()) REJOIN_TRY(AddTarget(tables[targets_.size()]));
  Target& target = targets_[block.table];
  // What displaces rows is counted row by row (below).
  const bool at_once = !target.table->shape.uniques.empty() || block.rows.size() <= kRowsAtOnce;
  if (at_once) return ApplyRows(target, std::move(block.rows));
  for (auto first = block.rows.begin(); first != block.rows.end();) {
    const auto left = static_cast<std::size_t>(block.rows.end() - first);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(left, kRowsAtOnce));
    REJOIN_TRY(ApplyRows(target, {std::make_move_iterator(first), std::make_move_iterator(last)}));
    first = last;
  }
  return {};
}

Status DeltaApplier::ApplyRows(Target& target, std::vector<RowDelta> rows) {
  if (rows.empty()) return {};
  target.ascending = target.ascending && target.last_key < rows.front().key;
  REJOIN_ASSIGN(const Known known, WhatIsKnown(target, rows.front().key));
  target.last_key = std::max(target.last_key, rows.back().key);

  inserted_.clear();
  REJOIN_TRY(InsertPlain(target, rows, known));
  return Join(target, rows, known);
}

Status DeltaApplier::Show(const Target& target, std::vector<PendingRow> pending) {
  REJOIN_ASSIGN(const ShowReport shown, ShowRows(engine_, *target.table, std::move(pending)));
  report_.rows_shown += shown.rows_written;
  report_.quarantined += shown.hidden;
  for (const Key& key : shown.displaced) {
    if (!std::binary_search(inserted_.begin(), inserted_.end(), key)) continue;
    --report_.rows_shown;
    ++report_.quarantined;
  }
  for (const MovedRow& moved : shown.moved) NoteMoved(target.table->number, moved);
  return {};
}

// --- Tables --------------------------------------------------------------------

Status DeltaApplier::AddTarget(const DeltaTable& from) {
  Target target;
  REJOIN_ASSIGN(target.table, FindOrCarry(from));
  TrackedTable& table = *target.table;
  std::map<std::string, ColumnId, std::less<>> ours;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    ours.emplace(table.columns[i].name, static_cast<ColumnId>(i));
  }
  for (const std::string& name : from.columns) {
    auto at = ours.find(name);
    if (at == ours.end()) {
      REJOIN_ASSIGN(const ColumnId added, engine_.catalog.AddColumn(table, name, std::nullopt));
      at = ours.emplace(name, added).first;
    }
    target.same_numbers = target.same_numbers && at->second == target.columns.size();
    target.columns.push_back(at->second);
  }
  REJOIN_ASSIGN(const bool has_rows, HasRows(table));
  REJOIN_ASSIGN(const bool has_records, HasRecordFrom(table, Key()));
  target.was_empty = !has_rows && !has_records;
  targets_.push_back(std::move(target));
  return {};
}

Result<TrackedTable*> DeltaApplier::FindOrCarry(const DeltaTable& from) {
  if (TrackedTable* const known = engine_.catalog.FindLogical(from.name)) {
    REJOIN_TRY(CheckRules(*known, from));
    return known;
  }
  TrackedTable carried;
  carried.name = from.name;
  carried.rules = from.rules;
  carried.key_parts = from.key_parts;
  REJOIN_ASSIGN(TrackedTable* const added, engine_.catalog.AddTable(carried));
  REJOIN_TRY(CreateKeyTable(engine_, added->number));
  made_tables_ = true;
  return added;
}

Result<bool> DeltaApplier::HasRows(const TrackedTable& table) {
  if (!table.local) return false;
  REJOIN_ASSIGN(Statement any,
                engine_.db.Prepare("SELECT 1 FROM {s}." + QuoteName(*table.local) + " LIMIT 1"));
  return any.Step();
}

Result<bool> DeltaApplier::HasRecordFrom(const TrackedTable& table, const Key& key) {
  REJOIN_ASSIGN(CachedStatement any,
                engine_.db.Cached("SELECT 1 FROM {s}." + table.key_table() + " WHERE key >= ?1 LIMIT 1"));
  any->BindBlob(1, key);
  return any->Step();
}

// Integer keys order as their bytes do, so the largest rowid tells.
Result<bool> DeltaApplier::EndsBefore(const TrackedTable& table, const Key& key) {
  if (!table.local) return true;
  if (table.shape.kind != KeyKind::kRowid) return false;
  REJOIN_ASSIGN(Statement last, engine_.db.Prepare("SELECT max(" + QuoteName(table.shape.rowid_name) +
                                                   ") FROM {s}." + QuoteName(*table.local)));
  REJOIN_TRY(last.Step());
  return last.IsNull(0) || EncodeKey({last.ColumnValue(0)}) < key;
}

// Blocks of one delta do not share keys, but come in any order, and a delta that
// does repeat a key is no reason to lose a row.
Result<DeltaApplier::Known> DeltaApplier::WhatIsKnown(const Target& target, const Key& first) {
  if (target.was_empty && target.ascending) return Known::kNew;
  if (target.was_empty) {
    REJOIN_ASSIGN(const bool has_record, HasRecordFrom(*target.table, Key()));
    return has_record ? Known::kNothing : Known::kUnrecorded;
  }
  if (!target.ascending) return Known::kNothing;
  REJOIN_ASSIGN(const bool ends_before, EndsBefore(*target.table, first));
  if (!ends_before) return Known::kNothing;
  REJOIN_ASSIGN(const bool has_record, HasRecordFrom(*target.table, first));
  return has_record ? Known::kNothing : Known::kNew;
}

// --- Rows ------------------------------------------------------------------------

// What is left in `rows` is for Join.
Status DeltaApplier::InsertPlain(const Target& target, std::vector<RowDelta>& rows, Known known) {
  const TrackedTable& table = *target.table;
  std::optional<PlainRows> plain;
  // Triggers that fire may refuse a row, and are to hear of it once.
  if (known != Known::kNothing && table.local && !table.fire_triggers) {
    plain.emplace(engine_, table, scope_);
  }
  std::size_t left = 0;
  for (RowDelta& row : rows) {
    if (LatestTime(row.state) > newest_) Cut(row.state);
    if (row.state.empty()) continue;
    latest_time_ = std::max(latest_time_, LatestTime(row.state));
    RaiseOver(row.state, stamped_);
    if (!target.same_numbers) RenumberColumns(row.state, target.columns);
    if (plain) {
      REJOIN_ASSIGN(const bool inserted, plain->Insert(row.key, row.state));
      if (inserted) {
        ++report_.rows_changed;
        ++report_.rows_shown;
        if (!table.shape.uniques.empty()) inserted_.push_back(row.key);
        Touch(table.number, row.key);
        continue;
      }
    }
    if (&rows[left] != &row) rows[left] = std::move(row);
    ++left;
  }
  rows.resize(left);
  return plain ? plain->Finish() : Status();
}

// In the order in which the rows stand in the table, those that it does not have behind them.
Result<std::vector<DeltaApplier::Incoming>> DeltaApplier::InOrderOfTable(RowReader& reader,
                                                                        std::vector<RowDelta>& rows, Known known) {
  std::vector<Incoming> incoming;
  incoming.reserve(rows.size());
  for (RowDelta& row : rows) incoming.push_back({&row, std::nullopt});
  if (known == Known::kNew) return incoming;
  for (Incoming& one : incoming) {
    REJOIN_ASSIGN(one.rowid, reader.FindRowid(one.row->key));
  }
  std::stable_sort(incoming.begin(), incoming.end(), [](const Incoming& a, const Incoming& b) {
    return a.rowid && (!b.rowid || *a.rowid < *b.rowid);
  });
  return incoming;
}

Status DeltaApplier::Join(const Target& target, std::vector<RowDelta>& rows, Known known) {
  const TrackedTable& table = *target.table;
  RowReader reader(engine_, table);
  REJOIN_ASSIGN(const std::vector<Incoming> incoming, InOrderOfTable(reader, rows, known));
  // What displaces rows is counted row by row (Show).
  const std::size_t slice = table.shape.uniques.empty() ? kRowsOfSlice : std::max(incoming.size(), kRowsOfSlice);
  std::optional<PlainEdits> plain;
  if (known == Known::kNothing) {
    REJOIN_ASSIGN(const bool may_take, PlainEdits::MayTake(engine_, table));
    if (may_take) plain.emplace(engine_, table, scope_);
  }
  std::vector<PendingRow> pending;
  std::vector<PlainEdit> edits;
  for (std::size_t i = 0; i < incoming.size(); ++i) {
    auto found = PlainEdits::Found::kOther;
    if (plain) {
      REJOIN_ASSIGN(found, plain->Read(reader, *incoming[i].row, incoming[i].rowid, edits));
    }
    if (found == PlainEdits::Found::kOther) REJOIN_TRY(JoinRow(target, reader, incoming[i], known, pending));
    const bool last = i + 1 == incoming.size();
    if (!last && pending.size() + edits.size() < slice) continue;
    reader.Forget();
    REJOIN_TRY(Show(target, std::exchange(pending, {})));
    if (plain) REJOIN_TRY(Write(target, reader, *plain, std::exchange(edits, {})));
  }
  return {};
}

Status DeltaApplier::Write(const Target& target, RowReader& reader, PlainEdits& plain, std::vector<PlainEdit> edits) {
  std::vector<PendingRow> refused;
  for (const PlainEdit& edit : edits) {
    REJOIN_ASSIGN(const bool written, plain.Write(edit));
    if (!written) {
      REJOIN_TRY(JoinRow(target, reader, {edit.row, edit.rowid}, Known::kNothing, refused));
      reader.Forget();
      continue;
    }
    ++report_.rows_changed;
    ++report_.rows_shown;
    Touch(target.table->number, edit.row->key);
  }
  return Show(target, std::move(refused));
}

void DeltaApplier::Cut(RowState& state) {
  const std::optional<Stamp> cut = CutLater(state, newest_, known_);
  if (cut) report_.NoteTooNew(cut->replica, cut->time);
}

Status DeltaApplier::JoinRow(const Target& target, RowReader& reader, const Incoming& incoming, Known known,
                             std::vector<PendingRow>& pending) {
  const TrackedTable& table = *target.table;
  RowDelta& row = *incoming.row;
  LocatedRow before;
  if (known != Known::kNew) {
    REJOIN_ASSIGN(before, reader.LoadAt(row.key, incoming.rowid));
  }
  RowState state;
  if (before.state.empty()) {
    state = std::move(row.state);
  } else {
    state = before.state;
    const JoinOutcome outcome = rejoin::Join(state, row.state);
    if (outcome.duplicate_dot) {
      ++report_.duplicate_dots;
      REJOIN_TRY(NoteEvent(engine_, "merge",
                           "two values under one stamp in table " + table.name + ", key " +
                               KeyText(row.key) + ": a replica writes under another's id"));
    }
    if (!outcome.rose) {
      if (!before.in_table && IsPresent(state, table.rules)) ++report_.quarantined;
      return {};
    }
  }
  ++report_.rows_changed;
  if (state.incarnations.size() > 1 && HasKeyClash(state, table.rules)) ++report_.conflicts;
  Touch(table.number, row.key);
  pending.push_back({std::move(row.key), std::move(before), std::move(state)});
  return {};
}

void DeltaApplier::Touch(TableNumber table, const Key& key) {
  if (overflow_) return;
  touched_bytes_ += key.size();
  if (touched_bytes_ <= kMaxTouchedBytes) {
    touched_.push_back({table, key});
    return;
  }
  overflow_ = true;
  touched_.clear();
  touched_.shrink_to_fit();
}

// Who scans this file part by part may have passed where the row stands now (scan_point.h).
void DeltaApplier::NoteMoved(TableNumber table, const MovedRow& moved) {
  if (!moved.rose) Touch(table, moved.key);
  if (moves_unlisted_) return;
  moved_bytes_ += moved.key.size();
  moves_unlisted_ = moved_bytes_ > kMaxTouchedBytes;
  if (moves_unlisted_) {
    moved_.clear();
  } else {
    moved_.push_back({table, moved.key});
  }
}

}  // namespace rejoin
