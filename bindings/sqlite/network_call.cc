#include "bindings/sqlite/network_call.h"

namespace rejoin {

Result<Url> UrlOf(Call& call) {
  REJOIN_ASSIGN(const auto text, call.OptionalText(0, "the URL"));
  if (!text) return call.Refuse("the URL is NULL; it looks like ws://host:8787/room");
  Result<Url> url = ParseUrl(*text);
  if (!url) return call.Refuse(url.error().message);
  return url;
}

Status RequireNoTransaction(Call& call) {
  if (sqlite3_get_autocommit(call.connection().handle()) != 0) return {};
  return Fail(Code::kOpenTransaction, std::string(call.function()) +
                                          " is not possible inside a transaction, since what it merges is "
                                          "acknowledged to the peer; COMMIT or ROLLBACK first");
}

Result<bool> IsDurable(Engine& engine) {
  constexpr std::int64_t kNormal = 1;
  constexpr std::int64_t kFull = 2;
  constexpr std::int64_t kExtra = 3;
  REJOIN_ASSIGN(Statement mode, engine.db.Prepare("PRAGMA {s}.journal_mode"));
  REJOIN_TRY(mode.Step());
  // With a write-ahead log the session waits for the disk itself (SyncStore::MakeDurable). A
  // rollback journal whose deletion is not on the disk takes the last commit back.
  const std::int64_t enough = mode.Text(0) == "wal" ? kNormal : mode.Text(0) == "delete" ? kExtra : kFull;
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached("PRAGMA {s}.synchronous"));
  REJOIN_TRY(read->Step());
  return read->Integer(0) >= enough;
}

}  // namespace rejoin
