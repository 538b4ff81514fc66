// Being told that others wrote to a file, and when to look for what they committed.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>

#include <gtest/gtest.h>

#include "base/os.h"
#include "transport/look_schedule.h"
#include "transport/network.h"

namespace rejoin::testing {
namespace {

class Watching : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = Network::Start();
    ASSERT_TRUE(started);
    network = std::move(*started);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override {
    network.reset();
    std::filesystem::remove_all(folder);
  }
  std::string Path(const std::string& name) const { return (folder / name).string(); }
  void Append(const std::string& name) const { std::ofstream(Path(name), std::ios::app) << "x" << std::flush; }

  void Watch(std::vector<std::string> files) {
    watch = network->Watch(std::move(files), [this] {
      const std::lock_guard lock(mutex);
      ++told;
      changed.notify_all();
    });
    // Posted functions run in order: the watch stands.
    std::promise<void> begun;
    network->Post([&begun] { begun.set_value(); });
    begun.get_future().wait();
  }
  bool WaitUntilTold(int times) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(30), [&] { return told >= times; });
  }
  int Told() {
    const std::lock_guard lock(mutex);
    return told;
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("rejoin-watch-" + std::to_string(SystemRandom().Draw64()));
  std::unique_ptr<Network> network;
  std::shared_ptr<FileWatch> watch;
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
};

TEST_F(Watching, WritesAreToldOf) {
  Append("file");
  Watch({Path("file")});
  if (watch == nullptr) GTEST_SKIP() << "this system does not tell of writes";
  for (int i = 1; i <= 3; ++i) {
    const int before = Told();
    Append("file");
    ASSERT_TRUE(WaitUntilTold(before + 1)) << i;
  }
}

TEST_F(Watching, AFileThatComesLaterIsWatchedOnceAnotherChanges) {
  Append("file");
  Watch({Path("file"), Path("file-wal")});
  if (watch == nullptr) GTEST_SKIP() << "this system does not tell of writes";
  Append("file-wal");
  Append("file");
  ASSERT_TRUE(WaitUntilTold(1));
  Append("file-wal");
  EXPECT_TRUE(WaitUntilTold(2));
}

TEST_F(Watching, ManyWritesAreToldOfTogether) {
  Append("file");
  Watch({Path("file")});
  if (watch == nullptr) GTEST_SKIP() << "this system does not tell of writes";
  const std::uint64_t begun_ms = SystemClock().SteadyMs();
  for (int i = 0; i < 10'000; ++i) Append("file");
  ASSERT_TRUE(WaitUntilTold(1));
  const int times = Told();
  EXPECT_LE(static_cast<std::uint64_t>(times), (SystemClock().SteadyMs() - begun_ms) / 5 + 1);
}

TEST_F(Watching, EndsWithItsHandleAndWithTheNetwork) {
  Append("file");
  Append("other");
  Watch({Path("file")});
  if (watch == nullptr) GTEST_SKIP() << "this system does not tell of writes";
  watch.reset();
  Watch({Path("other")});
  Append("file");
  Append("other");
  ASSERT_TRUE(WaitUntilTold(1));
  EXPECT_EQ(Told(), 1);
  network->Stop();
  Append("other");
  EXPECT_EQ(Told(), 1);
  watch.reset();
}

// A commit is seen only some time after its last write, when nothing tells of it.
TEST(LookSchedules, LookAfterAWriteUntilNoCommitCanBeOnItsWay) {
  LookSchedule looks(true, 50, 1000);
  std::uint64_t now = 1000;
  int count = 0;
  while (looks.UntilNextMs(now) != LookSchedule::kNever) {
    now += looks.UntilNextMs(now);
    looks.OnLooked(now);
    ++count;
    ASSERT_LT(count, 100);
  }
  EXPECT_GT(now, 1000u + 30'000u);
  EXPECT_LT(count, 20);
  looks.OnWritten();
  EXPECT_EQ(looks.UntilNextMs(now), 50u);
  EXPECT_EQ(looks.UntilNextMs(now + 50), 0u);
}

TEST(LookSchedules, AHinderedLookIsMadeUpFor) {
  LookSchedule looks(true, 50, 1000);
  std::uint64_t now = 1000;
  for (int i = 0; i < 100; ++i) {
    now += 50;
    EXPECT_EQ(looks.UntilNextMs(now), 0u);
    looks.OnHindered(now);
  }
}

TEST(LookSchedules, PollWhereNothingTells) {
  LookSchedule looks(false, 50, 1000);
  for (std::uint64_t now = 10'000; now < 200'000; now += 1000) {
    EXPECT_EQ(looks.UntilNextMs(now), 0u);
    looks.OnLooked(now);
    EXPECT_EQ(looks.UntilNextMs(now), 1000u);
  }
}

}  // namespace
}  // namespace rejoin::testing
