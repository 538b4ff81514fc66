// One machine of the simulated world: a device or a hub with its clock, its store and,
// where it has one, its file. Processes die and begin anew; files are copied and put back.
//
// A memory store stands for a device whose disk never fails: it outlives its process. A
// copy of it that is put back, or becomes another device, has what the original had, and a
// new replica id, as the file's fence sees to with SQLite.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "replica/session.h"
#include "store/rows/row_store.h"
#include "tests/sim/clock.h"
#include "tests/sim/scenario.h"
#include "tests/store/fakes.h"
#include "tests/store/sqlite_replica.h"
#include "tests/store/test_sync_store.h"

namespace rejoin::sim {

// What machines of one world share.
struct Ground {
  Truth truth;
  FakeRandom seeds{0};   // for what is opened
  std::size_t memory_ids = 0;
  std::size_t hub_read_bytes = std::size_t{64} << 20;
};

// A copy of a machine's store at some time.
struct Image {
  std::map<std::string, TableDef> tables;
  VersionVector vector;
  Bytes rows;                           // of a memory store
  Bytes fence;                          // what stood beside the file (store/sqlite/identity.h)
  std::unique_ptr<ScratchPath> file;    // or
};

class Machine {
 public:
  Machine(const Place& place, Ground& ground);
  // A device made from a copy.
  Machine(const Place& place, Ground& ground, const Image& image);
  ~Machine();

  const Place& place() const { return place_; }
  bool is_hub() const { return place_.is_hub; }
  bool in_memory() const { return !place_.has_file; }
  SyncStore& store();
  TestReplica* device() { return device_.get(); }
  SqliteKind kind() const;  // of a device on SQLite
  RowStore* hub() { return hub_.get(); }
  SimClock& raw_clock() { return raw_clock_; }
  CorrectedClock& clock() { return *clock_; }
  // And nobody told the process another time.
  void SetClockRight() {
    raw_clock_.SetOff(0);
    clock_.emplace(raw_clock_);
  }
  Instant Now() { return {clock_->SteadyMs(), clock_->WallMs()}; }

  // Devices.
  Status Define(const TableDef& def, const Rows& existing);
  Status AddColumn(const std::string& table, const ColumnDef& column);
  const std::map<std::string, TableDef>& tables() const { return tables_; }

  // The process dies; what was committed stays, and another process begins. Sessions
  // with the store have to be gone.
  void Crash();
  // Whether a copy can be taken and put back: a hub's needs a file.
  bool CanBeCopied() const { return device_ != nullptr || place_.has_file; }
  Image Copy();
  // What the file's identity fence has beside it; empty before the first write.
  Bytes Fence() const;
  // The process ends before.
  void PutBack(const Image& image);

 private:
  void Open();
  void Close();
  void OpenFrom(const Image& image);

  Place place_;
  Ground& ground_;
  SimClock raw_clock_;
  std::optional<CorrectedClock> clock_;
  std::unique_ptr<ScratchPath> file_;
  std::unique_ptr<FakeRandom> random_;  // of a hub
  std::unique_ptr<TestReplica> device_;
  std::unique_ptr<RowStore> hub_;
  std::map<std::string, TableDef> tables_;
};

}  // namespace rejoin::sim
