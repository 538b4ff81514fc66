#include "tests/transport/raw_peer.h"

#include <array>
#include <utility>

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace rejoin::testing {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void LimitWaiting(int descriptor) {
  const timeval minute{60, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof minute);
}

// SHA-1 (FIPS 180-4), only for the answer to a handshake.
std::array<std::uint32_t, 5> Sha1(std::string text) {
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  text.push_back('\x80');
  while (text.size() % 64 != 56) text.push_back('\0');
  for (int shift = 56; shift >= 0; shift -= 8) text.push_back(static_cast<char>(bits >> shift));
  std::array<std::uint32_t, 5> hash = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  const auto turn = [](std::uint32_t value, int by) { return (value << by) | (value >> (32 - by)); };
  for (std::size_t at = 0; at < text.size(); at += 64) {
    std::array<std::uint32_t, 80> word{};
    for (std::size_t i = 0; i < 80; ++i) {
      if (i >= 16) word[i] = turn(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
      for (std::size_t b = 0; i < 16 && b < 4; ++b) {
        word[i] = word[i] << 8 | static_cast<unsigned char>(text[at + 4 * i + b]);
      }
    }
    auto [a, b, c, d, e] = hash;
    for (std::size_t i = 0; i < 80; ++i) {
      const std::uint32_t f = i < 20   ? (b & c) | (~b & d)
                              : i < 40 ? b ^ c ^ d
                              : i < 60 ? (b & c) | (b & d) | (c & d)
                                       : b ^ c ^ d;
      constexpr std::array<std::uint32_t, 4> kRound = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
      const std::uint32_t next = turn(a, 5) + f + e + kRound[i / 20] + word[i];
      e = std::exchange(d, std::exchange(c, turn(std::exchange(b, std::exchange(a, next)), 30)));
    }
    hash = {hash[0] + a, hash[1] + b, hash[2] + c, hash[3] + d, hash[4] + e};
  }
  return hash;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = at; i < at + 3; ++i) {
      three = three << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
    }
    for (int shift = 18; shift >= 0; shift -= 6) text.push_back(kDigits[three >> shift & 63]);
  }
  for (std::size_t pad = (3 - bytes.size() % 3) % 3; pad > 0; --pad) text[text.size() - pad] = '=';
  return text;
}

std::string AnswerToKey(const std::string& key) {
  std::string digest;
  for (const std::uint32_t word : Sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) {
    for (int shift = 24; shift >= 0; shift -= 8) digest.push_back(static_cast<char>(word >> shift));
  }
  return Base64(digest);
}

}  // namespace

RawPeer RawPeer::To(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LimitWaiting(descriptor);
  const sockaddr_in address = Loopback(port);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return RawPeer(descriptor);
}

RawPeer::RawPeer(RawPeer&& from) noexcept : descriptor_(std::exchange(from.descriptor_, -1)) {}

RawPeer::~RawPeer() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RawPeer::Say(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the other side has hung up, which may be what the test is about
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string RawPeer::HearUntil(std::string_view end) {
  std::string heard;
  char byte = 0;
  while (::recv(descriptor_, &byte, 1, 0) == 1) {
    heard.push_back(byte);
    if (!end.empty() && heard.size() >= end.size() &&
        heard.compare(heard.size() - end.size(), end.size(), end) == 0) {
      break;
    }
  }
  return heard;
}

bool RawPeer::HearExactly(std::size_t count, std::string& bytes) {
  bytes.assign(count, '\0');
  return ::recv(descriptor_, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

int RawPeer::HearFrame(std::string& payload) {
  std::string head;
  std::string longer;
  std::string mask(4, '\0');
  if (!HearExactly(2, head)) return -1;
  std::uint64_t size = head[1] & 0x7f;
  if (size >= 126) {
    if (!HearExactly(size == 126 ? 2 : 8, longer)) return -1;
    size = 0;
    for (const char byte : longer) size = size << 8 | static_cast<unsigned char>(byte);
  }
  if ((head[1] & 0x80) != 0 && !HearExactly(4, mask)) return -1;
  if (size != 0 && !HearExactly(size, payload)) return -1;
  if (size == 0) payload.clear();
  for (std::size_t at = 0; at < payload.size(); ++at) {
    payload[at] = static_cast<char>(payload[at] ^ mask[at % 4]);
  }
  return head[0] & 0x0f;
}

void RawPeer::HangUp() { ::shutdown(descriptor_, SHUT_RDWR); }

void RawPeer::Vanish() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
}

void RawPeer::OpenAsClient(const std::string& room) {
  Say("GET /" + room + " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: chat, rejoin.1\r\n\r\n");
  const std::string answer = HearUntil("\r\n\r\n");
  EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 101") << answer;
  // The pair of key and answer is the example of RFC 6455, section 1.3.
  EXPECT_NE(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << answer;
  EXPECT_NE(answer.find("Sec-WebSocket-Protocol: rejoin.1\r\n"), std::string::npos) << answer;
}

void RawPeer::OpenAsServer() {
  Say(AnswerTo(HearUntil("\r\n\r\n"), "Sec-WebSocket-Protocol: rejoin.1\r\n"));
}

std::string AnswerTo(const std::string& request, const std::string& more_fields) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(kName) + kName.size();
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
         more_fields + "Sec-WebSocket-Accept: " +
         AnswerToKey(request.substr(at, request.find("\r\n", at) - at)) + "\r\n\r\n";
}

RawListener::RawListener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  LimitWaiting(descriptor_);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(descriptor_, 16), 0);
  EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

RawListener::~RawListener() { ::close(descriptor_); }

RawPeer RawListener::Accept() {
  const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(descriptor, 0) << "nobody connected";
  LimitWaiting(descriptor);
  return RawPeer(descriptor);
}

std::string WireFrame(int opcode, std::string_view payload, bool masked, bool final) {
  std::string frame(1, static_cast<char>((final ? 0x80 : 0) | opcode));
  const int mask = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(mask | static_cast<int>(payload.size())));
  } else {
    const bool is_short = payload.size() < 65536;
    frame.push_back(static_cast<char>(mask | (is_short ? 126 : 127)));
    for (int shift = is_short ? 8 : 56; shift >= 0; shift -= 8) {
      frame.push_back(static_cast<char>(std::uint64_t{payload.size()} >> shift));
    }
  }
  if (masked) frame.append(4, '\0');
  return frame.append(payload);
}

}  // namespace rejoin::testing
