#include "store/sqlite/row_history.h"

#include <algorithm>

namespace rejoin {

void RowHistory::Start(bool indexed) {
  indexed_ = indexed;
  before_ = Before::kUnseen;
  now_ = Now::kAbsent;
  displaced_ = remade_ = false;
  rowid_ = old_rowid_ = 0;
  moved_from_.reset();
  known_.clear();
  last_values_.clear();
}

void RowHistory::Insert(const CaptureEntry& entry, std::optional<ByteView> moved_from) {
  if (entry.continues) return;
  if (before_ == Before::kUnseen) {
    before_ = indexed_ ? Before::kAbsent : Before::kUnknown;
  } else {
    remade_ = true;
    // There was no DELETE in between: REPLACE took the row that was there.
    if (now_ != Now::kAbsent) displaced_ = true;
  }
  now_ = Now::kPresent;
  rowid_ = entry.rowid;
  moved_from_ = moved_from;
}

void RowHistory::Update(const CaptureEntry& entry) {
  See(entry.old_rowid);
  now_ = Now::kPresent;
  rowid_ = entry.rowid;
  ByteReader values(entry.values);
  for (std::uint64_t next = values.Varint(); next != 0; next = values.Varint()) {
    Note(static_cast<ColumnId>(next - 1), SkipValue(values), true);
  }
}

void RowHistory::Delete(const CaptureEntry& entry) {
  See(entry.old_rowid);
  if (!entry.continues) last_values_.clear();
  now_ = Now::kAbsent;
  rowid_ = entry.old_rowid;
  NoteAll(entry);
}

void RowHistory::Probe(const CaptureEntry& entry) {
  See(entry.old_rowid);
  if (!entry.continues) last_values_.clear();
  now_ = Now::kUncertain;
  rowid_ = entry.old_rowid;
  NoteAll(entry);
}

void RowHistory::SetPresent(bool present, std::int64_t rowid) {
  now_ = present ? Now::kPresent : Now::kAbsent;
  if (present) rowid_ = rowid;
}

void RowHistory::See(std::int64_t rowid) {
  if (before_ != Before::kUnseen) return;
  before_ = Before::kPresent;
  old_rowid_ = rowid;
}

// What is known first is what was there before the transaction.
void RowHistory::Note(ColumnId column, ByteView before, bool changed) {
  auto at = known_.end();
  if (!known_.empty() && known_.back().column >= column) {
    at = std::lower_bound(known_.begin(), known_.end(), column,
                          [](const Known& known, ColumnId id) { return known.column < id; });
  }
  if (at == known_.end() || at->column != column) at = known_.insert(at, {column, before, 0});
  if (changed && at->changes < 2) ++at->changes;
}

void RowHistory::NoteAll(const CaptureEntry& entry) {
  const std::vector<ColumnId> columns = ReadRanges(entry.ranges);
  ByteReader values(entry.values);
  for (std::uint32_t i = entry.from; i < entry.from + entry.count; ++i) {
    const ByteView value = SkipValue(values);
    if (before_ == Before::kPresent) Note(columns[i], value, false);
    last_values_.push_back({columns[i], value, 0});
  }
}

bool RowHistory::NeedsValues() const {
  if (before_ != Before::kPresent || now_ != Now::kPresent || displaced_) return false;
  return remade_ || std::any_of(known_.begin(), known_.end(),
                                [](const Known& known) { return known.changes > 1; });
}

RowHistory::Net RowHistory::net() const {
  const bool present = now_ == Now::kPresent;
  switch (before_) {
    case Before::kUnseen:
      return Net::kNothing;
    case Before::kAbsent:
      return present ? Net::kInsert : Net::kNothing;
    case Before::kUnknown:
      return present ? Net::kInsert : Net::kInsertThenDelete;
    case Before::kPresent:
      if (present) return displaced_ ? Net::kInsert : Net::kUpdate;
      return displaced_ ? Net::kInsertThenDelete : Net::kDelete;
  }
  return Net::kNothing;
}

}  // namespace rejoin
