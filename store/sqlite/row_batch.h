// Rows that wait to be written into a delta, in little memory and with few allocations:
// those that are as their INSERT left them, the mass of a first sync, lie packed. Owns all that it
// holds. Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "crdt/inserted_row.h"

namespace rejoin {

// Rows of one table, each key once.
class RowBatch {
 public:
  void Add(RowDelta&& row);
  void Add(const InsertedRow& row);
  bool empty() const { return order_.empty(); }
  std::size_t size() const { return order_.size(); }

  void SortByKey();
  // Calls take(RowDelta&&) or take(const InsertedRow&) for each, in order, until one fails.
  // Afterwards it can only be cleared.
  template <class Take>
  Status ForEach(Take take) {
    for (const Place& place : order_) {
      if (place.inserted) {
        REJOIN_TRY(take(At(inserted_[place.index])));
      } else {
        REJOIN_TRY(take(std::move(whole_[place.index])));
      }
    }
    return {};
  }
  void Clear();

 private:
  struct Place {
    std::uint64_t prefix = 0;  // of the key: most comparisons need no more
    std::uint32_t index = 0;
    bool inserted = false;  // index is one of inserted_, else of whole_
  };
  struct Inserted {
    ByteView key;
    std::size_t first_value = 0;  // in values_
    std::size_t insert = 0;       // in inserts_
  };
  // What neighbours mostly share.
  struct Insert {
    Stamp birth;
    std::vector<ColumnId> columns;
  };

  ByteView KeyAt(const Place& place) const;
  InsertedRow At(const Inserted& row) const;
  // A copy that stays where it is until Clear().
  ByteView Keep(ByteView bytes);

  std::vector<Place> order_;
  std::vector<RowDelta> whole_;
  std::vector<Inserted> inserted_;
  std::vector<Insert> inserts_;
  std::vector<ValueView> values_;
  std::vector<std::unique_ptr<char[]>> chunks_;  // of bytes
  char* free_ = nullptr;                         // what is left of the last one
  std::size_t free_bytes_ = 0;
};

}  // namespace rejoin
