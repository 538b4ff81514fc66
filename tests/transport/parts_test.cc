// The parts of a link that know no socket: its queue, its pulse and its words.
#include <gtest/gtest.h>

#include "transport/pulse.h"
#include "transport/send_queue.h"
#include "transport/wording.h"

namespace rejoin {
namespace {

using Act = Pulse::Act;

SendQueue::Frame FrameOf(std::size_t size) { return std::make_shared<const Bytes>(size, 'a'); }

LinkOptions QueueOf(std::size_t max_queue, std::size_t max_frame = 1000) {
  LinkOptions options;
  options.max_queue_bytes = max_queue;
  options.max_frame_bytes = max_frame;
  return options;
}

TEST(SendQueues, KeepOrderAndCountWhatTheyHold) {
  SendQueue queue(QueueOf(10'000));
  bool first = false;
  EXPECT_EQ(queue.Front(), nullptr);
  ASSERT_EQ(queue.Push(FrameOf(1), first), Sent::kQueued);
  EXPECT_TRUE(first);
  ASSERT_EQ(queue.Push(FrameOf(2), first), Sent::kQueued);
  EXPECT_FALSE(first);
  EXPECT_EQ(queue.bytes(), 3 + 2 * kQueuedFrameOverheadBytes);
  EXPECT_EQ(queue.Front()->size(), 1u);
  EXPECT_EQ(queue.Front()->size(), 1u) << "it stays until Pop";
  EXPECT_FALSE(queue.Pop());
  EXPECT_EQ(queue.Front()->size(), 2u);
  EXPECT_FALSE(queue.Pop());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(SendQueues, AreFullAtTheirLimitAndWritableAtHalfOfIt) {
  const std::size_t cost = 100 + kQueuedFrameOverheadBytes;
  SendQueue queue(QueueOf(4 * cost));
  bool first = false;
  for (int i = 0; i < 4; ++i) ASSERT_EQ(queue.Push(FrameOf(100), first), Sent::kQueued);
  EXPECT_EQ(queue.Push(FrameOf(0), first), Sent::kFull);
  EXPECT_FALSE(queue.Pop()) << "three of four are left";
  EXPECT_TRUE(queue.Pop());
  EXPECT_FALSE(queue.Pop()) << "once is enough";
  EXPECT_EQ(queue.Push(FrameOf(1001), first), Sent::kTooLarge);
}

TEST(SendQueues, BoundEmptyFramesToo) {
  SendQueue queue(QueueOf(1000));
  bool first = false;
  std::size_t count = 0;
  while (queue.Push(FrameOf(0), first) == Sent::kQueued) ++count;
  EXPECT_EQ(count, 1000 / kQueuedFrameOverheadBytes);
}

TEST(SendQueues, TakeOneFrameThatIsLargerThanTheyAre) {
  SendQueue queue(QueueOf(100));
  bool first = false;
  EXPECT_EQ(queue.Push(FrameOf(1000), first), Sent::kQueued);
  EXPECT_EQ(queue.Push(FrameOf(1000), first), Sent::kFull);
  EXPECT_TRUE(queue.Pop());
  EXPECT_EQ(queue.Push(FrameOf(1000), first), Sent::kQueued);
}

TEST(SendQueues, ThatAreClosedTakeNothingAndKeepWhatIsOnItsWay) {
  SendQueue queue(QueueOf(10'000));
  bool first = false;
  for (std::size_t i = 1; i <= 3; ++i) queue.Push(FrameOf(i), first);
  EXPECT_TRUE(queue.Close(Unsent::kFlush));
  EXPECT_FALSE(queue.Close(Unsent::kDrop)) << "it was closed before";
  EXPECT_EQ(queue.Push(FrameOf(4), first), Sent::kClosed);
  EXPECT_EQ(queue.Front()->size(), 1u);
  EXPECT_EQ(queue.bytes(), 1 + kQueuedFrameOverheadBytes);
  EXPECT_FALSE(queue.Pop());
  EXPECT_EQ(queue.Front(), nullptr);
}

LinkOptions PulseOf(std::uint64_t ping_after_ms, std::uint64_t silence_ms) {
  LinkOptions options;
  options.ping_after_ms = ping_after_ms;
  options.silence_ms = silence_ms;
  return options;
}

TEST(Pulses, TellWhenNothingWasSentForLong) {
  Pulse pulse(PulseOf(25, 60), 1000);
  EXPECT_EQ(pulse.Next(1024, true, false).act, Act::kWait);
  EXPECT_EQ(pulse.Next(1024, true, false).again_ms, 1025u);
  EXPECT_EQ(pulse.Next(1025, true, false).act, Act::kTell);
  pulse.OnSent(1025);
  pulse.OnHeard(1026);
  EXPECT_EQ(pulse.Next(1049, true, false).act, Act::kWait);
  EXPECT_EQ(pulse.Next(1050, true, false).act, Act::kTell);
}

// The second one opens later, by less than what lies between telling and asking.
TEST(Pulses, TwoOfOursNeverAsk) {
  Pulse here(PulseOf(25, 60), 0);
  Pulse there(PulseOf(25, 60), 4);
  for (std::uint64_t now = 4; now < 10'000; ++now) {
    const auto step = [now](Pulse& from, Pulse& to) {
      const Act act = from.Next(now, true, false).act;
      ASSERT_TRUE(act == Act::kWait || act == Act::kTell) << now;
      if (act == Act::kTell) {
        from.OnSent(now);
        to.OnHeard(now);
      }
    };
    step(here, there);
    step(there, here);
  }
}

TEST(Pulses, AskThePeerOnceAndThenGiveItUp) {
  Pulse pulse(PulseOf(100, 60), 0);
  EXPECT_EQ(pulse.Next(29, true, false).again_ms, 30u);
  EXPECT_EQ(pulse.Next(30, true, false).act, Act::kAsk);
  EXPECT_EQ(pulse.Next(31, true, false).act, Act::kWait);
  EXPECT_EQ(pulse.Next(31, true, false).again_ms, 60u);
  EXPECT_EQ(pulse.Next(60, true, false).act, Act::kGiveUp);
}

TEST(Pulses, APeerThatAnswersIsKept) {
  Pulse pulse(PulseOf(1000, 60), 0);
  EXPECT_EQ(pulse.Next(30, true, false).act, Act::kAsk);
  pulse.OnHeard(59);
  EXPECT_EQ(pulse.Next(60, true, false).act, Act::kWait);
  EXPECT_EQ(pulse.Next(89, true, false).act, Act::kAsk);
}

TEST(Pulses, NobodyIsJudgedWhomWeDoNotListenTo) {
  Pulse pulse(PulseOf(25, 60), 0);
  for (std::uint64_t now = 0; now < 1000; ++now) {
    const Act act = pulse.Next(now, false, false).act;
    ASSERT_TRUE(act == Act::kWait || act == Act::kTell) << now;
    if (act == Act::kTell) pulse.OnSent(now);
  }
  pulse.OnListening(1000);
  EXPECT_EQ(pulse.Next(1029, true, true).act, Act::kWait);
  EXPECT_EQ(pulse.Next(1060, true, true).act, Act::kGiveUp);
}

TEST(Pulses, NeverAdviseToAskAgainAtOnce) {
  Pulse pulse(PulseOf(25, 60), 0);
  for (std::uint64_t now = 0; now < 500; now += 1) {
    for (const bool listening : {false, true}) {
      for (const bool busy : {false, true}) {
        const auto advice = pulse.Next(now, listening, busy);
        ASSERT_TRUE(advice.act == Act::kGiveUp || advice.again_ms > now) << now;
        if (advice.act == Act::kGiveUp) pulse.OnHeard(now);
        if (advice.act == Act::kTell) pulse.OnSent(now);
      }
    }
  }
}

TEST(Words, AreOneLineOfUtf8) {
  EXPECT_EQ(OneLine("plain", 10), "plain");
  EXPECT_EQ(OneLine("a\r\n\tb\x1b[2J\x7f", 20), "a   b [2J");
  EXPECT_EQ(OneLine("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 20), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(OneLine("\xff\xc3", 20), "??");
  EXPECT_EQ(OneLine("\xc0\x80", 20), "??") << "overlong";
  EXPECT_EQ(OneLine("\xed\xa0\x80", 20), "???") << "half of a surrogate pair";
  EXPECT_EQ(OneLine("\xf4\x90\x80\x80", 20), "????") << "beyond the last character";
  EXPECT_EQ(OneLine("abc", 2), "ab");
  EXPECT_EQ(OneLine("a\xc3\xa9", 2), "a") << "no half characters";
  EXPECT_EQ(OneLine("", 5), "");
}

TEST(Words, OfAVisitorThatIsRefusedFitTheReason) {
  EXPECT_EQ(CloseCodeOf({Code::kLimit, ""}), CloseCode::kTryLater);
  EXPECT_EQ(CloseCodeOf({Code::kBusy, ""}), CloseCode::kTryLater);
  EXPECT_EQ(CloseCodeOf({Code::kProtocol, ""}), CloseCode::kProtocol);
  EXPECT_EQ(CloseCodeOf({Code::kRefused, ""}), CloseCode::kRefused);
  EXPECT_EQ(CloseCodeOf({Code::kInternal, ""}), CloseCode::kRefused);
}

TEST(Words, OfAPageQuoteTextAndNoMarkup) {
  EXPECT_NE(AnsweredPage("h:1", 404, "No such room.\nmore").message.find(": No such room; "),
            std::string::npos);
  EXPECT_EQ(AnsweredPage("h:1", 200, "<!DOCTYPE html><p>hi").message.find('<'), std::string::npos);
}

}  // namespace
}  // namespace rejoin
