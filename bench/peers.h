// Other sync engines for SQLite, as extensions that the machine may have: each is measured
// where an environment variable names its file.
//
//   REJOIN_PEER_CRSQLITE      cr-sqlite (https://vlcn.io/docs/cr-sqlite)
//   REJOIN_PEER_SQLITE_SYNC   SQLite Sync (https://github.com/sqliteai/sqlite-sync)
#pragma once

#include "bench/sides.h"

namespace rejoin::bench {

// Those that are named. A file that cannot be loaded ends the program when it is measured.
std::vector<SideKind> PeerKinds();

}  // namespace rejoin::bench
