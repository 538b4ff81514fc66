#include "store/memory/memory_delta.h"

#include <utility>

namespace rejoin {

Result<std::uint64_t> WriteDelta(MemoryDelta delta, ByteSink& out) {
  DeltaWriter writer(out);
  REJOIN_TRY(writer.Begin(delta.header));
  std::vector<std::uint32_t> numbers;
  for (const DeltaTable& table : delta.tables) {
    REJOIN_ASSIGN(const std::uint32_t number, writer.AddTable(table));
    numbers.push_back(number);
  }
  for (DeltaBlock& block : delta.blocks) {
    for (RowDelta& row : block.rows) {
      REJOIN_TRY(writer.Add(numbers[block.table], std::move(row)));
    }
  }
  REJOIN_TRY(writer.Finish());
  return writer.rows_written();
}

Result<MemoryDelta> ReadDelta(ByteSource& in) {
  DeltaReader reader(in);
  MemoryDelta delta;
  REJOIN_ASSIGN(delta.header, reader.Begin());
  while (true) {
    REJOIN_ASSIGN(std::optional<DeltaBlock> block, reader.NextBlock());
    if (!block) break;
    delta.blocks.push_back(std::move(*block));
  }
  delta.tables = reader.tables();
  return delta;
}

}  // namespace rejoin
