// A row's state as a row store keeps it. Bytes: docs/hub_format.md.
#pragma once

#include "store/rows/row_catalog.h"

namespace rejoin {

// Its columns are those of the room's table. Gives replicas that are new a number.
Result<Bytes> EncodeState(RowCatalog& catalog, const RowState& state);

// kCorrupt names the table; kNewerFormat where a newer version wrote it.
Result<RowState> DecodeState(const RowCatalog& catalog, const RoomTable& table, ByteView record);

}  // namespace rejoin
