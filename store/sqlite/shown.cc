#include "store/sqlite/shown.h"

#include "store/sqlite/showing.h"

namespace rejoin {
namespace {

// Hidden rows loaded at a time.
constexpr std::int64_t kBatchRows = 1000;

}  // namespace

Result<ShowReport> ShowRows(Engine& engine, const TrackedTable& table,
                            std::vector<PendingRow> pending) {
  if (pending.empty()) return ShowReport{};
  return Showing(engine, table).Run(std::move(pending));
}

// Batch by batch is as good as at once: a row that a later one sends away is
// offered again by the contest.
Result<std::vector<Key>> ShowHiddenAgain(Engine& engine, const TrackedTable& table, bool list_moved) {
  std::vector<Key> moved;
  if (!table.local) return moved;
  const MergeScope scope(engine);
  Key last;
  for (;;) {
    REJOIN_ASSIGN(const std::vector<Key> keys, HiddenAfter(engine, table.number, last, kBatchRows));
    if (keys.empty()) return moved;
    std::vector<PendingRow> pending;
    for (const Key& key : keys) {
      PendingRow& row = pending.emplace_back();
      row.key = key;
      REJOIN_ASSIGN(row.before, LoadRow(engine, table, key));
      row.state = row.before.state;
      row.state_changed = false;
    }
    last = keys.back();
    REJOIN_ASSIGN(ShowReport batch, ShowRows(engine, table, std::move(pending)));
    for (MovedRow& row : batch.moved) {
      if (list_moved) moved.push_back(std::move(row.key));
    }
  }
}

}  // namespace rejoin
