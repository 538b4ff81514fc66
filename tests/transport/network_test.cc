// The one thread: what runs on it, how it ends, and that the host does not feel it.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/transport/peers.h"
#include "tests/transport/raw_peer.h"

namespace rejoin::testing {
namespace {

using std::chrono::steady_clock;

class Networks : public Peers {
 protected:
  // Runs on the client's thread and returns what the function returned.
  template <class Function>
  auto OnNetwork(Function function) {
    std::promise<decltype(function())> result;
    client->Post([&] { result.set_value(function()); });
    return result.get_future().get();
  }
};

TEST_F(Networks, PostedFunctionsRunInOrderOnOneThread) {
  std::vector<int> order;
  std::thread::id thread;
  for (int i = 0; i < 100; ++i) {
    client->Post([&order, &thread, i] {
      order.push_back(i);
      thread = std::this_thread::get_id();
    });
  }
  const auto ran_on = OnNetwork([] { return std::this_thread::get_id(); });
  EXPECT_EQ(thread, ran_on);
  EXPECT_NE(thread, std::this_thread::get_id());
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Networks, TimersRunInTheOrderOfTheirTimesUnlessCancelled) {
  std::vector<std::string> ran;
  std::promise<void> done;
  TimerId cancelled_within = 0;
  const TimerId cancelled = client->RunAfter(20, [&ran] { ran.push_back("cancelled"); });
  client->CancelTimer(cancelled);
  client->Post([&] { cancelled_within = client->RunAfter(30, [&ran] { ran.push_back("cancelled within"); }); });
  client->RunAfter(60, [&] { ran.push_back("late"); });
  client->RunAfter(10, [&] {
    ran.push_back("early");
    client->CancelTimer(cancelled_within);
    client->CancelTimer(cancelled_within);
  });
  client->RunAfter(100, [&] { done.set_value(); });
  done.get_future().get();
  EXPECT_EQ(ran, (std::vector<std::string>{"early", "late"}));
}

TEST_F(Networks, AFunctionThatThrowsDoesNotEndTheNetwork) {
  client->Post([] { throw std::runtime_error("a mistake"); });
  client->RunAfter(0, [] { throw std::runtime_error("another"); });
  EXPECT_EQ(OnNetwork([] { return 7; }), 7);
}

TEST_F(Networks, StopTellsEveryLinkOnBothSidesAndIsQuick) {
  Listen();
  std::vector<std::shared_ptr<Recorder>> near;
  for (std::size_t i = 0; i < 10; ++i) near.push_back(Connect());
  for (std::size_t i = 0; i < 10; ++i) {
    ASSERT_NE(near[i]->WaitOpen(), nullptr);
    ASSERT_NE(hall->WaitVisitor(i)->WaitOpen(), nullptr);
  }
  const auto connecting = std::make_shared<Recorder>();
  const RawListener silent;
  server->Connect(Url{"127.0.0.1", silent.port(), "room"}, connecting);
  const RawPeer visitor = RawPeer::To(port);
  const auto begin = steady_clock::now();
  server->Stop();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds(Network::kStopTimeoutMs))
      << "peers that answer are not waited for";
  // Everything has been told before Stop returns.
  EXPECT_TRUE(connecting->closed());
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(hall->WaitVisitor(i)->closed());
    const Error told = near[i]->WaitClosed();
    EXPECT_EQ(told.code, Code::kNetwork);
    EXPECT_NE(told.message.find("is shutting down"), std::string::npos) << told.message;
  }
  server->Stop();
}

TEST_F(Networks, StopDoesNotWaitForAPeerThatDoesNotAnswer) {
  RawListener listener;
  const auto handler = std::make_shared<Recorder>();
  client->Connect(Url{"127.0.0.1", listener.port(), "room"}, handler);
  RawPeer deaf = listener.Accept();
  deaf.OpenAsServer();
  ASSERT_NE(handler->WaitOpen(), nullptr);
  // More than it will ever take.
  while (handler->WaitOpen()->Send(Frame(Bytes(1'000'000, 'a'))) == Sent::kQueued) {
  }
  const auto begin = steady_clock::now();
  client->Stop();
  EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds(Network::kStopTimeoutMs + 2'000));
  EXPECT_TRUE(handler->closed());
}

TEST_F(Networks, AfterStopNothingRunsAndConnectSaysSo) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  std::atomic<bool> ran = false;
  client->RunAfter(1'000'000, [&ran] { ran = true; });
  client->Stop();
  client->Post([&ran] { ran = true; });
  client->RunAfter(0, [&ran] { ran = true; });
  const auto late = Connect();
  EXPECT_TRUE(late->closed());
  EXPECT_NE(late->WaitClosed().message.find("the network has stopped"), std::string::npos);
  EXPECT_FALSE(client->Listen({}, hall));
  // A link outlives its network, and does nothing any more.
  client.reset();
  EXPECT_EQ(link->Send(Frame("late")), Sent::kClosed);
  link->PauseReading();
  link->ResumeReading();
  link->Close(CloseCode::kDone, "late");
  EXPECT_FALSE(ran);
}

TEST_F(Networks, StopFromAHandlerDoesNotWaitForItself) {
  Listen();
  const auto near = std::make_shared<Recorder>();
  near->on_open = [this](Link&) { client->Stop(); };
  client->Connect(url(), near);
  near->WaitClosed();
  client->Stop();
}

TEST_F(Networks, TheLastOwnerMayBeAHandler) {
  Listen();
  auto own = std::make_shared<std::unique_ptr<Network>>(*Network::Start());
  const auto near = std::make_shared<Recorder>();
  near->on_open = [own](Link&) { own->reset(); };
  (*own)->Connect(url(), near);
  own = nullptr;
  near->WaitClosed();
}

TEST_F(Networks, SeveralThreadsMayStopIt) {
  Listen();
  const auto near = Connect();
  ASSERT_NE(near->WaitOpen(), nullptr);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([this] { client->Stop(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(near->closed());
}

TEST_F(Networks, ManyThreadsMayUseOneLink) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 500;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&link, t] {
      for (std::size_t i = 0; i < kEach; ++i) {
        EXPECT_EQ(link->Send(Frame(std::to_string(t))), Sent::kQueued);
        if (i % 50 == 0) link->PauseReading();
        if (i % 50 == 25) link->ResumeReading();
        link->QueuedBytes();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  hall->WaitVisitor()->WaitFrames(kThreads * kEach);
}

TEST_F(Networks, ATakenPortAndAForeignAddressAreSaidToBeSo) {
  Listen();
  ListenOptions same;
  same.port = port;
  const auto taken = client->Listen(same, hall);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kNetwork);
  EXPECT_NE(taken.error().message.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  ListenOptions named;
  named.host = "example.org";
  EXPECT_EQ(client->Listen(named, hall).error().code, Code::kInvalidArgument);
}

TEST_F(Networks, APortIsFreeAgainAtOnceAfterStop) {
  Listen();
  const auto near = Connect();
  ASSERT_NE(near->WaitOpen(), nullptr);
  ListenOptions same;
  same.port = port;
  server->Stop();  // it closes first, so its side of the connection lingers in the kernel
  near->WaitClosed();
  const auto again = client->Listen(same, hall);
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(Networks, ReachesLocalhostByItsNameAndOverIPv6) {
  ListenOptions everywhere;
  everywhere.host = "::";
  everywhere.port = 0;
  const auto bound = server->Listen(everywhere, hall);
  if (!bound) GTEST_SKIP() << "no IPv6 here: " << bound.error().message;
  std::size_t visitors = 0;
  for (const char* const host : {"localhost", "127.0.0.1", "::1"}) {
    SCOPED_TRACE(host);
    const auto handler = std::make_shared<Recorder>();
    client->Connect(Url{host, *bound, "room"}, handler);
    ASSERT_NE(handler->WaitOpen(), nullptr);
    const std::string address = hall->WaitVisitor(visitors++)->WaitOpen()->peer();
    EXPECT_EQ(address.find("::ffff:"), std::string::npos) << "IPv4 is written as such: " << address;
  }
}

TEST_F(Networks, NoSignalIsRaisedByAPeerThatIsGoneAndNoneIsTakenFromTheHost) {
  ASSERT_EQ(::signal(SIGPIPE, SIG_DFL), SIG_DFL) << "the test would prove nothing";
  Listen();
  for (int i = 0; i < 20; ++i) {
    const auto index = hall->visitors().size();
    RawPeer peer = RawPeer::To(port);
    peer.OpenAsClient();
    const auto far = hall->WaitVisitor(index);
    const auto link = far->WaitOpen();
    peer.Vanish();
    while (link->Send(Frame(Bytes(100'000, 'a'))) != Sent::kClosed) {
    }
    far->WaitClosed();
  }
  const bool blocked = OnNetwork([] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, SIGTERM) == 1 && ::sigismember(&mask, SIGCHLD) == 1;
  });
  EXPECT_TRUE(blocked);
  sigset_t mine;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(::sigismember(&mine, SIGTERM), 0) << "the starting thread got its mask back";
}

TEST_F(Networks, ProgramsThatTheHostExecutesInheritNoSocket) {
  Listen();
  const auto near = Connect();
  ASSERT_NE(near->WaitOpen(), nullptr);
  ASSERT_NE(hall->WaitVisitor()->WaitOpen(), nullptr);
  int sockets = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int descriptor = std::stoi(entry.path().filename());
    const int flags = ::fcntl(descriptor, F_GETFD);
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    const bool ours = target.find("socket:") == 0 || target.find("anon_inode:") == 0;
    if (flags < 0 || !ours) continue;
    ++sockets;
    EXPECT_NE(flags & FD_CLOEXEC, 0) << target;
  }
  EXPECT_GE(sockets, 3) << "the listening one and both ends of the link at least";
}

TEST_F(Networks, VisitorsWaitWhereDescriptorsRunOut) {
  Listen();
  RawPeer early = RawPeer::To(port);
  early.OpenAsClient();
  hall->WaitVisitor()->WaitOpen();
  // The visitor's own socket takes the last one that there is.
  const int last = ::dup(0);
  ::close(last);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit tight{static_cast<rlim_t>(last) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  RawPeer waiting = RawPeer::To(port);
  waiting.Say("GET /health HTTP/1.1\r\n\r\n");
  // The links that there are go on meanwhile.
  early.Say(WireFrame(2, "still here", true));
  hall->WaitVisitor()->WaitFrames(1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  const std::string answer = waiting.HearAll();
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
}

TEST_F(Networks, LongestTimesDoNotRunOver) {
  LinkOptions patient;
  patient.open_timeout_ms = patient.ping_after_ms = patient.silence_ms = patient.close_timeout_ms =
      ~std::uint64_t{0};
  patient.max_frame_bytes = patient.max_queue_bytes = ~std::size_t{0};
  Listen(patient);
  const auto near = Connect(patient);
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  std::atomic<bool> ran = false;
  client->RunAfter(~std::uint64_t{0}, [&ran] { ran = true; });
  link->Send(Frame("hello"));
  hall->WaitVisitor()->WaitFrames(1);
  link->Close(CloseCode::kDone, "");
  near->WaitClosed();
  EXPECT_FALSE(ran);
}

TEST_F(Networks, AForkedChildMayDropItAndTheParentGoesOn) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    client.reset();
    server->Stop();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  link->Send(Frame("still here"));
  EXPECT_EQ(hall->WaitVisitor()->WaitFrames(1), std::vector<Bytes>{"still here"});
}

}  // namespace
}  // namespace rejoin::testing
