// The virtual tables that capture triggers write to.
//
// Registered as module kCaptureModule. All widths of one file share the Engine's
// buffer. Columns: head (the file's secret and a CaptureHead), row (the rowid),
// then v0..v(n-1); what they say: capture_entry.h. A write without the file's
// secret is refused (kDirectWrite); reading gives no rows.
//
// They take part in the transaction: savepoints cut the buffer, the first phase
// of the commit (xSync) writes the log. One transaction may see several of them,
// and several connections of one of them, over the same buffer.
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
