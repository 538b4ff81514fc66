// What two ends of a link promise each other when both are ours.
#include "tests/transport/peers.h"

namespace rejoin::testing {
namespace {

using Links = Peers;

TEST_F(Links, OpensOnBothSidesAndKnowsWhoIsThere) {
  Listen();
  const auto handler = std::make_shared<Recorder>();
  const auto link = client->Connect(url("family/groceries%20list"), handler);
  ASSERT_NE(handler->WaitOpen(), nullptr);
  const auto other = hall->WaitVisitor()->WaitOpen();
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(handler->WaitOpen(), link) << "another link than Connect returned";
  EXPECT_EQ(link->peer(), "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(link->room(), "family/groceries%20list");
  EXPECT_EQ(other->room(), "family/groceries%20list");
  EXPECT_EQ(other->peer().substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(hall->visitors().at(0).address, other->peer());
  EXPECT_EQ(hall->visitors().at(0).room, other->room());
}

TEST_F(Links, CarriesFramesOfEverySizeBothWays) {
  LinkOptions options;
  options.max_frame_bytes = 100'000;
  Listen(options);
  const auto near = Connect(options);
  ASSERT_NE(near->WaitOpen(), nullptr);
  const auto far = hall->WaitVisitor();
  std::vector<Bytes> sent;
  for (const std::size_t size : {0u, 1u, 125u, 126u, 1536u, 4095u, 4096u, 4097u, 65535u, 65536u,
                                 99'999u, 100'000u, 0u}) {
    sent.push_back(Noise(size, size));
  }
  for (const Bytes& bytes : sent) {
    ASSERT_EQ(near->WaitOpen()->Send(Frame(bytes)), Sent::kQueued);
    ASSERT_EQ(far->WaitOpen()->Send(Frame(bytes)), Sent::kQueued);
  }
  EXPECT_EQ(far->WaitFrames(sent.size()), sent);
  EXPECT_EQ(near->WaitFrames(sent.size()), sent);
}

TEST_F(Links, RefusesToSendMoreThanAFrameMayHold) {
  LinkOptions options;
  options.max_frame_bytes = 1000;
  Listen(options);
  const auto near = Connect(options);
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  EXPECT_EQ(link->Send(Frame(Bytes(1001, 'a'))), Sent::kTooLarge);
  EXPECT_EQ(link->QueuedBytes(), 0u);
  EXPECT_EQ(link->Send(Frame(Bytes(1000, 'a'))), Sent::kQueued) << "the link is of use still";
  EXPECT_EQ(hall->WaitVisitor()->WaitFrames(1).at(0).size(), 1000u);
}

TEST_F(Links, AFrameLargerThanTheReaderTakesClosesTheLinkEitherWay) {
  LinkOptions small;
  small.max_frame_bytes = 1000;
  Listen(small);
  const auto near = Connect();
  const auto far = hall->WaitVisitor();
  near->WaitOpen()->Send(Frame(Bytes(1000, 'a')));
  near->WaitOpen()->Send(Frame(Bytes(1001, 'b')));
  const Error at_reader = far->WaitClosed();
  EXPECT_EQ(at_reader.code, Code::kProtocol);
  EXPECT_NE(at_reader.message.find("more than 1000 bytes"), std::string::npos) << at_reader.message;
  EXPECT_EQ(far->frames(), 1u);
  const Error at_writer = near->WaitClosed();
  EXPECT_EQ(at_writer.code, Code::kProtocol);
  EXPECT_NE(at_writer.message.find("too large"), std::string::npos) << at_writer.message;

  // The other way, and far larger than what the reader ever holds.
  hall->prepare = [](Recorder& handler) {
    handler.on_open = [](Link& link) { link.Send(Frame(Bytes(900'000, 'c'))); };
  };
  server = *Network::Start();
  Listen();
  const auto reader = Connect(small);
  EXPECT_EQ(reader->WaitClosed().code, Code::kProtocol);
  EXPECT_EQ(hall->WaitVisitor(1)->WaitClosed().code, Code::kProtocol);
  EXPECT_EQ(reader->frames(), 0u);
}

TEST_F(Links, ManyFramesStayInOrder) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  constexpr std::size_t kFrames = 20'000;
  for (std::size_t i = 0; i < kFrames; ++i) {
    ASSERT_EQ(link->Send(Frame(std::to_string(i))), Sent::kQueued);
  }
  const auto frames = hall->WaitVisitor()->WaitFrames(kFrames);
  ASSERT_EQ(frames.size(), kFrames);
  for (std::size_t i = 0; i < kFrames; ++i) ASSERT_EQ(frames[i], std::to_string(i));
}

TEST_F(Links, FramesSentBeforeItIsOpenFollow) {
  Listen();
  const auto handler = std::make_shared<Recorder>();
  const auto link = client->Connect(url(), handler);
  EXPECT_EQ(link->Send(Frame("early")), Sent::kQueued);
  EXPECT_EQ(hall->WaitVisitor()->WaitFrames(1), std::vector<Bytes>{"early"});
}

TEST_F(Links, OneNetworkServesBothEndsAndManyVisitors) {
  Listen();
  hall->prepare = [](Recorder& handler) {
    handler.on_frame = [](Link& link, const Bytes& frame) { link.Send(Frame("echo " + frame)); };
  };
  std::vector<std::shared_ptr<Recorder>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_shared<Recorder>());
    clients.back()->on_open = [i](Link& link) { link.Send(Frame(std::to_string(i))); };
    // Some from within the network's own thread.
    auto connect = [this, handler = clients.back()] { server->Connect(url(), handler); };
    if (i % 2 == 0) {
      server->Post(connect);
    } else {
      connect();
    }
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)]->WaitFrames(1),
              std::vector<Bytes>{"echo " + std::to_string(i)});
  }
}

TEST_F(Links, ClosesWithAReasonThatTheOtherSideGets) {
  Listen();
  const struct {
    CloseCode code;
    Code at_peer;
    const char* words;
  } kCases[] = {{CloseCode::kDone, Code::kNetwork, "closed the connection: "},
                {CloseCode::kGoingAway, Code::kNetwork, "is shutting down: "},
                {CloseCode::kProtocol, Code::kProtocol, "broke the protocol: "},
                {CloseCode::kRefused, Code::kRefused, "closed the connection: "},
                {CloseCode::kTryLater, Code::kNetwork, "try again later: "}};
  for (const auto& each : kCases) {
    SCOPED_TRACE(each.words);
    const auto index = hall->visitors().size();
    const auto near = Connect();
    ASSERT_NE(near->WaitOpen(), nullptr);
    const auto far = hall->WaitVisitor(index);
    far->WaitOpen()->Close(each.code, "you may not, my friend");
    const Error told = near->WaitClosed();
    EXPECT_EQ(told.code, each.at_peer);
    EXPECT_NE(told.message.find(std::string(each.words) + "you may not, my friend"),
              std::string::npos) << told.message;
    EXPECT_NE(told.message.find(":" + std::to_string(port)), std::string::npos) << told.message;
    EXPECT_NE(far->WaitClosed().message.find("closed from here: you may not"), std::string::npos);
    EXPECT_EQ(near->WaitOpen()->Send(Frame("late")), Sent::kClosed);
  }
}

TEST_F(Links, AReasonThatIsTooLongOrNoTextStillArrives) {
  Listen();
  const auto near = Connect();
  ASSERT_NE(near->WaitOpen(), nullptr);
  std::string reason = "bad\n\xff ";
  for (int i = 0; i < 100; ++i) reason += "\xc3\xa9";
  hall->WaitVisitor()->WaitOpen()->Close(CloseCode::kRefused, reason);
  const Error told = near->WaitClosed();
  EXPECT_EQ(told.code, Code::kRefused) << told.message;
  EXPECT_NE(told.message.find("bad ? \xc3\xa9\xc3\xa9"), std::string::npos) << told.message;
  EXPECT_LT(told.message.size(), 200u);
}

TEST_F(Links, WhatIsQueuedIsHandedOverBeforeTheClose) {
  Listen();
  const auto near = Connect();
  const auto link = near->WaitOpen();
  ASSERT_NE(link, nullptr);
  std::vector<Bytes> sent;
  for (std::size_t i = 0; i < 7; ++i) {
    sent.push_back(Noise(1'000'000, i));
    ASSERT_EQ(link->Send(Frame(sent.back())), Sent::kQueued);
  }
  link->Close(CloseCode::kDone, "that was all");
  EXPECT_EQ(link->Send(Frame("more")), Sent::kClosed);
  const auto far = hall->WaitVisitor();
  EXPECT_NE(far->WaitClosed().message.find("that was all"), std::string::npos);
  EXPECT_EQ(far->WaitFrames(7), sent);
}

TEST_F(Links, TwoSidesThatHandOverAtOnceDoNotWaitForEachOther) {
  Listen();
  const auto near = Connect();
  const auto far = hall->WaitVisitor();
  const auto there = far->WaitOpen();
  const auto here = near->WaitOpen();
  ASSERT_TRUE(here != nullptr && there != nullptr);
  for (int i = 0; i < 7; ++i) {
    here->Send(Frame(Bytes(1'000'000, 'h')));
    there->Send(Frame(Bytes(1'000'000, 't')));
  }
  here->Close(CloseCode::kDone, "from here");
  there->Close(CloseCode::kDone, "from there");
  EXPECT_NE(near->WaitClosed().message.find("closed from here"), std::string::npos);
  EXPECT_NE(far->WaitClosed().message.find("closed from here"), std::string::npos);
}

TEST_F(Links, AVisitorThatIsRefusedLearnsWhy) {
  Listen();
  hall->refusal = Error{Code::kRefused, "the room is private; ask its owner for a token"};
  const auto handler = Connect();
  const Error told = handler->WaitClosed();
  EXPECT_EQ(told.code, Code::kRefused);
  EXPECT_NE(told.message.find("the room is private; ask its owner"), std::string::npos)
      << told.message;
}

TEST_F(Links, AHandlerThatThrowsLosesItsLinkAndNoOther) {
  Listen();
  hall->prepare = [](Recorder& handler) {
    handler.on_frame = [](Link&, const Bytes& frame) {
      if (frame == "bomb") throw std::runtime_error("a mistake in the handler");
    };
  };
  const auto unlucky = Connect();
  const auto lucky = Connect();
  ASSERT_TRUE(unlucky->WaitOpen() != nullptr && lucky->WaitOpen() != nullptr);
  unlucky->WaitOpen()->Send(Frame("bomb"));
  unlucky->WaitClosed();
  lucky->WaitOpen()->Send(Frame("hello"));
  for (const std::size_t index : {0u, 1u}) {
    const auto far = hall->WaitVisitor(index);
    const Bytes got = far->WaitFrames(1).at(0);
    if (got == "bomb") EXPECT_EQ(far->WaitClosed().code, Code::kInternal);
    else EXPECT_FALSE(far->closed());
  }
}

}  // namespace
}  // namespace rejoin::testing
