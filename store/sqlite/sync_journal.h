// Durability without the wait at every commit: with a write-ahead log and synchronous =
// NORMAL a commit is seen at once and is durable only later. Who has to know that it is,
// before a peer is told of it, waits here, where it holds no lock.
#pragma once

#include "store/sqlite/sql.h"

namespace rejoin {

// What this connection has committed survives a power cut when this returns, as far as
// the file has a journal that stays (write-ahead log): a commit with another one
// waited itself, unless synchronous = OFF asked for nothing of the sort. Takes no lock of the file and runs
// no SQL: allowed at any moment of the connection's thread.
Status SyncJournal(Database& db);

}  // namespace rejoin
