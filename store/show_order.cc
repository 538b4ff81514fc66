#include "store/show_order.h"

#include <algorithm>

namespace rejoin {

Stamp ShowStamp(const RowState& state, RowRules rules,
                const std::vector<ColumnId>& unique_columns) {
  std::optional<Stamp> largest;
  for (const Cell* cell : ShownCells(state, rules)) {
    const bool counts = std::find(unique_columns.begin(), unique_columns.end(), cell->column) !=
                        unique_columns.end();
    if (counts && (!largest || *largest < cell->stamp)) largest = cell->stamp;
  }
  if (largest) return *largest;
  const Incarnation* const shown = ShownIncarnation(state, rules);
  return shown == nullptr ? Stamp{} : shown->birth;
}

}  // namespace rejoin
