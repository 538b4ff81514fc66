// Peers that are no peers: each has an error of its own that says what it did.
#include "tests/transport/peers.h"
#include "tests/transport/raw_peer.h"

namespace rejoin::testing {
namespace {

constexpr int kContinuation = 0;
constexpr int kText = 1;
constexpr int kBinary = 2;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

void ExpectSays(const Error& error, Code code, const std::string& words) {
  EXPECT_EQ(error.code, code) << error.message;
  EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
}

// Our client and a server that the test plays.
class BrokenServer : public ::testing::Test {
 protected:
  std::shared_ptr<Recorder> Connect(const LinkOptions& options = {}) {
    auto handler = std::make_shared<Recorder>();
    network->Connect(Url{"127.0.0.1", listener.port(), "room"}, handler, options);
    return handler;
  }
  std::string Name() const { return "127.0.0.1:" + std::to_string(listener.port()); }
  // What the client makes of this answer to its handshake.
  Error AfterAnswer(const std::string& answer) {
    const auto handler = Connect();
    RawPeer peer = listener.Accept();
    peer.HearUntil("\r\n\r\n");
    peer.Say(answer);
    peer.HangUp();
    const Error told = handler->WaitClosed();
    EXPECT_NE(told.message.find(Name()), std::string::npos) << told.message;
    return told;
  }

  RawListener listener;
  std::unique_ptr<Network> network = *Network::Start();
};

// Our server and a client that the test plays.
class BrokenClient : public Peers {
 protected:
  BrokenClient() { Listen(options()); }
  static LinkOptions options() {
    LinkOptions small;
    small.max_frame_bytes = 1000;
    small.close_timeout_ms = 300;
    return small;
  }
  // A client that has opened its WebSocket and then says this.
  RawPeer Saying(std::string_view bytes) {
    RawPeer peer = RawPeer::To(port);
    peer.OpenAsClient();
    peer.Say(bytes);
    return peer;
  }
  std::shared_ptr<Recorder> Visitor() { return hall->WaitVisitor(); }
};

// The next frame that is no ping or pong closes, with this code and these words.
void ExpectCloses(RawPeer& peer, int code, const std::string& words) {
  std::string payload;
  int opcode = peer.HearFrame(payload);
  while (opcode == kPing || opcode == kPong) opcode = peer.HearFrame(payload);
  ASSERT_EQ(opcode, kClose);
  ASSERT_GE(payload.size(), 2u);
  EXPECT_EQ(static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]), code);
  EXPECT_NE(payload.find(words, 2), std::string::npos) << payload.substr(2);
}

TEST_F(BrokenServer, ThatIsNotThereRefusesTheConnection) {
  const auto handler = std::make_shared<Recorder>();
  std::uint16_t free_port = 0;
  { free_port = RawListener().port(); }
  network->Connect(Url{"127.0.0.1", free_port, "room"}, handler);
  const Error told = handler->WaitClosed();
  ExpectSays(told, Code::kNetwork, "127.0.0.1:" + std::to_string(free_port));
  ExpectSays(told, Code::kNetwork, "is a hub or a device listening there?");
}

TEST_F(BrokenServer, WhoseNameDoesNotExistIsNotFound) {
  const auto handler = std::make_shared<Recorder>();
  network->Connect(Url{"no-such-host.invalid", 8787, "room"}, handler);
  ExpectSays(handler->WaitClosed(), Code::kNetwork, "no-such-host.invalid");
}

TEST_F(BrokenServer, IsNotAskedForARoomThatIsNone) {
  for (const std::string& room : {std::string(), std::string("a\r\nX-Evil: b"), std::string(201, 'r')}) {
    const auto handler = std::make_shared<Recorder>();
    network->Connect(Url{"127.0.0.1", listener.port(), room}, handler);
    EXPECT_EQ(handler->WaitClosed().code, Code::kInvalidArgument) << room;
  }
}

TEST_F(BrokenServer, ThatSaysNothingIsGivenUpInTime) {
  LinkOptions hasty;
  hasty.open_timeout_ms = 50;
  const auto handler = Connect(hasty);
  RawPeer peer = listener.Accept();
  ExpectSays(handler->WaitClosed(), Code::kNetwork, "did not open within 50 ms");
}

TEST_F(BrokenServer, ThatHangsUpBeforeItAnswersWasCut) {
  ExpectSays(AfterAnswer(""), Code::kNetwork, "was cut");
  ExpectSays(AfterAnswer("HTTP/1.1 101 Swi"), Code::kNetwork, "was cut");
}

TEST_F(BrokenServer, ThatAnswersGarbageIsNoWebSocket) {
  ExpectSays(AfterAnswer("SSH-2.0-OpenSSH_9.2\r\n"), Code::kProtocol, "no WebSocket");
  ExpectSays(AfterAnswer(std::string(3000, '\xff')), Code::kProtocol, "no WebSocket");
}

TEST_F(BrokenServer, ThatAnswersWithAPageIsQuoted) {
  const std::string page = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nWelcome to our shop\n";
  ExpectSays(AfterAnswer(page), Code::kProtocol, "HTTP status 200");
  ExpectSays(AfterAnswer(page), Code::kProtocol, "Welcome to our shop");
  ExpectSays(AfterAnswer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Code::kNetwork, "503");
  ExpectSays(AfterAnswer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), Code::kRefused, "403");
}

TEST_F(BrokenServer, ThatForgesTheHandshakeIsNoWebSocket) {
  ExpectSays(AfterAnswer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"),
             Code::kProtocol, "no WebSocket");
}

TEST_F(BrokenServer, ThatSpeaksAnotherSubprotocolIsTold) {
  const auto handler = Connect();
  RawPeer peer = listener.Accept();
  const std::string request = peer.HearUntil("\r\n\r\n");
  EXPECT_NE(request.find("Sec-WebSocket-Protocol: rejoin.1\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("GET /room HTTP/1.1\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("Host: " + Name() + "\r\n"), std::string::npos) << request;
  peer.Say(AnswerTo(request, "Sec-WebSocket-Protocol: chat\r\n"));
  ExpectCloses(peer, 1002, "does not speak rejoin.1");
  peer.HangUp();
  ExpectSays(handler->WaitClosed(), Code::kProtocol, "does not speak rejoin.1");
}

TEST_F(BrokenServer, ThatChoosesNoSubprotocolIsTold) {
  const auto handler = Connect();
  RawPeer peer = listener.Accept();
  peer.Say(AnswerTo(peer.HearUntil("\r\n\r\n"), ""));
  ExpectCloses(peer, 1002, "does not speak rejoin.1");
  peer.HangUp();
  ExpectSays(handler->WaitClosed(), Code::kProtocol, "does not speak rejoin.1");
}

TEST_F(BrokenServer, FramesRightBehindTheHandshakeAreNotLost) {
  const auto handler = Connect();
  RawPeer peer = listener.Accept();
  peer.OpenAsServer();
  peer.Say(WireFrame(kBinary, "at once", false));
  EXPECT_EQ(handler->WaitFrames(1), std::vector<Bytes>{"at once"});
}

TEST_F(BrokenServer, ThatMasksItsFramesBreaksTheProtocol) {
  const auto handler = Connect();
  RawPeer peer = listener.Accept();
  peer.OpenAsServer();
  peer.Say(WireFrame(kBinary, "masked", true));
  ExpectCloses(peer, 1002, "");
  peer.HangUp();
  ExpectSays(handler->WaitClosed(), Code::kProtocol, "break the WebSocket protocol");
}

TEST_F(BrokenClient, WhoseHandshakeIsIncompleteNeverOpens) {
  RawPeer peer = RawPeer::To(port);
  peer.Say("GET /room HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: rejoin.1\r\n\r\n");
  EXPECT_EQ(peer.HearAll().substr(0, 12), "HTTP/1.1 400");
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "break the WebSocket protocol");
}

TEST_F(BrokenClient, ThatDoesNotWaitForTheHandshakeIsRefused) {
  RawPeer peer = RawPeer::To(port);
  peer.Say("GET /room HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Protocol: rejoin.1\r\n\r\n" + WireFrame(kBinary, "early", true));
  EXPECT_EQ(peer.HearAll().substr(0, 12), "HTTP/1.1 400");
  EXPECT_TRUE(hall->visitors().empty());
}

TEST_F(BrokenClient, ThatSendsFragmentsIsUnderstood) {
  RawPeer peer = Saying(WireFrame(kBinary, "one ", true, false));
  peer.Say(WireFrame(kPing, "are you there?", true));
  peer.Say(WireFrame(kContinuation, "", true, false));
  peer.Say(WireFrame(kContinuation, "frame", true, true));
  EXPECT_EQ(Visitor()->WaitFrames(1), std::vector<Bytes>{"one frame"});
  std::string payload;
  EXPECT_EQ(peer.HearFrame(payload), kPong);
  EXPECT_EQ(payload, "are you there?");
}

TEST_F(BrokenClient, WhoseFragmentsTogetherAreTooLargeIsTold) {
  RawPeer peer = Saying(WireFrame(kBinary, Bytes(600, 'a'), true, false) +
                        WireFrame(kContinuation, Bytes(600, 'a'), true, true));
  ExpectCloses(peer, 1009, "more than 1000 bytes");
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "more than 1000 bytes");
}

TEST_F(BrokenClient, ThatAnnouncesMoreThanThereIsMemoryIsTold) {
  RawPeer peer = Saying(std::string("\x82\xff\x0f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14) +
                        std::string(2000, 'a'));
  ExpectCloses(peer, 1009, "more than 1000 bytes");
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "more than 1000 bytes");
}

TEST_F(BrokenClient, ThatSendsTextIsTold) {
  RawPeer peer = Saying(WireFrame(kText, "hello", true));
  ExpectCloses(peer, 1003, "binary ones only");
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "text frame");
  EXPECT_EQ(Visitor()->frames(), 0u);
}

TEST_F(BrokenClient, ThatSendsGarbageIsTold) {
  RawPeer peer = Saying(std::string(100, '\xff'));
  ExpectCloses(peer, 1002, "");
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "break the WebSocket protocol");
}

TEST_F(BrokenClient, ThatDoesNotMaskIsTold) {
  RawPeer peer = Saying(WireFrame(kBinary, "bare", false));
  ExpectCloses(peer, 1002, "");
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "break the WebSocket protocol");
}

TEST_F(BrokenClient, ThatSaysNonsenseAndStaysIsClosedInTime) {
  RawPeer peer = Saying(WireFrame(kBinary, "bare", false));
  // It does not hang up, and still the link ends: after close_timeout_ms.
  ExpectSays(Visitor()->WaitClosed(), Code::kProtocol, "break the WebSocket protocol");
  peer.HearAll();
}

TEST_F(BrokenClient, ThatIsCutInTheMiddleOfAFrame) {
  RawPeer peer = Saying(WireFrame(kBinary, "not all of it", true).substr(0, 12));
  Visitor()->WaitOpen();
  peer.HangUp();
  ExpectSays(Visitor()->WaitClosed(), Code::kNetwork, "was cut");
  EXPECT_EQ(Visitor()->frames(), 0u);
}

TEST_F(BrokenClient, ThatVanishesWithAReset) {
  RawPeer peer = Saying("");
  Visitor()->WaitOpen();
  peer.Vanish();
  ExpectSays(Visitor()->WaitClosed(), Code::kNetwork, "was cut");
}

TEST_F(BrokenClient, ThatClosesWithoutAWordOrWithOneIsHeard) {
  RawPeer silent = Saying(WireFrame(kClose, "", true));
  EXPECT_EQ(silent.HearAll().substr(0, 1), "\x88") << "no close frame in answer";
  ExpectSays(Visitor()->WaitClosed(), Code::kNetwork, "closed the connection");

  RawPeer polite = Saying(WireFrame(kClose, "\x0f\xa1got tired", true));
  ExpectSays(hall->WaitVisitor(1)->WaitClosed(), Code::kRefused, "closed the connection: got tired");
  RawPeer strange = Saying(WireFrame(kClose, "\x0f\xa1", true));
  ExpectSays(hall->WaitVisitor(2)->WaitClosed(), Code::kRefused, "with code 4001");
}

TEST_F(BrokenClient, ThatDoesNotAnswerACloseIsNotWaitedForLong) {
  RawPeer peer = Saying("");
  Visitor()->WaitOpen()->Close(CloseCode::kDone, "good night");
  ExpectSays(Visitor()->WaitClosed(), Code::kNetwork, "closed from here: good night");
  ExpectCloses(peer, 1000, "good night");
}

TEST_F(BrokenClient, ThatIsSilentIsAskedAndThenGivenUp) {
  LinkOptions hasty;
  hasty.ping_after_ms = 1000;
  hasty.silence_ms = 300;
  server = *Network::Start();
  Listen(hasty);
  RawPeer peer = Saying("");
  ExpectSays(Visitor()->WaitClosed(), Code::kNetwork, "nothing was heard");
  std::string payload;
  EXPECT_EQ(peer.HearFrame(payload), kPing);
}

TEST_F(BrokenClient, ThatAnswersPingsIsKept) {
  LinkOptions hasty;
  hasty.ping_after_ms = 10'000;
  hasty.silence_ms = 400;
  server = *Network::Start();
  Listen(hasty);
  RawPeer peer = Saying("");
  for (int i = 0; i < 5; ++i) {
    std::string payload;
    ASSERT_EQ(peer.HearFrame(payload), kPing);
    peer.Say(WireFrame(kPong, payload, true));
  }
  EXPECT_FALSE(Visitor()->closed());
}

}  // namespace
}  // namespace rejoin::testing
