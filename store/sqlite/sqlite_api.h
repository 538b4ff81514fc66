// The one door to SQLite: in a loadable extension its functions come through a
// table that the host hands over, in a program of ours through the linker.
//
// Exactly one file (bindings/sqlite/extension.cc) defines REJOIN_EXTENSION_MAIN
// and so holds the pointer to that table.
#pragma once

#if defined(REJOIN_LOADABLE_EXTENSION)
#include <sqlite3ext.h>
#if defined(REJOIN_EXTENSION_MAIN)
SQLITE_EXTENSION_INIT1
#else
SQLITE_EXTENSION_INIT3
#endif
#else
#include <sqlite3.h>
#endif
