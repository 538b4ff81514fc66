// Metadata of what was shown and hidden: the third pass of Showing.
#include <algorithm>

#include "store/sqlite/large_rows.h"
#include "store/sqlite/showing.h"

namespace rejoin {

Status Showing::Save() {
  std::optional<RunAppender> runs;
  for (Candidate& candidate : rows_) {
    if (candidate.plain && !runs) {
      REJOIN_ASSIGN(runs, RunAppender::BeginBeyondRecords(engine_, table_));
    }
    if (candidate.plain && *candidate.rowid > runs->high_rowid()) {
      REJOIN_TRY(AddToRun(candidate, *runs));
    } else {
      REJOIN_TRY(SaveOne(candidate));
    }
  }
  return runs ? runs->Finish() : Status();
}

Status Showing::AddToRun(const Candidate& candidate, RunAppender& runs) {
  const Incarnation& only = candidate.row.state.incarnations.front();
  if (!HasRunColumns(only)) {
    run_columns_.clear();
    for (const Cell& cell : only.cells) run_columns_.push_back(cell.column);
    REJOIN_ASSIGN(run_colset_, engine_.catalog.InternColset(table_.number, run_columns_));
  }
  const bool hashed = table_.shape.kind == KeyKind::kIndexed;
  return runs.Add(only.birth, run_colset_,
                  {*candidate.rowid, hashed ? KeyHash(candidate.row.key) : 0});
}

bool Showing::HasRunColumns(const Incarnation& incarnation) const {
  return std::equal(run_columns_.begin(), run_columns_.end(), incarnation.cells.begin(),
                    incarnation.cells.end(),
                    [](ColumnId column, const Cell& cell) { return column == cell.column; });
}

Status Showing::SaveOne(Candidate& candidate) {
  const PendingRow& row = candidate.row;
  const bool same =
      !row.state_changed && candidate.stays() && !(candidate.pending && candidate.written);
  if (!same) {
    REJOIN_TRY(saver_.Save(row.key, row.before, row.state, candidate.in_table, candidate.rowid.value_or(0)));
  }
  return SaveHidden(candidate);
}

// A row whose state did not change is here because it was hidden, or because it
// may be hidden from now on.
Status Showing::SaveHidden(const Candidate& candidate) {
  const PendingRow& row = candidate.row;
  if (candidate.refusal) return PutHidden(engine_, table_.number, row.key, *candidate.refusal);
  const bool was_hidden =
      !row.state_changed ||
      (!row.before.in_table && !row.before.state.empty() && IsPresent(row.before.state, table_.rules));
  if (was_hidden) REJOIN_TRY(RemoveHidden(engine_, table_.number, row.key));
  return SaveLarge(row, was_hidden);
}

// What is too large is listed when a delta leaves it out; for a row that was hidden
// its entry had to wait.
Status Showing::SaveLarge(const PendingRow& row, bool was_hidden) {
  Large what = Large::kNothing;
  if (IsPresent(row.state, table_.rules)) what = FindLarge(engine_.limits, row.key, row.state);
  if (what != Large::kNothing) {
    return was_hidden ? ListLarge(engine_, {table_.number, row.key, what}) : Status();
  }
  const bool was_large = FindLarge(engine_.limits, row.key, row.before.state) != Large::kNothing;
  return was_large ? UnlistLarge(engine_, table_.number, row.key) : Status();
}

}  // namespace rejoin
