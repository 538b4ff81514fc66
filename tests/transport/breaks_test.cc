// Who joins one part after another leaves its file alone once in a while, so that others get in.
#include "transport/breaks.h"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "hub/hub_rooms.h"
#include "hub/server.h"
#include "store/memory/memory_store.h"
#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/ops.h"
#include "tests/store/passing_store.h"
#include "transport/live_client.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kUsedMs = Breaks::kUsedMs;
constexpr std::uint64_t kBreakMs = Breaks::kBreakMs;

TEST(Breaks, AreDueAfterSoMuchUse) {
  Breaks breaks;
  EXPECT_EQ(breaks.LeftMs(5000), 0u);
  breaks.Used(5000, 5000 + kUsedMs - 1);
  EXPECT_EQ(breaks.LeftMs(5000 + kUsedMs - 1), 0u);
  const std::uint64_t end = 5000 + kUsedMs + 50;
  breaks.Used(end - 1, end);
  EXPECT_EQ(breaks.LeftMs(end), kBreakMs);
  EXPECT_EQ(breaks.LeftMs(end + 10), kBreakMs - 10);
  EXPECT_EQ(breaks.LeftMs(end + kBreakMs), 0u);
  EXPECT_EQ(breaks.LeftMs(end + 10 * kBreakMs), 0u);
  breaks.Used(end + kBreakMs, end + kBreakMs + 1);
  EXPECT_EQ(breaks.LeftMs(end + kBreakMs + 1), 0u) << "after a break it begins anew";
}

TEST(Breaks, AreTakenByWhoWaitsForSomethingElse) {
  Breaks breaks;
  std::uint64_t now = 5000;
  for (int i = 0; i < 10; ++i) {
    breaks.Used(now, now + kUsedMs - 1);
    now += kUsedMs - 1;
    EXPECT_EQ(breaks.LeftMs(now), 0u) << i;
    now += kBreakMs;
  }
}

// Shorter pauses are none: who asks every 100 ms may miss them all.
TEST(Breaks, AreLongEnoughForThoseWhoAskEvery100Ms) {
  EXPECT_GT(kBreakMs, 100u);
  Breaks breaks;
  std::uint64_t now = 5000;
  for (std::uint64_t used = 0; used < kUsedMs; used += 100) {
    EXPECT_EQ(breaks.LeftMs(now), 0u);
    breaks.Used(now, now + 100);
    now += 100 + kBreakMs - 1;
  }
  EXPECT_EQ(breaks.LeftMs(now), 1u);
}

// Takes long to join a part, and remembers when it did.
class SlowStore final : public PassingStore {
 public:
  using PassingStore::PassingStore;
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    const std::uint64_t begin_ms = SystemClock().SteadyMs();
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    auto joined = PassingStore::MergePart(in, origin);
    joins.emplace_back(begin_ms, SystemClock().SteadyMs());
    return joined;
  }

  std::vector<std::pair<std::uint64_t, std::uint64_t>> joins;  // begin and end
};

// As a file that is served beside the application.
class SharedRoom final : public RoomStore {
 public:
  SharedRoom(SyncStore& store, std::string file) : store_(store), file_(std::move(file)) {}
  SyncStore& store() override { return store_; }
  bool durable() override { return false; }
  std::vector<std::string> SharedFiles() const override { return {file_}; }

 private:
  SyncStore& store_;
  std::string file_;
};

class OneRoom final : public RoomSource {
 public:
  OneRoom(SyncStore& store, std::string file) : store_(store), file_(std::move(file)) {}
  Result<std::unique_ptr<RoomStore>> Open(const std::string&) override {
    return std::unique_ptr<RoomStore>(std::make_unique<SharedRoom>(store_, file_));
  }

 private:
  SyncStore& store_;
  std::string file_;
};

class BreaksOfHosts : public testing::Test {
 protected:
  static constexpr std::size_t kPartBytes = std::size_t{16} << 10;
  static constexpr int kRows = 250;  // some 20 parts

  void SetUp() override {
    auto started = Network::Start();
    ASSERT_TRUE(started);
    network_ = std::move(*started);
    for (MemoryStore* const store : {&full_, &empty_}) ASSERT_TRUE(store->DefineTable(ItemTable()));
    for (int i = 0; i < kRows; ++i) {
      std::string title(1000, 'x');
      for (char& letter : title) letter = static_cast<char>('a' + random_.Draw64() % 26);
      clock_.wall_ms += 10;
      ASSERT_TRUE(full_.Commit({Insert("item", EncodeKey({N(i)}), {{"title", T(title.c_str())}})}));
    }
  }
  void TearDown() override {
    network_->Stop();
    if (server_) server_->Stop();
    std::filesystem::remove_all(folder_);
  }

  Url Serve(std::unique_ptr<RoomSource> rooms) {
    ServerOptions options;
    options.listen.port = 0;
    auto server = Server::Start(*network_, std::move(rooms), std::move(options));
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    return Url{"127.0.0.1", server_->port(), "room"};
  }
  void Sync(const Url& url, SyncStore& store) {
    SessionOptions options;
    options.part_bytes = kPartBytes;
    Client client(*network_, url, store, options);
    const std::uint64_t until_ms = SystemClock().SteadyMs() + 60'000;
    while (!client.Done()) {
      ASSERT_LT(SystemClock().SteadyMs(), until_ms);
      const Status stepped = client.Step(1000);
      ASSERT_TRUE(stepped) << stepped.error().message;
    }
  }
  // No use of more than kUsedMs and a join without a pause that everybody who waits is awake in.
  void ExpectBreaks(const SlowStore& store) {
    ASSERT_GE(store.joins.size(), 2 * kUsedMs / 150) << "too little to need breaks";
    std::uint64_t used_ms = 0;
    std::uint64_t end_ms = 0;
    for (const auto& [begin, end] : store.joins) {
      if (begin - end_ms >= kBreakMs) used_ms = 0;
      EXPECT_LE(used_ms, kUsedMs);
      used_ms += end - begin;
      end_ms = end;
    }
    EXPECT_EQ(empty_.Shown("item").size(), static_cast<std::size_t>(kRows));
  }

  FakeClock clock_;
  FakeRandom random_{1};
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() /
                                  ("rejoin-breaks-" + std::to_string(SystemRandom().Draw64()));
  MemoryStore full_{TestReplicaId(1), clock_, random_};
  MemoryStore empty_{TestReplicaId(2), clock_, random_};
  std::unique_ptr<Network> network_;
  std::unique_ptr<Server> server_;
};

TEST_F(BreaksOfHosts, AClientMakesThem) {
  auto rooms = HubRooms::InFolder(folder_.string());
  ASSERT_TRUE(rooms);
  const Url url = Serve(std::move(*rooms));
  Sync(url, full_);
  SlowStore slow(empty_);
  Sync(url, slow);
  ExpectBreaks(slow);
}

TEST_F(BreaksOfHosts, AServerMakesThemWhereItsFileIsShared) {
  const auto rows = RowStore::Open(":memory:", {});  // which cuts into parts
  ASSERT_TRUE(rows);
  BytesSink delta(std::size_t{1} << 26);
  ASSERT_TRUE(full_.ExtractSince({}, delta));
  const Bytes bytes = delta.Take();
  ViewSource source(bytes);
  ASSERT_TRUE((*rows)->Merge(source));
  SlowStore slow(empty_);
  std::filesystem::create_directories(folder_);
  Sync(Serve(std::make_unique<OneRoom>(slow, (folder_ / "a.db").string())), **rows);
  server_->Stop();
  ExpectBreaks(slow);
}

}  // namespace
}  // namespace rejoin
