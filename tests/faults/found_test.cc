// Faults that were found by sweeping, each by its name.

#include <gtest/gtest.h>

#include "tests/faults/device.h"

namespace rejoin::testing {
namespace {

constexpr char kPragmas[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL";
constexpr char kSchema[] = "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT); INSERT INTO note VALUES('a', 'b')";

std::unique_ptr<Device> Opened(Drive& drive, std::uint64_t seed) {
  auto device = Device::Open(drive, {kPragmas, seed, {}});
  EXPECT_TRUE(device) << device.error().message;
  return device ? std::move(*device) : nullptr;
}

DiskImage Tracked() {
  Drive drive;
  const auto device = Opened(drive, 1);
  EXPECT_TRUE(device->Exec(kSchema) && device->store().Track("note", {}));
  EXPECT_TRUE(device->Exec("UPDATE note SET body = 'c'"));
  return drive.disk.Image();
}

// The catalog took any error of reading a table's columns for a table that is gone: its
// metadata was then used as that of a table without columns, and where the schema had
// changed, was dropped for good.
TEST(Found, AReadErrorIsNotTakenForAMissingTable) {
  const DiskImage image = Tracked();
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    SCOPED_TRACE(n);
    Drive drive(image);
    const auto device = Opened(drive, 2);
    ASSERT_TRUE(device->Exec("ALTER TABLE note ADD COLUMN more"));
    drive.disk.Inject({DiskCall::kRead, Failure::kError, drive.disk.calls(DiskCall::kRead) + n, false});
    const auto vector = device->store().Vector();
    failed = drive.disk.failed() > 0;
    EXPECT_EQ(vector.has_value(), !failed);
    drive.disk.Heal();
    ASSERT_TRUE(device->Exec("UPDATE note SET body = 'd', more = 'e'"));
    EXPECT_EQ(FaultsOf(*device), "");
  }
}

// "disk I/O error" of which of all files?
TEST(Found, AnErrorOfTheDiskNamesTheFile) {
  for (const Failure failure : {Failure::kError, Failure::kFull}) {
    Drive drive(Tracked());
    const auto device = Opened(drive, 2);
    drive.disk.Inject({DiskCall::kWrite, failure, drive.disk.calls(DiskCall::kWrite) + 1, true});
    const auto delta = device->Delta({});  // folds, which writes
    ASSERT_FALSE(delta);
    EXPECT_EQ(delta.error().code, Code::kIo);
    EXPECT_EQ(delta.error().message.rfind("/disk/app.db: ", 0), 0u) << delta.error().message;
  }
}

}  // namespace
}  // namespace rejoin::testing
