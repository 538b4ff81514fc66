// The files in which the records of record_fuzz stand: what their numbers mean is in
// dictionaries, so target and corpus need the same ones. Made by plain SQL.
#pragma once

#include <memory>
#include <vector>

#include "fuzz/tracked_database.h"
#include "store/rows/row_file.h"
#include "store/sqlite/row_record.h"

namespace rejoin::fuzz {

class RecordWorld {
 public:
  RecordWorld();

  // Of the table "item".
  RecordContext context() { return {device_.engine().catalog, *item_}; }
  RowCatalog& room() { return hub_->catalog; }
  const RoomTable& room_table() const { return *room_table_; }
  TrackedDatabase& device() { return device_; }

  // What stands in the device's file, for a corpus.
  std::vector<Bytes> Records();
  std::vector<Bytes> LogBodies();

 private:
  std::vector<Bytes> Blobs(const std::string& sql);

  TrackedDatabase device_;
  FakeRandom random_;
  TrackedTable* item_ = nullptr;
  std::unique_ptr<RowFile> hub_;
  const RoomTable* room_table_ = nullptr;
};

}  // namespace rejoin::fuzz
