#include "transport/url.h"

#include <gtest/gtest.h>

namespace rejoin {
namespace {

TEST(Urls, AreReadAndWritten) {
  const struct {
    const char* text;
    const char* host;
    std::uint16_t port;
    const char* room;
    const char* written;
  } kCases[] = {
      {"ws://localhost:8787/groceries", "localhost", 8787, "groceries", "ws://localhost:8787/groceries"},
      {"ws://hub.example/a/b/c", "hub.example", kDefaultPort, "a/b/c", "ws://hub.example:8787/a/b/c"},
      {"ws://10.0.0.7:1/r", "10.0.0.7", 1, "r", "ws://10.0.0.7:1/r"},
      {"ws://[::1]:65535/r", "::1", 65535, "r", "ws://[::1]:65535/r"},
      {"ws://[fe80::1]/r", "fe80::1", kDefaultPort, "r", "ws://[fe80::1]:8787/r"},
      {"ws://h/caf%C3%A9%2Fbar", "h", kDefaultPort, "caf%C3%A9%2Fbar", "ws://h:8787/caf%C3%A9%2Fbar"},
      {"ws://h//", "h", kDefaultPort, "/", "ws://h:8787//"},
  };
  for (const auto& each : kCases) {
    SCOPED_TRACE(each.text);
    const auto url = ParseUrl(each.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(url->host, each.host);
    EXPECT_EQ(url->port, each.port);
    EXPECT_EQ(url->room, each.room);
    EXPECT_EQ(url->Text(), each.written);
    EXPECT_EQ(ParseUrl(url->Text())->Text(), each.written);
  }
}

TEST(Urls, ThatAreWrongAreRefusedWithTheReasonAndARightOne) {
  const struct {
    const char* text;
    const char* words;
  } kCases[] = {
      {"", "does not begin with ws://"},
      {"groceries", "does not begin with ws://"},
      {"http://h/r", "does not begin with ws://"},
      {"WS://h/r", "does not begin with ws://"},
      {"ws://", "names no host"},
      {"ws:///r", "names no host"},
      {"ws://:8787/r", "names no host"},
      {"ws://[]/r", "names no host"},
      {"ws://[::1/r", "names no host"},
      {"ws://[localhost]/r", "names no host"},
      {"ws://::1/r", "names no host"},
      {"ws://h", "names no room"},
      {"ws://h/", "names no room"},
      {"ws://h:/r", "has a port that is no number"},
      {"ws://h:0/r", "has a port that is no number"},
      {"ws://h:65536/r", "has a port that is no number"},
      {"ws://h:80 80/r", "a space or a control character"},
      {"ws://h:-1/r", "has a port that is no number"},
      {"ws://h:8787x/r", "has a port that is no number"},
      {"ws://a:1:2/r", "has a port that is no number"},
      {"ws://[::1]8787/r", "has a port that is no number"},
      {"ws://h?q/r", "has no / behind its host"},
      {"ws://h#f", "has no / behind its host"},
      {"ws://h/r?token=1", "?"},
      {"ws://h/r#f", "#"},
      {"ws://h/a b", "a space"},
      {"ws://h/a\x7f", "a control character"},
  };
  for (const auto& each : kCases) {
    SCOPED_TRACE(each.text);
    const auto url = ParseUrl(each.text);
    ASSERT_FALSE(url) << url->Text();
    EXPECT_EQ(url.error().code, Code::kInvalidArgument);
    EXPECT_NE(url.error().message.find(each.words), std::string::npos) << url.error().message;
    EXPECT_NE(url.error().message.find("ws://host:8787/room"), std::string::npos)
        << url.error().message;
  }
}

TEST(Urls, WithSecretsAreNotRepeated) {
  const auto url = ParseUrl("ws://anna:secret@h/r");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find("secret"), std::string::npos) << url.error().message;
}

TEST(Urls, OfTlsSayThatItIsNotSpokenYet) {
  const auto url = ParseUrl("wss://h/r");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, Code::kUnsupported);
  EXPECT_NE(url.error().message.find("TLS"), std::string::npos);
}

TEST(Urls, BoundTheRoomAndTheHost) {
  EXPECT_TRUE(ParseUrl("ws://h/" + std::string(kMaxRoomBytes, 'r')));
  EXPECT_FALSE(ParseUrl("ws://h/" + std::string(kMaxRoomBytes + 1, 'r')));
  EXPECT_TRUE(ParseUrl("ws://" + std::string(kMaxHostBytes, 'h') + "/r"));
  EXPECT_FALSE(ParseUrl("ws://" + std::string(kMaxHostBytes + 1, 'h') + "/r"));
}

}  // namespace
}  // namespace rejoin
