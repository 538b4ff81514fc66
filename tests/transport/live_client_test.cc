// A conversation that lasts, with a real hub: when is it that everything is here and there?
#include "transport/live_client.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "hub/hub_rooms.h"
#include "hub/server.h"
#include "store/memory/memory_store.h"
#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/ops.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kPatienceMs = 30'000;

class LiveClients : public testing::Test {
 protected:
  void SetUp() override {
    auto started = Network::Start();
    ASSERT_TRUE(started);
    network_ = std::move(*started);
    auto rooms = HubRooms::InFolder(folder_.string());
    ASSERT_TRUE(rooms);
    ServerOptions options;
    options.listen.port = 0;
    auto server = Server::Start(*network_, std::move(*rooms), std::move(options));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    url_ = Url{"127.0.0.1", server_->port(), "room"};
  }
  void TearDown() override {
    network_->Stop();
    server_->Stop();
    std::filesystem::remove_all(folder_);
  }

  struct Device {
    Device(std::size_t number, Clock& clock, Random& random) : store(TestReplicaId(number), clock, random) {
      EXPECT_TRUE(store.DefineTable(ItemTable()));
    }
    MemoryStore store;
  };
  void Write(Device& device, const char* key) {
    clock_.wall_ms += 10;
    const Status done = device.store.Commit({Insert("item", K(key), {{"qty", N(1)}})});
    ASSERT_TRUE(done) << done.error().message;
  }
  // Steps until the aim is reached.
  static void Reach(LiveClient& client) {
    client.Aim();
    const std::uint64_t until_ms = SystemClock().SteadyMs() + kPatienceMs;
    while (!client.Reached()) {
      ASSERT_LT(SystemClock().SteadyMs(), until_ms);
      client.Step(1000);
    }
  }

  FakeClock clock_;
  FakeRandom random_{1};
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() /
                                  ("rejoin-live-" + std::to_string(SystemRandom().Draw64()));
  std::unique_ptr<Network> network_;
  std::unique_ptr<Server> server_;
  Url url_;
};

// Refuses the next turn that is asked for.
class RefusingOnce final : public StoreTurn {
 public:
  bool Take() override { return !std::exchange(refuse, false); }
  void Give() override {}
  bool refuse = false;
};

TEST_F(LiveClients, WhatIsAimedAtMayMoveBeforeTheAimIsTaken) {
  Device one(1, clock_, random_);
  Device other(2, clock_, random_);
  RefusingOnce turn;
  LiveClient client(*network_, url_, one.store, {}, &turn);
  LiveClient others(*network_, url_, other.store, {});
  Write(one, "mine");
  Reach(client);
  Reach(others);
  // The session has found nothing new here, and has no reason to look again, ...
  client.Aim();
  turn.refuse = true;
  client.Step(0);
  // ... when something comes in; the aim is not taken before that.
  Write(other, "theirs");
  others.OnChange();
  Reach(others);
  const std::uint64_t until_ms = SystemClock().SteadyMs() + kPatienceMs;
  while (one.store.Shown("item").size() < 2) {
    ASSERT_LT(SystemClock().SteadyMs(), until_ms);
    turn.refuse = true;
    client.Step(1000);
  }
  turn.refuse = false;
  while (!client.Reached()) {
    ASSERT_LT(SystemClock().SteadyMs(), until_ms);
    client.Step(10);
  }
}

TEST_F(LiveClients, TheHubKnowsHowFarThoseWhoLeftAre) {
  Device one(1, clock_, random_);
  Device other(2, clock_, random_);
  {
    LiveClient client(*network_, url_, one.store, {});
    LiveClient others(*network_, url_, other.store, {});
    Write(one, "mine");
    Write(other, "theirs");
    for (int i = 0; i < 2; ++i) {
      Reach(client);
      Reach(others);
    }
  }
  const auto knows = [this](Device& device) {
    const auto room = RowStore::Open((folder_ / "room.room").string());
    if (!room) return false;
    const auto peers = (*room)->Peers();
    const auto replica = device.store.Replica();
    for (const PeerRecord& peer : *peers) {
      if (peer.id == *replica) return peer.durable && peer.acknowledged_vector == *device.store.Vector();
    }
    return false;
  };
  const std::uint64_t until_ms = SystemClock().SteadyMs() + kPatienceMs;
  while (!knows(one) || !knows(other)) ASSERT_LT(SystemClock().SteadyMs(), until_ms);
}

}  // namespace
}  // namespace rejoin
