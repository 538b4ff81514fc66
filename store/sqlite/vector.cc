#include "store/sqlite/vector.h"

#include <utility>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/log.h"

namespace rejoin {
namespace {

constexpr char kReadApplied[] = "SELECT id, applied FROM {s}.rejoin__replica WHERE applied <> 0";

// To take a row of the log apart takes as long as so many bytes of one, and an entry of the
// whole vector to be read as long as so many.
constexpr std::uint64_t kBytesOfRow = 50;
constexpr std::uint64_t kBytesOfEntry = 16;

Result<VersionVector> ReadWhole(Engine& engine, const LogHead& head) {
  std::vector<VersionVector::Entry> entries;
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadApplied));
  for (;;) {
    REJOIN_ASSIGN(const bool row, read->Step());
    if (!row) break;
    const auto id = ReplicaId::FromBytes(read->Text(0));
    if (id) entries.emplace_back(*id, HybridTimestamp{read->Unsigned(1)});
  }
  REJOIN_ASSIGN(const ReplicaId self, ReadReplica(engine));
  entries.emplace_back(self, head.own);
  return VersionVector::Of(std::move(entries));
}

// What came since is less than the whole.
Result<bool> IsNear(Engine& engine, const KnownVector& known, const LogHead& head) {
  const Cursor& at = known.head.cursor;
  if (at == head.cursor) return true;
  if (at.epoch != head.cursor.epoch || at.position >= head.cursor.position) return false;
  const std::uint64_t rows = head.cursor.position - at.position;
  const std::uint64_t bytes = head.total_bytes - known.head.total_bytes;
  const std::uint64_t whole = known.vector.entries().size() * kBytesOfEntry;
  if (rows > whole / kBytesOfRow || bytes > whole - rows * kBytesOfRow) return false;
  return IsKnown(engine, at);
}

// nullopt: the log names a replica that the catalog lacks.
Result<std::optional<VersionVector>> GoOn(Engine& engine, const KnownVector& known) {
  std::optional<VersionVector> vector = known.vector;
  REJOIN_TRY(engine.catalog.Refresh());
  const auto take = [&](const LogRecord& record) -> Result<bool> {
    for (const Advance& advance : record.advances) {
      const ReplicaId* const replica = engine.catalog.Lookup(advance.replica);
      if (replica == nullptr) vector.reset();
      if (!vector) return false;
      vector->Raise(*replica, advance.to);
    }
    return true;
  };
  REJOIN_TRY(ForEachAfter(engine, known.head.cursor.position, take));
  return vector;
}

}  // namespace

// The row first: outside a transaction the log may go on meanwhile, and the vector of a later
// row is true, too.
Result<VersionVector> ReadVector(Engine& engine) {
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  std::optional<VersionVector> vector;
  if (engine.known_vector) {
    REJOIN_ASSIGN(const bool near, IsNear(engine, *engine.known_vector, head));
    if (near) {
      REJOIN_ASSIGN(vector, GoOn(engine, *engine.known_vector));
    }
  }
  if (!vector) {
    REJOIN_ASSIGN(vector, ReadWhole(engine, head));
  }
  engine.known_vector = KnownVector{head, *vector};
  return std::move(*vector);
}

}  // namespace rejoin
