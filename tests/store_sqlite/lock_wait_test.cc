// A connection of ours gets its turn beside programs that write all the time.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "store/sqlite/sqlite_file.h"
#include "tests/store_sqlite/fixture.h"

namespace rejoin::testing {
namespace {

using std::chrono::milliseconds;

constexpr char kInsert[] = "INSERT INTO {s}.item VALUES (1)";

class LockWaits : public ::testing::Test {
 protected:
  LockWaits() {
    other_.Exec("CREATE TABLE item(a)");
    others_wait_.Install(other_.db);
  }

  SqliteFile Open(int timeout_ms) {
    auto file = SqliteFile::Open(path_, timeout_ms);
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }

  const ScratchFolder folder_;
  const std::string path_ = folder_.File("a.db");
  LockWait others_wait_{60'000};
  TestDatabase other_{1, path_};
};

TEST_F(LockWaits, GetTheLockBesideAProgramThatHardlyEverLetsGo) {
  std::atomic<bool> is_held = false;
  std::atomic<bool> done = false;
  SqliteFile file = Open(2000);
  std::thread writer([&] {
    while (!done) {
      other_.Exec("BEGIN EXCLUSIVE");
      is_held = true;
      std::this_thread::sleep_for(milliseconds(50));
      is_held = false;
      other_.Exec("COMMIT");
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  for (int i = 0; i < 8; ++i) {
    while (!is_held) std::this_thread::sleep_for(milliseconds(1));
    const Status written = file.sql().Exec(kInsert);
    EXPECT_TRUE(written) << i << ": " << written.error().message;
  }
  done = true;
  writer.join();
}

TEST_F(LockWaits, EndAfterTheirTime) {
  SqliteFile file = Open(20);
  other_.Exec("BEGIN EXCLUSIVE");
  const Status refused = file.sql().Exec(kInsert);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
}

TEST_F(LockWaits, HaveTheWholeTimeForEachLock) {
  SqliteFile file = Open(500);
  other_.Exec("BEGIN EXCLUSIVE");
  EXPECT_FALSE(file.sql().Exec(kInsert));
  std::thread writer([this] {
    std::this_thread::sleep_for(milliseconds(20));
    other_.Exec("COMMIT");
  });
  EXPECT_TRUE(file.sql().Exec(kInsert));
  writer.join();
}

}  // namespace
}  // namespace rejoin::testing
