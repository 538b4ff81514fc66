#include "transport/url.h"

#include <charconv>

namespace rejoin {
namespace {

constexpr std::string_view kScheme = "ws://";
constexpr std::string_view kSecureScheme = "wss://";
constexpr std::string_view kRight = "; a right one is ws://host:8787/room";

tl::unexpected<Error> BadUrl(std::string_view text, std::string_view what) {
  return Fail(Code::kInvalidArgument,
              "the URL " + std::string(text) + " " + std::string(what) + std::string(kRight));
}

bool IsVisible(char byte) {
  return static_cast<unsigned char>(byte) > ' ' && static_cast<unsigned char>(byte) != 0x7f;
}

// Takes the host off the front of what stands between scheme and room.
bool TakeHost(std::string_view& authority, std::string& host) {
  const bool bracketed = !authority.empty() && authority.front() == '[';
  const std::size_t end = authority.find(bracketed ? ']' : ':');
  if (bracketed && end == std::string_view::npos) return false;
  host = authority.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  authority.remove_prefix(end == std::string_view::npos ? authority.size()
                                                        : end + (bracketed ? 1 : 0));
  if (bracketed && host.find(':') == std::string::npos) return false;
  return !host.empty() && host.size() <= kMaxHostBytes;
}

// The port behind a colon, or the default where nothing is left.
bool ReadPort(std::string_view rest, std::uint16_t& port) {
  if (rest.empty()) return true;
  rest.remove_prefix(1);  // the colon, or a byte in its place that spoils the number
  const char* const end = rest.data() + rest.size();
  const auto read = std::from_chars(rest.data(), end, port);
  return read.ec == std::errc() && read.ptr == end && port != 0;
}

}  // namespace

std::string Url::HostPort() const {
  const bool literal = host.find(':') != std::string::npos;
  return (literal ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::Text() const { return std::string(kScheme) + HostPort() + "/" + room; }

Status CheckRoom(std::string_view room) {
  if (room.empty()) {
    return Fail(Code::kInvalidArgument, "the URL names no room" + std::string(kRight));
  }
  if (room.size() > kMaxRoomBytes) {
    return Fail(Code::kInvalidArgument,
                "the room of the URL has " + std::to_string(room.size()) + " bytes; at most " +
                    std::to_string(kMaxRoomBytes) + " are possible");
  }
  for (const char byte : room) {
    if (!IsVisible(byte) || byte == '?' || byte == '#') {
      return Fail(Code::kInvalidArgument,
                  "the room of the URL holds a space, a control character, ? or #; write it with "
                  "% and two digits" + std::string(kRight));
    }
  }
  return {};
}

Result<Url> ParseUrl(std::string_view text) {
  if (text.substr(0, kSecureScheme.size()) == kSecureScheme) {
    return Fail(Code::kUnsupported, "the URL " + std::string(text) +
                                        " asks for TLS, which this version does not speak; use "
                                        "ws:// within a network that you trust, or a tunnel");
  }
  if (text.substr(0, kScheme.size()) != kScheme) return BadUrl(text, "does not begin with ws://");
  std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  const std::string_view path = slash == std::string_view::npos ? "" : rest.substr(slash);

  for (const char byte : authority) {
    if (!IsVisible(byte)) return BadUrl(text, "has a space or a control character in its host");
  }
  if (authority.find('@') != std::string_view::npos) {
    // Not shown: it may be a secret.
    return Fail(Code::kInvalidArgument, "the URL holds a user name, which has no place there" +
                                            std::string(kRight));
  }
  Url url;
  if (!TakeHost(authority, url.host)) return BadUrl(text, "names no host");
  if ((!authority.empty() && authority.front() != ':') || !ReadPort(authority, url.port)) {
    return BadUrl(text, "has a port that is no number from 1 to 65535");
  }
  if (!path.empty() && path.front() != '/') return BadUrl(text, "has no / behind its host");
  url.room = path.empty() ? path : path.substr(1);
  REJOIN_TRY(CheckRoom(url.room));
  return url;
}

}  // namespace rejoin
