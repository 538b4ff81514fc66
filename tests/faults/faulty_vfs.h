// SQLite's way to a FaultyDisk: a VFS with everything that SQLite asks of one, WAL with
// shared memory included, between the connections of this process.
#pragma once

#include <string>

#include "store/sqlite/sqlite_api.h"
#include "tests/faults/faulty_disk.h"

namespace rejoin::testing {

// Registered while it lives. Outlives the connections that it serves.
class FaultyVfs {
 public:
  // is_default: for those who open files without naming a VFS.
  explicit FaultyVfs(FaultyDisk& disk, bool is_default = false);
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;
  ~FaultyVfs();

  const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
  sqlite3_vfs vfs_{};
};

}  // namespace rejoin::testing
