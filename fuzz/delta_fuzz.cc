// Feeds DeltaReader what nobody wrote. Twice: as it is, which mostly ends at a
// checksum, and with every checksum made right, which lets damage reach the
// parsers behind. Whatever is accepted has to be writable and come back equal.
#include <cstdint>
#include <optional>

#include "base/hash.h"
#include "crdt/delta_codec.h"
#include "crdt/delta_format.h"
#include "fuzz/require.h"

namespace rejoin::fuzz {
namespace {

// One block as a delta of its own.
Bytes Written(const DeltaHeader& header, const std::vector<DeltaTable>& tables,
              const DeltaBlock& block) {
  BytesSink sink(std::size_t{1} << 30);
  DeltaWriter writer(sink);
  Require(writer.Begin(header).has_value(), "a header that was read can be written");
  for (const DeltaTable& table : tables) {
    Require(writer.AddTable(table).has_value(), "so can its tables");
  }
  for (const RowDelta& row : block.rows) {
    Require(writer.Add(block.table, row).has_value(), "so can its rows");
  }
  Require(writer.Finish().has_value(), "and its end");
  return sink.Take();
}

// A writer may cut one block into several.
std::vector<RowDelta> AllRows(ByteView bytes) {
  ViewSource source(bytes);
  DeltaReader reader(source);
  Require(reader.Begin().has_value(), "what was written can be read");
  std::vector<RowDelta> rows;
  for (;;) {
    Result<std::optional<DeltaBlock>> block = reader.NextBlock();
    Require(block.has_value(), "to its end");
    if (!*block) return rows;
    for (RowDelta& row : (*block)->rows) rows.push_back(std::move(row));
  }
}

void ReadAndCheck(ByteView bytes) {
  ViewSource source(bytes);
  DeltaReader reader(source);
  const Result<DeltaHeader> header = reader.Begin();
  if (!header) return;
  for (;;) {
    const Result<std::optional<DeltaBlock>> block = reader.NextBlock();
    if (!block || !*block) return;
    Require(AllRows(Written(*header, reader.tables(), **block)) == (*block)->rows,
            "and is the same");
  }
}

// Walks the sections as far as they go and writes each checksum anew.
Bytes Resealed(ByteView input) {
  ByteReader reader(input);
  reader.Raw(kDeltaMagic.size() + 1);
  reader.Varint();
  reader.Varint();
  Bytes out(input.substr(0, input.size() - reader.remaining()));
  std::uint64_t chain = Hash64(out);
  PutFixed64(out, chain);
  reader.Fixed64();
  while (reader.ok() && reader.remaining() > 0) {
    const ByteView before = reader.rest();
    reader.Byte();
    const std::uint64_t length = reader.Varint();
    if (!reader.ok()) break;
    const ByteView head = before.substr(0, before.size() - reader.remaining());
    const ByteView body = reader.Raw(static_cast<std::size_t>(
        length < reader.remaining() ? length : reader.remaining()));
    Bytes exact_head(1, head.front());
    PutVarint(exact_head, body.size());
    chain = Hash64(body, Hash64(exact_head, chain));
    out += exact_head;
    out.append(body);
    PutFixed64(out, chain);
    reader.Fixed64();
  }
  return out;
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const rejoin::ByteView input(reinterpret_cast<const char*>(bytes), size);
  rejoin::fuzz::ReadAndCheck(input);
  rejoin::fuzz::ReadAndCheck(rejoin::fuzz::Resealed(input));
  return 0;
}
