// The virtual tables that capture triggers write to.
//
// Registered as module kCaptureModule. All three widths of one file share the
// Engine's buffer. Columns: secret, head (integer: ChangeKind, continuation flag,
// first column, table number and version packed, see triggers.h), rowid,
// old_rowid, then v0..v(n-1). A write without the file's secret is refused
// (kDirectWrite); reading gives no rows.
#pragma once

#include <functional>
#include <memory>

#include "store/sqlite/engine.h"

namespace rejoin {

// Finds or makes the Engine of a schema of this connection; the virtual tables
// hold it while they are connected. When the last one disconnects, its
// statements are finalized (so that the connection can close).
using EngineFinder = std::function<std::shared_ptr<Engine>(sqlite3* db, const std::string& schema)>;

// Takes ownership of the finder. SQLite's result code.
int RegisterCaptureModule(sqlite3* db, EngineFinder finder);

}  // namespace rejoin
