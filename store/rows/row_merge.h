// Deltas into a row store's file.
#pragma once

#include "store/rows/row_file.h"
#include "store/sync_store.h"

namespace rejoin {

// Joins one delta in the caller's transaction, which the caller takes back on any
// error. `origin`: whose part it is; nullptr where it came as a blob.
Result<MergeReport> MergeRows(RowFile& file, RowWriting& writing, ByteSource& in,
                              const PartOrigin* origin);

// kForeignRoom where the file has another room; the first one named stays.
Status EnterRoom(RowCatalog& catalog, const RoomId& room);

}  // namespace rejoin
