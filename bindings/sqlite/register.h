// Teaches one SQLite connection Rejoin: capture, the SQL functions and the views.
//
// What they are, with an example each: docs/sql.md. The loadable extension calls
// this for every connection that loads it, a program for those it opens.
#pragma once

#include <memory>

#include "store/sqlite/engine.h"

namespace rejoin {

// For a host's connection, which comes before what runs in the background (host.h).
// SQLite's result code. A second call for one connection changes nothing. What
// it makes goes when the connection closes. Thread rule: that of the connection.
int RegisterRejoin(sqlite3* db);

// For a connection of our own, with any clock and source of chance, which outlive it.
// `made`, where given, gets what it made; nullptr where it was there already.
class Connection;
int RegisterRejoin(sqlite3* db, const Environment& environment,
                   std::shared_ptr<Connection>* made = nullptr);

}  // namespace rejoin
