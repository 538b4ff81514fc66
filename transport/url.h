// Where a peer is: ws://host[:port]/room
//
// The host is a name, an IPv4 address or an IPv6 literal in brackets. The room is
// the path without its first slash, 1..kMaxRoomBytes bytes, and may hold slashes;
// it is compared byte by byte and percent-encoding in it is left alone, so that
// every part of the system sees the same name. There is no user info (a token has
// a place of its own, and URLs end up in logs), no query and no fragment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rejoin {

inline constexpr std::uint16_t kDefaultPort = 8787;
// A room becomes a name of a file somewhere; 255 bytes is what those may have.
inline constexpr std::size_t kMaxRoomBytes = 200;
inline constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035

struct Url {
  std::string host;  // without brackets
  std::uint16_t port = kDefaultPort;
  std::string room;

  // host:port, with brackets where the host has colons; messages name a peer so.
  std::string HostPort() const;
  std::string Text() const;
};

// kInvalidArgument where it is no URL of ours, kUnsupported for wss://.
Result<Url> ParseUrl(std::string_view text);

// kInvalidArgument unless the bytes may be the room of a URL.
Status CheckRoom(std::string_view room);

}  // namespace rejoin
