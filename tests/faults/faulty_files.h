// The small files beside a database on the same FaultyDisk, so that one fault or one power
// cut is about both.
#pragma once

#include <string>

#include "base/os.h"
#include "tests/faults/faulty_disk.h"

namespace rejoin::testing {

class FaultyFiles final : public SmallFiles {
 public:
  explicit FaultyFiles(FaultyDisk& disk) : disk_(disk) {}

  Result<std::optional<Bytes>> Read(const std::string& path, std::size_t max_bytes) override;
  Status Cut(const std::string& path, ByteView kept) override;
  Status Remove(const std::string& path) override;

  // It says that it wrote, and did not: to see that a test notices.
  bool pretends = false;

 protected:
  Status WriteSynced(const std::string& path, ByteView bytes) override;
  Status Rename(const std::string& from, const std::string& to) override;
  void SyncFolderOf(const std::string& path) override;

 private:
  Status Do(DiskCall call, const std::string& path);

  FaultyDisk& disk_;
};

}  // namespace rejoin::testing
