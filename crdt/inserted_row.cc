#include "crdt/inserted_row.h"

namespace rejoin {

RowDelta RowDeltaOf(const InsertedRow& row) {
  Incarnation incarnation{row.birth, {}};
  incarnation.cells.reserve(row.columns.size());
  for (std::size_t i = 0; i < row.columns.size(); ++i) {
    const ValueView& value = row.values[i];
    incarnation.cells.push_back({row.columns[i], row.birth, {value.type, value.bits, Bytes(value.bytes)}});
  }
  RowDelta made{Key(row.key), {}};
  made.state.incarnations.push_back(std::move(incarnation));
  return made;
}

}  // namespace rejoin
