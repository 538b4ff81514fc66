#include "store/sqlite/state_mark.h"

#include "store/sqlite/drift.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/extract_rows.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "store/sqlite/scan_point.h"

namespace rejoin {
namespace {

// Of one slice: it keeps the file, and whoever waits for it.
constexpr std::size_t kSliceBytes = std::size_t{1} << 20;

}  // namespace

auto StateMarking::MomentOf(Engine& engine, const Cursor& head) -> Result<Moment> {
  Moment moment{head, 0, {}};
  REJOIN_ASSIGN(moment.layout, ReadLayout(engine));
  REJOIN_ASSIGN(moment.catalog, engine.Meta("catalog"));
  return moment;
}

Result<std::optional<StateMark>> StateMarking::GoOn(Engine& engine, std::uint64_t most_rows) {
  REJOIN_TRY(FollowSchema(engine));
  REJOIN_TRY(RefuseIncomplete(engine));
  REJOIN_TRY(Fold(engine));
  REJOIN_ASSIGN(Savepoint snapshot, Savepoint::Begin(engine.db));
  std::optional<StateMark> mark;
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  REJOIN_ASSIGN(const bool remembered, IsSchemaRemembered(engine));
  if (pending > 0 || !remembered) return mark;  // somebody was quicker
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_ASSIGN(Moment now, MomentOf(engine, head.cursor));
  if (moment_ != now) {
    table_ = 0;
    place_ = {};
    mark_ = {};
  }
  moment_.reset();  // what fails from here on begins anew
  REJOIN_ASSIGN(const bool at_end, Scan(engine, most_rows));
  if (at_end) {
    mark_.head = head.cursor;
    REJOIN_ASSIGN(mark_.vector, ReadVector(engine));
    mark = std::move(mark_);
  } else {
    moment_ = std::move(now);
  }
  REJOIN_TRY(snapshot.Release());
  return mark;
}

Result<bool> StateMarking::Scan(Engine& engine, std::uint64_t most_rows) {
  std::size_t left_bytes = kSliceBytes;
  for (const auto& table : engine.catalog.tables()) {
    if (table->number < table_) continue;
    if (most_rows == 0 || left_bytes == 0) return false;
    if (table->number > table_) {
      table_ = table->number;
      REJOIN_ASSIGN(place_, BeginningOf(engine, *table));
    }
    TableDigest digest(engine, *table, mark_.digest);
    digest.StopAfter(left_bytes);
    REJOIN_ASSIGN(const bool done, ScanOn(engine, *table, VersionVector(), place_, most_rows, digest));
    mark_.whole = digest.whole() && mark_.whole;
    left_bytes = digest.left_bytes();
    if (!done) return false;
    place_ = {};  // nothing more in this one
  }
  return true;
}

}  // namespace rejoin
