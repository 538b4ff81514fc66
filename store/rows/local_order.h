// A row store's local order, and the resume points that peers get of it.
//
// Every row has a position, and a new one at the end whenever its state rises. So
// who has joined all rows up to p, and then those beyond p, has everything: "what
// changed since" is one range of positions, however old p is, and nothing is ever
// trimmed. Positions are given out once.
//
// A point must not be believed by a file whose past is another one: a hub that was
// restored from an older copy gives out the same positions again, for other rows,
// and a device that it believed would skip those. Hence *epochs*. Who opens the file
// appends one, of random id, before it first changes the order; a position counts
// as of the epoch that was the last when it was given out. A point is
//
//     (epoch, position, head): all rows up to `position` were seen, as they stood
//     when the order ended at `head`
//
// and known iff the file has the epoch and its head lies within it: at most where
// the next epoch begins, or, in the last epoch, where the order ends. Then whatever
// happened up to that head is this file's past, too. (The position alone would not
// do: in the middle of a first sync it is old, and rows that had moved behind it
// before the scan came by would, in an older copy, still stand ahead of it.)
//
// Who is not known is answered by vector, which needs no past. What stays unnoticed
// is a machine put back to a snapshot with the running program in it, since nobody
// opens the file then; only a comparison of digests finds that.
#pragma once

#include <cstdint>
#include <optional>

#include "base/os.h"
#include "store/sqlite/sql.h"
#include "store/sync_store.h"

namespace rejoin {

struct OrderPoint {
  std::uint64_t epoch = 0;
  std::uint64_t position = 0;  // inclusive
  std::uint64_t head = 0;      // at least position

  friend bool operator==(const OrderPoint&, const OrderPoint&) = default;
};

// version, epoch, position, head and a checksum; at most 37 bytes.
ResumePoint EncodePoint(const OrderPoint& point);
// nullopt for what EncodePoint did not make.
std::optional<OrderPoint> DecodePoint(ByteView bytes);

// Appends an epoch that begins at `head`. Of more than kMaxEpochs the oldest are
// forgotten: who comes from there is answered by vector.
inline constexpr std::int64_t kMaxEpochs = 4096;
Status BeginEpoch(Database& db, Random& random, std::uint64_t head);
Result<std::uint64_t> LastEpoch(Database& db);
// `head`: where the order ends.
Result<bool> IsKnown(Database& db, const OrderPoint& point, std::uint64_t head);

}  // namespace rejoin
