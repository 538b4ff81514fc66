#include "bench/replicas.h"

#include "crdt/delta_codec.h"

namespace rejoin::bench {
namespace {

constexpr std::uint64_t kSomeTimeMs = 1'700'000'000'000;
constexpr std::size_t kMostBytes = 64u << 20;

ReplicaId IdOf(int number) { return ReplicaId::Random(0xb37cab5ULL, static_cast<std::uint64_t>(number) + 1); }
HybridTimestamp TimeOf(int number) { return HybridTimestamp::FromWall(kSomeTimeMs + static_cast<std::uint64_t>(number)); }

void Check(const Status& status) {
  if (!status) Die("a delta cannot be written: " + status.error().message);
}

}  // namespace

std::string DeltaOfReplicas(int count) {
  DeltaHeader header;
  header.sender = IdOf(0);
  for (int i = 0; i < count; ++i) header.end.Raise(IdOf(i), TimeOf(i));
  BytesSink sink(kMostBytes);
  DeltaWriter writer(sink);
  Check(writer.Begin(header));
  Check(writer.Finish());
  return sink.Take();
}

std::string DeltaOfOneEdit(const TableKind& kind, int replica) {
  DeltaHeader header;
  header.sender = IdOf(replica);
  header.end.Raise(IdOf(replica), TimeOf(replica));
  DeltaTable table;
  table.name = "t";
  table.rules.same_key = kind.text_key ? SameKey::kMerge : SameKey::kNewest;
  table.key_parts = 1;
  const int columns = replica == 0 ? ColumnCount(kind) : 1;
  for (int i = 0; i < ColumnCount(kind); ++i) table.columns.push_back("c" + std::to_string(i));

  RowDelta row;
  row.key = EncodeKey({kind.text_key ? Value::Text("edited by many") : Value::Integer(-1)});
  std::vector<Cell> cells;
  for (int i = 0; i < columns; ++i) {
    cells.push_back({static_cast<ColumnId>(i), {}, Value::Text("by " + std::to_string(replica))});
  }
  row.state = InsertDelta({Rank::kWritten, TimeOf(replica), IdOf(replica)}, std::move(cells));
  row.state.incarnations.front().birth = {Rank::kWritten, TimeOf(0), IdOf(0)};

  BytesSink sink(kMostBytes);
  DeltaWriter writer(sink);
  Check(writer.Begin(header));
  const auto added = writer.AddTable(table);
  if (!added) Die(added.error().message);
  Check(writer.Add(*added, row));
  Check(writer.Finish());
  return sink.Take();
}

}  // namespace rejoin::bench
