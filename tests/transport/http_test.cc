// What a port of ours says to those who come without a WebSocket, or with a wrong one.
#include "tests/transport/peers.h"
#include "tests/transport/raw_peer.h"

namespace rejoin::testing {
namespace {

class Http : public Peers {
 protected:
  std::string Ask(const std::string& request) {
    RawPeer peer = RawPeer::To(port);
    peer.Say(request);
    return peer.HearAll();
  }
  std::string Get(const std::string& path) {
    return Ask("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
  }
  std::string Upgrade(const std::string& target, const std::string& protocol) {
    return Ask("GET " + target + " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + protocol + "\r\n");
  }
};

void ExpectAnswer(const std::string& answer, int status, const std::string& words) {
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + std::to_string(status)) << answer;
  EXPECT_NE(answer.find(words), std::string::npos) << answer;
}

TEST_F(Http, SaysWhatIsHere) {
  Listen();
  ExpectAnswer(Get("/"), 200, "This is a Rejoin peer.");
  ExpectAnswer(Get("/health"), 200, "\r\n\r\nok\n");
  ExpectAnswer(Get("/health?verbose"), 200, "\r\n\r\nok\n");
  ExpectAnswer(Get("/favicon.ico"), 404, "no such page");
}

TEST_F(Http, TheAcceptorMayHavePagesOfItsOwn) {
  hall->page = Page{503, "application/json", "{\"ready\":false}"};
  Listen();
  const std::string answer = Get("/mine");
  ExpectAnswer(answer, 503, "{\"ready\":false}");
  ExpectAnswer(answer, 503, "Content-Type: application/json\r\n");
}

TEST_F(Http, HeadGetsTheHeadOnly) {
  Listen();
  const std::string answer = Ask("HEAD /health HTTP/1.1\r\nHost: test\r\n\r\n");
  ExpectAnswer(answer, 200, "Content-Length: 3\r\n");
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), "");
}

TEST_F(Http, OtherMethodsAndOtherThingsAreRefused) {
  Listen();
  ExpectAnswer(Ask("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi"), 405, "Only GET");
  ExpectAnswer(Ask("\x16\x03\x01 this is TLS, say\r\n\r\n"), 400, "no HTTP request");
  ExpectAnswer(Ask("GET / HTTP/1.1\r\nCookie: " + std::string(9000, 'c') + "\r\n\r\n"), 400,
               "no HTTP request");
}

TEST_F(Http, AWebSocketWithoutOurSubprotocolIsToldWhichOne) {
  Listen();
  ExpectAnswer(Upgrade("/room", ""), 400, "subprotocol rejoin.1");
  ExpectAnswer(Upgrade("/room", "Sec-WebSocket-Protocol: chat, rejoin.2\r\n"), 400, "rejoin.1");
  EXPECT_TRUE(hall->visitors().empty());
}

TEST_F(Http, AWebSocketWithoutARoomIsToldSo) {
  Listen();
  const std::string ours = "Sec-WebSocket-Protocol: rejoin.1\r\n";
  ExpectAnswer(Upgrade("/", ours), 400, "names no room");
  ExpectAnswer(Upgrade("/" + std::string(kMaxRoomBytes + 1, 'r'), ours), 400, "at most 200");
  ExpectAnswer(Upgrade("/room?token=secret", ours), 400, "?");
  ExpectAnswer(Upgrade("http://test/room", ours), 400, "no request for a WebSocket");
  EXPECT_TRUE(hall->visitors().empty());
}

TEST_F(Http, WhoIsTooManyIsToldSoAndWhoComesLaterIsLetIn) {
  Listen({}, 2);
  const auto first = Connect();
  const auto second = Connect();
  ASSERT_TRUE(first->WaitOpen() != nullptr && second->WaitOpen() != nullptr);
  ExpectAnswer(Get("/health"), 503, "as many connections");
  const Error told = Connect()->WaitClosed();
  EXPECT_EQ(told.code, Code::kNetwork);
  EXPECT_NE(told.message.find("WebSocket: There are as many connections"), std::string::npos)
      << told.message;

  hall->WaitVisitor(0)->WaitOpen()->Close(CloseCode::kDone, "");
  hall->WaitVisitor(0)->WaitClosed();
  const auto third = Connect();
  EXPECT_NE(third->WaitOpen(), nullptr);
}

TEST_F(Http, WhoSaysNothingLosesThePlaceInTime) {
  LinkOptions hasty;
  hasty.open_timeout_ms = 50;
  Listen(hasty, 1);
  RawPeer silent = RawPeer::To(port);
  EXPECT_EQ(silent.HearAll(), "");
  EXPECT_NE(Connect()->WaitOpen(), nullptr);
}

TEST_F(Http, VisitorsThatVanishGiveTheirPlacesBack) {
  Listen({}, 3);
  for (int i = 0; i < 50; ++i) RawPeer::To(port).Vanish();
  // Some may not be known to be gone yet; in the end all are.
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::string answer;
  while (answer.find("200 OK") == std::string::npos && std::chrono::steady_clock::now() < until) {
    answer = Get("/health");
  }
  ExpectAnswer(answer, 200, "ok");
}

}  // namespace
}  // namespace rejoin::testing
