// What comes to the port of a hub, and what its peers say of themselves. The first byte
// says what the rest is: the text of a URL; words of a peer, for people; or all that a
// visitor sends to a hub with rooms in memory, over a real socket: a request, and behind
// an upgrade its frames. Whatever came, the visitor gets one well-formed answer or none,
// the hub hangs up in time, forgets it, and serves the next one.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "fuzz/choices.h"
#include "fuzz/require.h"
#include "hub/hub_rooms.h"
#include "hub/server.h"
#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "transport/wording.h"

namespace rejoin::fuzz {
namespace {

// --- URLs and words -----------------------------------------------------------------------

// The room back from the name of its file.
std::string RoomOf(const std::string& path) {
  constexpr std::string_view kBegin = "./", kEnd = ".room";
  std::string room;
  for (std::size_t at = kBegin.size(); at < path.size() - kEnd.size(); ++at) {
    if (path[at] != '%') {
      room += path[at];
      continue;
    }
    unsigned byte = 0;
    std::from_chars(path.data() + at + 1, path.data() + at + 3, byte, 16);
    room += static_cast<char>(byte);
    at += 2;
  }
  return room;
}

void CheckRoomName(const std::string& room) {
  static const auto rooms = HubRooms::InFolder(".");
  Require(rooms.has_value(), "a folder can hold rooms");
  const std::string path = (*rooms)->PathOf(room);
  Require(path.find('/', 2) == std::string::npos, "a room is a file of the folder");
  Require(RoomOf(path) == room, "of its own");
  const bool folds = std::any_of(path.begin(), path.end(), [](char byte) { return byte >= 'A' && byte <= 'Z'; });
  Require(!folds, "also where a file system knows one case only");
}

void CheckUrl(ByteView text) {
  const Result<Url> url = ParseUrl(text);
  if (!url) {
    const Code code = url.error().code;
    return Require(code == Code::kInvalidArgument || code == Code::kUnsupported,
                   "a wrong URL is the caller's mistake");
  }
  Require(url->port != 0 && !url->host.empty() && url->host.size() <= kMaxHostBytes,
          "a URL names a host and a port");
  Require(CheckRoom(url->room).has_value(), "and a room");
  const Result<Url> back = ParseUrl(url->Text());
  Require(back && back->host == url->host && back->port == url->port && back->room == url->room,
          "a URL comes back from its text");
  CheckRoomName(url->room);
}

void CheckWords(ByteView bytes) {
  const std::string line = OneLine(bytes, 120);
  Require(line.size() <= 120, "a line is as long as it may be");
  for (const char byte : line) {
    Require(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f, "it controls no terminal");
  }
  Require(OneLine(line, 120) == line, "and is a line already");
  const auto code = static_cast<std::uint16_t>(bytes.size() * 7 + 1000);
  for (const Error& error : {ClosedByPeer("peer", code, bytes), AnsweredPage("peer", code % 600, bytes)}) {
    Require(error.message.size() < 400, "what is told of a peer is short");
  }
}

// --- A hub ------------------------------------------------------------------------------

constexpr ByteView kEndOfHead = "\r\n\r\n";

class MemoryRoom final : public RoomStore {
 public:
  explicit MemoryRoom(std::unique_ptr<RowStore> store) : store_(std::move(store)) {}
  SyncStore& store() override { return *store_; }
  bool durable() override { return false; }
  Status Begin() override { return store_->BeginBatch(); }
  Status Commit() override { return store_->CommitBatch(); }
  Status Greet(const ReplicaId& peer, const std::string& name, std::uint64_t wall_ms) override {
    return store_->SawPeer(peer, name, wall_ms);
  }

 private:
  std::unique_ptr<RowStore> store_;
};

class MemoryRooms final : public RoomSource {
 public:
  Result<std::unique_ptr<RoomStore>> Open(const std::string& /*name*/) override {
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    REJOIN_ASSIGN(auto store, RowStore::Open(":memory:", options));
    return std::unique_ptr<RoomStore>(std::make_unique<MemoryRoom>(std::move(store)));
  }

 private:
  FakeRandom random_;
};

class Hub {
 public:
  Hub() {
    auto network = Network::Start();
    Require(network.has_value(), "a network starts");
    network_ = std::move(*network);
    ServerOptions options;
    options.listen.port = 0;
    // Few: who is not forgotten takes the place of others.
    options.listen.max_connections = 32;
    options.max_rooms = 32;
    options.listen.link.open_timeout_ms = options.listen.link.close_timeout_ms = 1'000;
    auto server = Server::Start(*network_, std::make_unique<MemoryRooms>(), options);
    Require(server.has_value(), "a hub listens");
    server_ = std::move(*server);
  }
  ~Hub() { network_->Stop(); }

  // All that it answers to who says this and then is silent.
  std::string Ask(ByteView said);

 private:
  std::unique_ptr<Network> network_;
  std::unique_ptr<Server> server_;
};

// The alarm by which libFuzzer looks at its clock interrupts calls.
template <class Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// A socket that closes with a reset: thousands of the other way would leave no port.
class Visit {
 public:
  explicit Visit(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const linger at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) AwaitConnection();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { close(socket_); }

  void Say(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = Uninterrupted([&] { return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
      if (sent <= 0) return;  // it has heard enough
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void SayNoMore() { shutdown(socket_, SHUT_WR); }
  // Appends what comes next. False: the hub has hung up.
  bool Hear(std::string& answer) {
    char buffer[4096];
    const ssize_t heard = Uninterrupted([&] { return recv(socket_, buffer, sizeof buffer, 0); });
    if (heard > 0) answer.append(buffer, static_cast<std::size_t>(heard));
    return heard > 0;
  }

 private:
  // One that was interrupted goes on by itself.
  void AwaitConnection() {
    int failed = errno;
    if (failed == EINTR) {
      pollfd made{socket_, POLLOUT, 0};
      Uninterrupted([&] { return poll(&made, 1, -1); });
      socklen_t size = sizeof failed;
      getsockopt(socket_, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    if (failed != 0) Abort("the hub is there, but " + std::string(std::strerror(failed)));
  }

  int socket_;
};

// A WebSocket has its answer before it sends frames.
std::string Hub::Ask(ByteView said) {
  Visit visit(server_->port());
  std::string answer;
  const std::size_t end = said.find(kEndOfHead);
  if (end != ByteView::npos) {
    visit.Say(said.substr(0, end + kEndOfHead.size()));
    said.remove_prefix(end + kEndOfHead.size());
    while (answer.find(kEndOfHead) == std::string::npos && visit.Hear(answer)) continue;
  }
  visit.Say(said);
  visit.SayNoMore();
  while (visit.Hear(answer)) continue;
  return answer;
}

Hub& TheHub() {
  static Hub hub;
  return hub;
}

unsigned StatusOf(std::string_view answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  unsigned status = 0;
  Require(answer.substr(0, kVersion.size()) == kVersion, "an answer is HTTP");
  std::from_chars(answer.data() + kVersion.size(), answer.data() + answer.size(), status);
  return status;
}

void CheckAnswer(ByteView said, const std::string& answer) {
  if (answer.empty()) return;
  const unsigned status = StatusOf(answer);
  Require(status == 101 || status == 200 || status == 400 || status == 404 || status == 405 || status == 426,
          "with a status of ours: a place was free");
  const std::size_t end = answer.find(kEndOfHead);
  Require(end != std::string::npos, "and a whole head");
  Require(answer.find("\r\nServer: rejoin\r\n") < end, "that says who answers");
  if (status == 101) return;
  const std::string body = answer.substr(end + kEndOfHead.size());
  const std::size_t at = answer.find("\r\nContent-Length: ");
  Require(at < end, "and how much");
  std::size_t length = 0;
  std::from_chars(answer.data() + at + 18, answer.data() + end, length);
  const bool head_only = said.substr(0, 5) == "HEAD ";
  Require(body.size() == length || (head_only && body.empty()), "one page, whole");
}

void CheckVisit(ByteView said) {
  static std::uint64_t visits = 0;
  CheckAnswer(said, TheHub().Ask(said));
  if (++visits % 64 != 0) return;
  const std::string answer = TheHub().Ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  Require(StatusOf(answer) == 200, "the hub serves the next one");
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace rejoin;
  fuzz::Choices choices({reinterpret_cast<const char*>(bytes), size});
  const std::size_t which = choices.Below(3);
  const ByteView rest = choices.Rest();
  switch (which) {
    case 0: fuzz::CheckUrl(rest); break;
    case 1: fuzz::CheckWords(rest); break;
    default: fuzz::CheckVisit(rest);
  }
  return 0;
}
