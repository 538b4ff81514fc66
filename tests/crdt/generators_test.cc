// The generators themselves: what they promise is what the other tests lean on.
#include "tests/crdt/generators.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rejoin {
namespace {

RC_GTEST_PROP(Generators, RowStatesAreSortedWithoutDuplicates, (const RowState& state)) {
  for (std::size_t i = 1; i < state.incarnations.size(); ++i) {
    RC_ASSERT(state.incarnations[i - 1].birth < state.incarnations[i].birth);
  }
  for (std::size_t i = 1; i < state.removes.size(); ++i) {
    RC_ASSERT(state.removes[i - 1].replica < state.removes[i].replica);
  }
  for (const Incarnation& incarnation : state.incarnations) {
    for (std::size_t i = 1; i < incarnation.cells.size(); ++i) {
      RC_ASSERT(incarnation.cells[i - 1].column < incarnation.cells[i].column);
    }
  }
}

RC_GTEST_PROP(Generators, DeltasEndBeyondTheirStart, (const WholeDelta& delta)) {
  RC_ASSERT(delta.header.end.Covers(delta.header.start));
  for (const DeltaBlock& block : delta.blocks) {
    RC_ASSERT(block.table < delta.tables.size());
    for (std::size_t i = 1; i < block.rows.size(); ++i) {
      RC_ASSERT(block.rows[i - 1].key < block.rows[i].key);
    }
  }
}

}  // namespace
}  // namespace rejoin
