// A device's database on a FaultyDisk, as an application has it open: SQL, and the store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/sqlite/sqlite_store.h"
#include "tests/faults/faulty_files.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/store/fakes.h"

namespace rejoin::testing {

inline constexpr char kDevicePath[] = "/disk/app.db";

// A disk with what reaches it.
struct Drive {
  // is_default: see FaultyVfs.
  explicit Drive(const DiskImage& image = {}, bool is_default = false)
      : disk(image), vfs(disk, is_default), files(disk) {}

  FaultyDisk disk;
  FaultyVfs vfs;
  FaultyFiles files;
};

struct DeviceOptions {
  std::string pragmas;                // after opening
  std::uint64_t seed = 0;             // two openings of one file need two seeds
  std::function<void(Limits&)> limit;
};

class Device {
 public:
  static Result<std::unique_ptr<Device>> Open(Drive& drive, const DeviceOptions& options);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  Status Exec(const std::string& sql);
  // As an application does after an error. No error: whatever was open is gone.
  void RollBack();

  Result<Bytes> Delta(const VersionVector& since);
  Status Merge(const Bytes& delta);

  // All tables of the user with their columns and rows, and whether foreign keys and triggers
  // are on here; an error's text where they cannot be read. shared: only what replicas agree on.
  std::string Picture(bool shared = false);
  std::string Digest();

  sqlite3* handle() { return db_; }
  SqliteStore& store() { return *store_; }
  FakeClock clock;

 private:
  explicit Device(std::uint64_t seed) : random_(seed) {}

  FakeRandom random_;
  sqlite3* db_ = nullptr;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<SqliteStore> store_;
};

// What is wrong with a device's file, sentence by sentence; empty: nothing. Its pages, its
// metadata against its tables, and its rows against those of a store that gets all of it.
std::string FaultsOf(Device& device);

// Everything that either has gets to the other, in parts as in a session. An error's
// text, or what differs afterwards.
std::string Converge(Device& a, Device& b);

}  // namespace rejoin::testing
