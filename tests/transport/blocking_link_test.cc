// A link for who would rather wait.
#include "transport/blocking_link.h"

#include <atomic>
#include <thread>

#include "tests/transport/peers.h"
#include "tests/transport/raw_peer.h"

namespace rejoin::testing {
namespace {

constexpr std::uint64_t kLongMs = 60'000;

class Blocking : public Peers {
 protected:
  // Visitors get back what they send.
  void ListenAsEcho() {
    hall->prepare = [](Recorder& handler) {
      handler.on_frame = [](Link& link, const Bytes& frame) { link.Send(Frame(frame)); };
    };
    Listen();
  }
  static Bytes Received(BlockingLink& link) {
    auto received = link.Receive(kLongMs);
    EXPECT_TRUE(received) << received.error().message;
    EXPECT_TRUE(received && *received) << "nothing came";
    return received && *received ? **received : Bytes();
  }
};

TEST_F(Blocking, SendsAndReceives) {
  ListenAsEcho();
  BlockingLink link(*client, url());
  ASSERT_TRUE(link.WaitOpen());
  EXPECT_EQ(link.link().room(), "room");
  for (const std::size_t size : {0u, 1u, 300'000u}) {
    ASSERT_TRUE(link.Send(Noise(size, size), kLongMs));
    EXPECT_TRUE(Received(link) == Noise(size, size));
  }
}

TEST_F(Blocking, SaysWhyItDoesNotOpen) {
  std::uint16_t free_port = 0;
  { free_port = RawListener().port(); }
  BlockingLink link(*client, Url{"127.0.0.1", free_port, "room"});
  const Status opened = link.WaitOpen();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kNetwork);
  EXPECT_EQ(link.Send("x", kLongMs).error().message, opened.error().message);
  EXPECT_EQ(link.Receive(kLongMs).error().message, opened.error().message);
}

TEST_F(Blocking, WhoDoesNotWaitLeavesTheWakeToWhoDoes) {
  Listen();
  BlockingLink link(*client, url());
  link.Wake();
  const auto looked = link.Receive(0);
  ASSERT_TRUE(looked);
  EXPECT_FALSE(*looked);
  const auto waited = link.Receive(kLongMs);  // would be the whole time
  ASSERT_TRUE(waited);
  EXPECT_FALSE(*waited);
}

TEST_F(Blocking, ReceiveEndsWithTheTimeOrAWake) {
  Listen();
  BlockingLink link(*client, url());
  const auto nothing = link.Receive(1);
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  link.Wake();  // nobody waits: the next one returns at once
  const auto woken = link.Receive(kLongMs);
  ASSERT_TRUE(woken);
  EXPECT_FALSE(*woken);
  std::thread other([&link] { link.Wake(); });
  EXPECT_FALSE(*link.Receive(kLongMs));
  other.join();
}

TEST_F(Blocking, FramesThatCameBeforeTheEndAreReceivedBeforeIt) {
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) {
      link.Send(Frame("one"));
      link.Send(Frame("two"));
      link.Close(CloseCode::kRefused, "that was all");
    };
  };
  Listen();
  BlockingLink link(*client, url());
  EXPECT_EQ(Received(link), "one");
  EXPECT_EQ(Received(link), "two");
  for (int i = 0; i < 2; ++i) {
    const auto end = link.Receive(kLongMs);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().code, Code::kRefused);
    EXPECT_NE(end.error().message.find("that was all"), std::string::npos);
  }
}

TEST_F(Blocking, NothingIsReceivedAfterACloseFromHere) {
  ListenAsEcho();
  BlockingLink link(*client, url());
  ASSERT_TRUE(link.Send("one", kLongMs));
  ASSERT_TRUE(link.Send("two", kLongMs));
  EXPECT_EQ(Received(link), "one");
  // By then the other one is in the inbox.
  BlockingLink probe(*client, url());
  ASSERT_TRUE(probe.Send("probe", kLongMs));
  EXPECT_EQ(Received(probe), "probe");
  link.Close(CloseCode::kDone, "enough");
  const auto end = link.Receive(kLongMs);
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("closed from here: enough"), std::string::npos);
}

TEST_F(Blocking, CloseFromAnotherThreadEndsEveryWaiting) {
  const RawListener silent;
  const auto begin = std::chrono::steady_clock::now();
  BlockingLink opening(*client, Url{"127.0.0.1", silent.port(), "room"});
  std::thread other([&opening] { opening.Close(CloseCode::kDone, "enough"); });
  EXPECT_FALSE(opening.WaitOpen());
  other.join();

  Listen();
  BlockingLink receiving(*client, url());
  ASSERT_TRUE(receiving.WaitOpen());
  std::thread another([&receiving] { receiving.Close(CloseCode::kDone, "enough"); });
  const auto end = receiving.Receive(kLongMs);
  another.join();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("closed from here: enough"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST_F(Blocking, ADeafPeerDoesNotHoldTheOneThatCloses) {
  RawListener listener;
  BlockingLinkOptions options;
  options.link.close_timeout_ms = kLongMs;
  BlockingLink link(*client, Url{"127.0.0.1", listener.port(), "room"}, options);
  RawPeer deaf = listener.Accept();
  deaf.OpenAsServer();
  ASSERT_TRUE(link.WaitOpen());
  const auto begin = std::chrono::steady_clock::now();
  std::thread other([&link] { link.Close(CloseCode::kDone, "enough"); });
  EXPECT_FALSE(link.Receive(kLongMs));
  other.join();
  EXPECT_NE(link.Send("x", kLongMs).error().message.find("closed from here: enough"),
            std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(kLongMs / 2));
}

TEST_F(Blocking, SendWaitsForRoomAndSaysWhenThereIsNone) {
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.PauseReading(); };
  };
  Listen();
  BlockingLinkOptions options;
  options.link.max_queue_bytes = 2'000'000;
  BlockingLink link(*client, url(), options);
  ASSERT_TRUE(link.WaitOpen());
  std::size_t sent = 0;
  Status last;
  while ((last = link.Send(Bytes(500'000, 'a'), 100)) && sent < 1000) ++sent;
  ASSERT_FALSE(last) << "a reader that does not read took 500 MB";
  EXPECT_EQ(last.error().code, Code::kNetwork);
  EXPECT_NE(last.error().message.find("100 ms"), std::string::npos) << last.error().message;
  std::thread reader([this] { hall->WaitVisitor()->WaitOpen()->ResumeReading(); });
  EXPECT_TRUE(link.Send("the end", kLongMs));
  reader.join();
  EXPECT_EQ(hall->WaitVisitor()->WaitFrames(sent + 1).back(), "the end");
}

TEST_F(Blocking, AFullInboxSlowsThePeerDown) {
  Listen();
  BlockingLinkOptions options;
  options.max_inbox_bytes = 1'000'000;
  BlockingLink link(*client, url(), options);
  ASSERT_TRUE(link.WaitOpen());
  const auto frame = Frame(Noise(500'000, 1));
  constexpr std::size_t kMoreThanFits = 200;
  const std::size_t sent = hall->WaitVisitor()->SendUntilStalled(frame, kMoreThanFits);
  ASSERT_LT(sent, kMoreThanFits) << "an inbox of 1 MB took 100 MB";
  for (std::size_t i = 0; i < sent; ++i) ASSERT_TRUE(Received(link) == *frame) << i;
}

TEST_F(Blocking, OneThatIsDroppedWithAFullInboxStillClosesWell) {
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) {
      for (int i = 0; i < 7; ++i) link.Send(Frame(Bytes(1'000'000, 'a')));
    };
  };
  Listen();
  {
    BlockingLinkOptions options;
    options.max_inbox_bytes = 1'000'000;
    BlockingLink link(*client, url(), options);
    ASSERT_TRUE(link.WaitOpen());
    Received(link);
  }
  const Error told = hall->WaitVisitor()->WaitClosed();
  EXPECT_NE(told.message.find("closed the connection"), std::string::npos) << told.message;
}

TEST_F(Blocking, OutlivesItsNetwork) {
  Listen();
  BlockingLink link(*client, url());
  ASSERT_TRUE(link.WaitOpen());
  client.reset();
  EXPECT_FALSE(link.Receive(kLongMs));
  EXPECT_FALSE(link.Send("x", kLongMs));
}

}  // namespace
}  // namespace rejoin::testing
