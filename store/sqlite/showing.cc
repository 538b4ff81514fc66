#include "store/sqlite/showing.h"

#include <algorithm>

#include "store/show_order.h"
#include "store/sqlite/plain_rows.h"

namespace rejoin {

Showing::Showing(Engine& engine, const TrackedTable& table)
    : engine_(engine), table_(table), scope_(engine), writer_(engine, table, scope_), saver_(engine, table) {
  local_columns_ = Catalog::LocalColumns(table);
  for (const ColumnId column : local_columns_) {
    for (const UniqueIndex& unique : table.shape.uniques) {
      const auto& names = unique.columns;
      if (std::find(names.begin(), names.end(), *table.columns[column].local) == names.end()) continue;
      unique_columns_.push_back(column);
      break;
    }
  }
}

Result<ShowReport> Showing::Run(std::vector<PendingRow> pending) {
  if (table_.local) scope_.Enter(table_);
  if (!table_.shape.uniques.empty()) {
    REJOIN_ASSIGN(any_hidden_, AnyHiddenForUnique(engine_, table_.number));
  }
  for (PendingRow& row : pending) {
    Candidate& candidate = rows_.emplace_back();
    candidate.row = std::move(row);
    candidate.in_table = candidate.row.before.in_table;
    if (candidate.in_table) candidate.rowid = candidate.row.before.rowid;
  }
  const std::size_t count = rows_.size();
  for (std::size_t i = 0; i < count; ++i) REJOIN_TRY(Place(rows_[i]));
  REJOIN_TRY(Settle());
  REJOIN_TRY(Save());

  ShowReport report;
  for (std::size_t i = 0; i < count; ++i) {
    const Candidate& row = rows_[i];
    const bool moved = row.in_table != row.row.before.in_table;
    report.rows_written += moved || (row.in_table && row.differs) ? 1 : 0;
    report.hidden += row.refusal ? 1 : 0;
  }
  for (std::size_t i = count; i < rows_.size(); ++i) {
    const PendingRow& row = rows_[i].row;
    if (row.before.in_table && !rows_[i].in_table) report.displaced.push_back(row.key);
  }
  for (const Candidate& row : rows_) {
    if (row.stays() || row.row.before.state.empty()) continue;
    report.moved.push_back({row.row.key, row.row.state_changed});
  }
  return report;
}

Status Showing::Place(Candidate& candidate) {
  if (any_hidden_ && candidate.in_table) REJOIN_TRY(EnterHiddenBehind(candidate.row.key));
  if (!IsPresent(candidate.row.state, table_.rules)) {
    return candidate.in_table ? TakeOut(candidate) : Status();
  }
  if (!table_.local) {
    Refuse(candidate, QuarantineReason::kUnknownTable, "no table for it is tracked here");
    return {};
  }
  return candidate.in_table ? PlaceUpdate(candidate) : PlaceInsert(candidate);
}

Status Showing::PlaceUpdate(Candidate& candidate) {
  MakeImage(candidate, image_);
  if (image_.size() < local_columns_.size()) {
    // A column has lost its cell: only an INSERT can give it the default again.
    candidate.differs = true;
    REJOIN_TRY(TakeOut(candidate));
    return PlaceInsert(candidate);
  }
  const std::vector<Value>& shown = candidate.row.before.table_values;
  image_.erase(std::remove_if(image_.begin(), image_.end(),
                              [&shown](const ColumnValue& value) {
                                return shown[value.column] == *value.value;
                              }),
               image_.end());
  if (image_.empty()) return {};
  candidate.differs = true;
  REJOIN_ASSIGN(const Written written,
                writer_.Update(candidate.row.key, *candidate.rowid, image_));
  candidate.written = true;
  if (written == Written::kDone) return {};
  std::string refusal = writer_.refusal();
  // What it was before must not stand there in its place.
  REJOIN_TRY(TakeOut(candidate));
  if (written == Written::kTaken) {
    Enter(candidate);
  } else {
    Refuse(candidate, QuarantineReason::kCheck, std::move(refusal));
  }
  return {};
}

Status Showing::PlaceInsert(Candidate& candidate) {
  REJOIN_ASSIGN(const Written written, PutIn(candidate));
  if (written == Written::kDone) {
    candidate.plain = IsPlainHere(candidate);
  } else if (written == Written::kTaken) {
    Enter(candidate);
  } else {
    Refuse(candidate, QuarantineReason::kCheck, writer_.refusal());
  }
  return {};
}

Status Showing::TakeOut(Candidate& candidate) {
  REJOIN_TRY(writer_.Delete(candidate.row.key, *candidate.rowid));
  candidate.in_table = false;
  candidate.written = true;
  candidate.plain = false;
  return {};
}

// Leaves the image in image_.
Result<Written> Showing::PutIn(Candidate& candidate) {
  REJOIN_TRY(ChooseRowid(candidate));
  MakeImage(candidate, image_);
  REJOIN_ASSIGN(const Written written,
                writer_.Insert(candidate.row.key, candidate.rowid.value_or(0), image_));
  if (written == Written::kDone) {
    candidate.in_table = true;
    candidate.written = true;
  }
  return written;
}

// A row that was in the table goes back to where it was: so metadata by rowid
// stays right.
Status Showing::ChooseRowid(Candidate& candidate) {
  if (candidate.rowid) return {};
  if (table_.shape.kind == KeyKind::kWithoutRowid) {
    candidate.rowid = 0;
    return {};
  }
  if (table_.shape.kind == KeyKind::kIndexed) {
    REJOIN_ASSIGN(candidate.rowid, writer_.NewRowid());
    return {};
  }
  ByteReader key(candidate.row.key);
  const auto part = ReadKeyPart(key);
  if (part && part->type == ValueType::kInteger) {
    candidate.rowid = static_cast<std::int64_t>(part->bits);
  }
  return {};
}

void Showing::Refuse(Candidate& candidate, QuarantineReason reason, std::string detail) {
  candidate.refusal = Refusal{reason, std::move(detail), {}};
}

bool Showing::IsLocal(ColumnId column) const { return table_.columns[column].local.has_value(); }

// What the table is to hold for the row: its cells, and what stands in columns
// that never had one. What is missing then is to show the default.
void Showing::MakeImage(const Candidate& candidate, Image& image) const {
  image.clear();
  const RowState& state = candidate.row.state;
  if (state.incarnations.size() == 1) {
    for (const Cell& cell : state.incarnations.front().cells) {
      if (IsLocal(cell.column)) image.push_back({cell.column, &cell.value});
    }
  } else {
    for (const Cell* cell : ShownCells(state, table_.rules)) {
      if (IsLocal(cell->column)) image.push_back({cell->column, &cell->value});
    }
  }
  const LocatedRow& before = candidate.row.before;
  if (!before.in_table || image.size() == local_columns_.size()) return;
  std::vector<bool> has_cell(table_.columns.size());
  for (const Cell* cell : ShownCells(before.state, table_.rules)) has_cell[cell->column] = true;
  for (const ColumnValue& value : image) has_cell[value.column] = true;
  for (const ColumnId column : local_columns_) {
    if (!has_cell[column]) image.push_back({column, &before.table_values[column]});
  }
  std::sort(image.begin(), image.end(),
            [](const ColumnValue& a, const ColumnValue& b) { return a.column < b.column; });
}

// New here, of one transaction, and all of it stands in the table as it is.
bool Showing::IsPlainHere(const Candidate& candidate) const {
  const PendingRow& row = candidate.row;
  if (table_.shape.kind == KeyKind::kWithoutRowid || !candidate.pending) return false;
  if (row.before.in_table || row.before.has_record || !row.before.state.empty()) return false;
  return IsPlain(table_, row.state);
}

}  // namespace rejoin
