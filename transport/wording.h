// What is said of a link that ends, in one place: the errors that handlers get, and
// the reasons that peers are told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "transport/link.h"

namespace rejoin {

// Close codes that only the WebSocket itself gives (RFC 6455, section 7.4.1).
inline constexpr std::uint16_t kCloseUnsupportedData = 1003;
inline constexpr std::uint16_t kCloseNotUtf8 = 1007;
inline constexpr std::uint16_t kCloseTooBig = 1009;

// The text as one line of UTF-8 of at most `max_bytes`: what is no character becomes
// a question mark, what controls a terminal a space.
std::string OneLine(std::string_view text, std::size_t max_bytes);

// The peer closed with this code and reason; code 0: without any.
Error ClosedByPeer(const std::string& peer, std::uint16_t code, std::string_view reason);
Error ClosedHere(const std::string& peer, std::string_view reason);
// The answer to a handshake was a page and no WebSocket.
Error AnsweredPage(const std::string& peer, unsigned status, std::string_view body);
Error NotWebSocket(const std::string& peer);
Error WithoutSubprotocol(const std::string& peer);
Error SentText(const std::string& peer);
Error SentTooMuch(const std::string& peer, std::size_t max_bytes);
Error BrokeProtocol(const std::string& peer);
// `why`: the system's words.
Error WasCut(const std::string& peer, std::string_view why);
Error DidNotOpen(const std::string& peer, std::uint64_t timeout_ms);
Error IsSilent(const std::string& peer, std::uint64_t silence_ms);

// How a visitor that is refused for this is told so.
CloseCode CloseCodeOf(const Error& refusal);

}  // namespace rejoin
