#include "store/sqlite/events.h"

#include "store/sqlite/meta_schema.h"

namespace rejoin {
namespace {

constexpr char kAdd[] =
    "INSERT INTO {s}.rejoin__event(wall_ms, kind, message) VALUES(?1, ?2, ?3)";
constexpr char kTrim[] =
    "DELETE FROM {s}.rejoin__event WHERE number <= "
    "(SELECT max(number) FROM {s}.rejoin__event) - ?1";

}  // namespace

Status NoteEvent(Engine& engine, std::string_view kind, std::string_view message) {
  REJOIN_ASSIGN(CachedStatement add, engine.db.Cached(kAdd));
  add->Bind(1, engine.env.clock->WallMs()).BindText(2, kind).BindText(3, message);
  REJOIN_TRY(add->Run());
  REJOIN_ASSIGN(CachedStatement trim, engine.db.Cached(kTrim));
  trim->Bind(1, std::int64_t{kMaxEvents});
  return trim->Run();
}

}  // namespace rejoin
