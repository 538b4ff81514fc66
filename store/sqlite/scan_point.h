// The point of a peer in the middle of a first sync: how far a scan of all tables got.
//
// The scan goes through the tables part by part, and the file is written meanwhile. What
// a scan tells is meant for the vector that was applied when it began, its `start`: who
// has all parts covers that, is at the start's position of the log, and gets from there
// what came since. Rows that changed in the meantime where they stand are no trouble, nor
// are new ones. A row that *moved*, from where the scan has yet to come to where it has
// been (a delete and an insert of its key in one transaction gave it another rowid, a
// merge hid it or showed it again), would be missed: so each part adds the rows that
// the log lists since the part before, as far as they have news from before the start.
// The log lists every row that moved, whether its state rose or not; where it cannot, in
// changes of the schema, the *layout* of the file gets another number, and scans under way
// begin again.
//
// So the point is believed as a position of the log is: if the row of the log up to
// which moves were looked for is still there, with its tag, and the layout is the same.
// Otherwise the scan begins again, with all that the peer's vector does not cover; but where
// somebody writes more between two parts than the log keeps, again and again, all of it
// comes as one part in the end (kMaxBegunAgain). Nothing else makes a scan begin again, and
// it ends however much is written: it does not visit what came behind its end
// (extract_scan.h).
#pragma once

#include <optional>

#include "store/sqlite/extract_scan.h"
#include "store/sync_store.h"

namespace rejoin {

struct ScanPoint {
  Cursor start;
  VersionVector vector;  // at the start
  Cursor seen;           // up to here moves were looked for
  std::uint64_t layout = 0;
  std::uint32_t begun_again = 0;  // times
  TableNumber table = 0;
  ScanPlace place;  // in it, or its end

  friend bool operator==(const ScanPoint&, const ScanPoint&) = default;
};

// How often a scan begins again in parts.
inline constexpr std::uint32_t kMaxBegunAgain = 2;
// A vector of more entries has no room in a point: such a scan is not cut.
inline constexpr std::size_t kMaxScanVectorEntries = 10'000;

// Bytes: docs/protocol.md, "Points". Both cursors have one epoch.
ResumePoint EncodeScanPoint(const ScanPoint& point);
// nullopt: nothing that EncodeScanPoint writes.
std::optional<ScanPoint> DecodeScanPoint(ByteView bytes);

Result<std::uint64_t> ReadLayout(Engine& engine);
// Rows have moved that the log does not list. Inside a write transaction.
Status ChangeLayout(Engine& engine);

}  // namespace rejoin
