// Deltas out of a row store's file. The caller has it under one view throughout.
#pragma once

#include "store/rows/row_file.h"
#include "store/sync_store.h"

namespace rejoin {

// Rows are gathered and put in order by key, this many bytes at a time, so a delta
// of the whole room needs no more memory than that.
inline constexpr std::size_t kSortBytes = std::size_t{4} << 20;

// ExtractSince and ExtractPart of SyncStore.
Result<ExtractReport> ExtractAll(RowFile& file, const VersionVector& since, ByteSink& out);
Result<PartReport> ExtractRange(RowFile& file, const PartRequest& request, std::uint64_t max_read_bytes,
                                ByteSink& out);

// The position that a point stands for, 0 for the empty one; kNotCovered for one that
// the file does not know.
Result<std::uint64_t> PositionOf(RowFile& file, const ResumePoint& point);

Result<Digest> DigestRows(RowFile& file, const std::optional<std::string>& table);

// A digest of all rows that is on its way, or done. Rows change with the head only.
struct RowMarking {
  std::optional<Cursor> head;      // nullopt: not begun
  std::uint64_t position = 0;      // of the last row in it
  Digest digest;
  bool done = false;
};
// Looks at so many rows more; begins anew where the head has moved.
Status GoOnMarking(RowFile& file, RowMarking& marking, std::uint64_t most_rows);

}  // namespace rejoin
