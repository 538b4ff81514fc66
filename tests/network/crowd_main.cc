// A crowd of devices in one process, for what a hub has to bear: each keeps its rows in memory
// and stays linked, as an application's device does.
//
//   crowd URL DEVICES
//
// Reads commands, one a line, and answers each with a line of JSON:
//
//   write    every tenth device commits a row
//   status   how many are live, how many conversations there were, and the fewest and the
//            most rows that a device has
//   equal    the same, and how many digests there are among the devices
//
// Ends with its input.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include "store/memory/memory_store.h"
#include "transport/live_client.h"

namespace rejoin {
namespace {

constexpr char kTable[] = "item";
constexpr std::size_t kWhoWrites = 10;  // one in so many
// Between two rounds in which every device had its turn.
constexpr auto kPause = std::chrono::milliseconds(2);

void Require(const Status& status, const char* what) {
  if (status) return;
  std::cerr << "crowd: " << what << ": " << status.error().message << std::endl;
  std::exit(1);
}

struct Device {
  Device(Network& network, const Url& url, Clock& clock, Random& random)
      : store(NewId(random), clock, random), client(network, url, store, {}) {
    TableDef table;
    table.name = kTable;
    table.key_columns = {"id"};
    table.columns.resize(1);
    table.columns.front().name = "qty";
    Require(store.DefineTable(table), "a table");
  }

  static ReplicaId NewId(Random& random) {
    const std::uint64_t first = random.Draw64();
    return ReplicaId::Random(first, random.Draw64());
  }

  void Write(const std::string& key) {
    const Op insert{Op::Kind::kInsert, kTable, EncodeKey({Value::Text(key)}), {{"qty", Value::Integer(1)}}};
    Require(store.Commit({insert}), "a row");
    client.OnChange();
  }

  MemoryStore store;
  LiveClient client;
};

class Crowd {
 public:
  Crowd(Network& network, const Url& url, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) devices_.push_back(std::make_unique<Device>(network, url, SystemClock(), SystemRandom()));
  }

  void Step() {
    for (const auto& device : devices_) device->client.Step(0);
  }

  void Write() {
    ++written_;
    for (std::size_t i = 0; i < devices_.size(); i += kWhoWrites) {
      devices_[i]->Write(std::to_string(i) + "-" + std::to_string(written_));
    }
  }

  std::string Status(bool with_digests) {
    std::size_t live = 0;
    std::uint64_t conversations = 0;
    std::size_t fewest = ~std::size_t{0};
    std::size_t most = 0;
    std::set<std::string> digests;
    for (const auto& device : devices_) {
      const LiveStatus status = device->client.GetStatus();
      live += status.phase == LiveStatus::Phase::kLive ? 1 : 0;
      conversations += status.conversations;
      const std::size_t rows = device->store.Shown(kTable).size();
      fewest = std::min(fewest, rows);
      most = std::max(most, rows);
      if (!with_digests) continue;
      const auto digest = device->store.StateDigest({});
      digests.insert(digest ? digest->Hex() : digest.error().message);
    }
    return "{\"live\":" + std::to_string(live) + ",\"conversations\":" + std::to_string(conversations) +
           ",\"fewest\":" + std::to_string(fewest) + ",\"most\":" + std::to_string(most) +
           ",\"digests\":" + std::to_string(digests.size()) + "}";
  }

 private:
  std::vector<std::unique_ptr<Device>> devices_;
  int written_ = 0;
};

bool HasInput() {
  pollfd input{0, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

int Run(const std::string& address, std::size_t size) {
  const auto url = ParseUrl(address);
  if (!url) return 2;
  const auto network = Network::Start();
  if (!network) return 1;
  Crowd crowd(**network, *url, size);
  for (;;) {
    crowd.Step();
    std::this_thread::sleep_for(kPause);
    if (!HasInput()) continue;
    std::string command;
    if (!std::getline(std::cin, command)) return 0;
    if (command == "write") crowd.Write();
    std::cout << crowd.Status(command == "equal") << std::endl;
  }
}

}  // namespace
}  // namespace rejoin

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: crowd URL DEVICES" << std::endl;
    return 2;
  }
  return rejoin::Run(argv[1], std::strtoul(argv[2], nullptr, 10));
}
