// The entry point of the loadable extension, rejoin.so.
#define REJOIN_EXTENSION_MAIN
#include "bindings/sqlite/guard.h"
#include "bindings/sqlite/register.h"

namespace {

// The newest things that the code uses: SQLITE_VTAB_DIRECTONLY (3.31), RETURNING
// and ALTER TABLE DROP COLUMN (3.35), STRICT tables (3.37); tests run from 3.40 on.
constexpr int kOldestSqlite = 3'040'000;

int Refuse(char** message, const char* reason) {
  *message = sqlite3_mprintf("rejoin: %s", reason);
  return SQLITE_ERROR;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int sqlite3_rejoin_init(
    sqlite3* db, char** message, const sqlite3_api_routines* api) {
  // Called for each connection of the process; links of earlier ones read it on their threads.
  if (sqlite3_api != api) {
    SQLITE_EXTENSION_INIT2(api)
  }
  if (sqlite3_libversion_number() < kOldestSqlite) {
    *message = sqlite3_mprintf("rejoin: this application brings SQLite %s; Rejoin needs 3.40.0 or later",
                               sqlite3_libversion());
    return SQLITE_ERROR;
  }
  const int result = rejoin::RegisterRejoin(db);
  if (result != SQLITE_OK) return Refuse(message, sqlite3_errstr(result));
  // Never unmapped, whatever connections close: callbacks may still be running.
  return SQLITE_OK_LOAD_PERMANENTLY;
}
