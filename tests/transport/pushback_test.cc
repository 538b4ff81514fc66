// Both directions of a link push back, so that no side can fill the other's memory.
#include <atomic>

#include "tests/transport/peers.h"

namespace rejoin::testing {
namespace {

using Pushback = Peers;

// So many of them that the kernel's buffers on both sides cannot hold them.
constexpr std::size_t kFrameBytes = 500'000;
constexpr std::size_t kMoreThanTheKernelHolds = 200;

TEST_F(Pushback, ASlowReaderFillsTheQueueToItsLimitAndNotBeyond) {
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.PauseReading(); };
  };
  Listen();
  LinkOptions options;
  options.max_queue_bytes = 2'000'000;
  const auto near = Connect(options);
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);

  const auto frame = Frame(Noise(kFrameBytes, 1));
  const std::size_t sent = near->SendUntilStalled(frame, kMoreThanTheKernelHolds);
  ASSERT_LT(sent, kMoreThanTheKernelHolds) << "a reader that does not read took all";
  EXPECT_LE(link->QueuedBytes(), options.max_queue_bytes);
  EXPECT_GT(link->QueuedBytes(), options.max_queue_bytes / 2);

  // A reader that reads again gets all of it, and the writer is told.
  const std::size_t before = near->writable();
  hall->WaitVisitor()->WaitOpen()->ResumeReading();
  near->WaitWritable(before + 1);
  EXPECT_LE(link->QueuedBytes(), options.max_queue_bytes / 2);
  ASSERT_EQ(link->Send(Frame("the end")), Sent::kQueued);
  const auto far = hall->WaitVisitor();
  std::vector<Bytes> got = far->WaitFrames(sent + 1);
  ASSERT_EQ(got.size(), sent + 1);
  EXPECT_EQ(got.back(), "the end");
  for (std::size_t i = 0; i < sent; ++i) ASSERT_TRUE(got[i] == *frame) << i;
}

TEST_F(Pushback, WritableComesOnceForEachTimeItWasFull) {
  Listen();
  LinkOptions options;
  options.max_queue_bytes = 1000;
  const auto near = std::make_shared<Recorder>();
  // Not open yet, so nothing leaves the queue.
  std::atomic<int> writable = 0;
  near->on_writable = [&writable](Link&) { ++writable; };
  std::shared_ptr<Link> link;
  client->Post([&] {
    link = client->Connect(url(), near, options);
    EXPECT_EQ(link->Send(Frame(Bytes(600, 'a'))), Sent::kQueued);
    EXPECT_EQ(link->Send(Frame(Bytes(600, 'b'))), Sent::kFull);
    EXPECT_EQ(link->Send(Frame(Bytes(600, 'c'))), Sent::kFull);
    EXPECT_EQ(link->Send(Frame(Bytes(100, 'd'))), Sent::kQueued) << "a smaller one fits";
  });
  near->WaitWritable(1);
  hall->WaitVisitor()->WaitFrames(2);
  ASSERT_EQ(near->WaitOpen()->Send(Frame("e")), Sent::kQueued);
  const auto got = hall->WaitVisitor()->WaitFrames(3);
  EXPECT_EQ(got.at(1).size(), 100u);
  EXPECT_EQ(got.at(2), "e");
  EXPECT_EQ(writable, 1);
}

TEST_F(Pushback, NoFrameComesWhilePausedFromWithinTheHandler) {
  hall->prepare = [](Recorder& handler) {
    handler.on_frame = [](Link& link, const Bytes&) { link.PauseReading(); };
  };
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  for (int i = 0; i < 5; ++i) link->Send(Frame(std::to_string(i)));
  const auto far = hall->WaitVisitor();
  for (std::size_t i = 1; i <= 5; ++i) {
    far->WaitFrames(i);
    // All five have arrived long since: a second link's round trip came after them.
    const auto probe = Connect();
    probe->WaitOpen()->Send(Frame("probe"));
    hall->WaitVisitor(i)->WaitFrames(1);
    EXPECT_EQ(far->frames(), i);
    far->WaitOpen()->ResumeReading();
  }
  EXPECT_EQ(far->WaitFrames(5).back(), "4");
}

TEST_F(Pushback, PauseTakesEffectBetweenFramesOfOtherThreadsToo) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  const auto far = hall->WaitVisitor();
  const auto there = far->WaitOpen();
  there->PauseReading();
  for (int i = 0; i < 100; ++i) link->Send(Frame(std::to_string(i)));
  const auto probe = Connect();
  probe->WaitOpen()->Send(Frame("probe"));
  hall->WaitVisitor(1)->WaitFrames(1);
  EXPECT_LE(far->frames(), 1u) << "one that was under way may come";
  there->ResumeReading();
  EXPECT_EQ(far->WaitFrames(100).back(), "99");
}

TEST_F(Pushback, APausedLinkIsNotTakenForDeadAndKeepsThePeerCalm) {
  LinkOptions options;
  options.ping_after_ms = 40;
  options.silence_ms = 200;
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.PauseReading(); };
  };
  Listen(options);
  const auto near = Connect(options);
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  link->Send(Frame("patience"));
  // Five times the silence after which either side would be given up.
  std::atomic<bool> over = false;
  client->RunAfter(5 * options.silence_ms, [&over] {
    over = true;
    over.notify_all();
  });
  over.wait(false);
  EXPECT_FALSE(near->closed());
  const auto far = hall->WaitVisitor();
  EXPECT_FALSE(far->closed());
  EXPECT_EQ(far->frames(), 0u);
  far->WaitOpen()->ResumeReading();
  EXPECT_EQ(far->WaitFrames(1), std::vector<Bytes>{"patience"});
}

TEST_F(Pushback, TwoPausedSidesThatHandOverDoNotWaitForEachOther) {
  LinkOptions options;
  options.close_timeout_ms = 30'000;
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.PauseReading(); };
  };
  Listen(options);
  const auto near = std::make_shared<Recorder>();
  hall->prepare(*near);
  client->Connect(url(), near, options);
  const auto far = hall->WaitVisitor();
  ASSERT_TRUE(near->WaitOpen() != nullptr && far->WaitOpen() != nullptr);
  for (Recorder* const each : {near.get(), far.get()}) {
    const auto frame = Frame(Bytes(kFrameBytes, 'a'));
    ASSERT_LT(each->SendUntilStalled(frame, kMoreThanTheKernelHolds), kMoreThanTheKernelHolds);
  }
  const auto begin = std::chrono::steady_clock::now();
  near->WaitOpen()->Close(CloseCode::kDone, "");
  far->WaitOpen()->Close(CloseCode::kDone, "");
  near->WaitClosed();
  far->WaitClosed();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST_F(Pushback, DroppingAReaderDoesNotWaitForWhatItDidNotRead) {
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.PauseReading(); };
  };
  Listen();
  LinkOptions options;
  options.close_timeout_ms = 300;
  const auto near = Connect(options);
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  while (link->Send(Frame(Bytes(kFrameBytes, 'a'))) == Sent::kQueued) {
  }
  link->Close(CloseCode::kTryLater, "too slow", Unsent::kDrop);
  EXPECT_LE(link->QueuedBytes(), kFrameBytes + kQueuedFrameOverheadBytes);
  near->WaitClosed();
  EXPECT_EQ(link->QueuedBytes(), 0u);
}

}  // namespace
}  // namespace rejoin::testing
