#include "transport/wording.h"

#include <array>

namespace rejoin {
namespace {

// Of a page that is quoted: its first line says it, or nothing does.
constexpr std::size_t kMaxQuotedBytes = 120;

// Bytes of the character at the front, 0 where it is none (RFC 3629).
std::size_t CharacterBytes(std::string_view text) {
  struct Range {
    unsigned char first, last, second_first, second_last;
    std::size_t bytes;
  };
  static constexpr std::array<Range, 9> kRanges = {{{0x00, 0x7f, 0, 0, 1},
                                                    {0xc2, 0xdf, 0x80, 0xbf, 2},
                                                    {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                                    {0xe1, 0xec, 0x80, 0xbf, 3},
                                                    {0xed, 0xed, 0x80, 0x9f, 3},
                                                    {0xee, 0xef, 0x80, 0xbf, 3},
                                                    {0xf0, 0xf0, 0x90, 0xbf, 4},
                                                    {0xf1, 0xf3, 0x80, 0xbf, 4},
                                                    {0xf4, 0xf4, 0x80, 0x8f, 4}}};
  const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (const Range& range : kRanges) {
    if (byte(0) < range.first || byte(0) > range.last) continue;
    if (text.size() < range.bytes) return 0;
    if (range.bytes > 1 && (byte(1) < range.second_first || byte(1) > range.second_last)) return 0;
    for (std::size_t at = 2; at < range.bytes; ++at) {
      if ((byte(at) & 0xc0) != 0x80) return 0;
    }
    return range.bytes;
  }
  return 0;
}

bool IsControl(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

std::string Seconds(std::uint64_t ms) {
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

constexpr const char* kIsItOurs = "; does the URL lead to a Rejoin hub or device?";

std::string Quoted(std::string_view words, std::size_t max_bytes) {
  const std::string line = OneLine(words, max_bytes);
  return line.empty() ? "" : ": " + line;
}

Code CodeOfPage(unsigned status) {
  switch (status) {
    case 401: case 403: return Code::kRefused;
    case 429: case 502: case 503: case 504: return Code::kNetwork;  // a proxy, or a full hub
    default: return Code::kProtocol;
  }
}

}  // namespace

std::string OneLine(std::string_view text, std::size_t max_bytes) {
  std::string line;
  while (!text.empty()) {
    const std::size_t bytes = CharacterBytes(text);
    const std::string_view shown = bytes == 0 ? "?" : IsControl(text[0]) ? " " : text.substr(0, bytes);
    if (line.size() + shown.size() > max_bytes) break;
    line += shown;
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Error ClosedByPeer(const std::string& peer, std::uint16_t code, std::string_view reason) {
  const std::string words = Quoted(reason, kMaxCloseReasonBytes);
  switch (code) {
    case 0:
    case static_cast<std::uint16_t>(CloseCode::kDone):
      return {Code::kNetwork, peer + " closed the connection" + words};
    case static_cast<std::uint16_t>(CloseCode::kGoingAway):
      return {Code::kNetwork, peer + " is shutting down" + words};
    case static_cast<std::uint16_t>(CloseCode::kTryLater):
      return {Code::kNetwork, peer + " asks to try again later" + words};
    case static_cast<std::uint16_t>(CloseCode::kProtocol):
    case kCloseUnsupportedData:
    case kCloseNotUtf8:
      return {Code::kProtocol, peer + " says that this side broke the protocol" + words};
    case kCloseTooBig:
      return {Code::kProtocol, peer + " says that a frame was too large for it" + words};
    default:
      return {Code::kRefused, peer + " closed the connection" +
                                  (words.empty() ? " with code " + std::to_string(code) : words)};
  }
}

Error ClosedHere(const std::string& peer, std::string_view reason) {
  return {Code::kNetwork,
          "the connection to " + peer + " was closed from here" + Quoted(reason, kMaxCloseReasonBytes)};
}

Error AnsweredPage(const std::string& peer, unsigned status, std::string_view body) {
  const Code code = CodeOfPage(status);
  std::string_view line = body.substr(0, body.find_first_of("\r\n"));
  if (!line.empty() && line.back() == '.') line.remove_suffix(1);
  const bool is_markup = line.find('<') != std::string_view::npos;
  return {code, peer + " answered with HTTP status " + std::to_string(status) +
                    " and not as a WebSocket" + (is_markup ? "" : Quoted(line, kMaxQuotedBytes)) +
                    (code == Code::kProtocol ? kIsItOurs : "")};
}

Error NotWebSocket(const std::string& peer) {
  return {Code::kProtocol, peer + " answered with something that is no WebSocket" + kIsItOurs};
}

Error WithoutSubprotocol(const std::string& peer) {
  return {Code::kProtocol, peer + " is a WebSocket server that does not speak " +
                               std::string(kSubprotocol) + kIsItOurs};
}

Error SentText(const std::string& peer) {
  return {Code::kProtocol,
          peer + " sent a text frame, and " + std::string(kSubprotocol) + " has binary ones only"};
}

Error SentTooMuch(const std::string& peer, std::size_t max_bytes) {
  return {Code::kProtocol, peer + " sent a frame of more than " + std::to_string(max_bytes) +
                               " bytes, the most that is taken here"};
}

Error BrokeProtocol(const std::string& peer) {
  return {Code::kProtocol, peer + " sent bytes that break the WebSocket protocol"};
}

Error WasCut(const std::string& peer, std::string_view why) {
  return {Code::kNetwork, "the connection to " + peer + " was cut" + Quoted(why, kMaxQuotedBytes)};
}

Error DidNotOpen(const std::string& peer, std::uint64_t timeout_ms) {
  return {Code::kNetwork, "the connection to " + peer + " did not open within " +
                              Seconds(timeout_ms) + "; look at the URL and the network"};
}

Error IsSilent(const std::string& peer, std::uint64_t silence_ms) {
  return {Code::kNetwork, "nothing was heard from " + peer + " for " + Seconds(silence_ms)};
}

CloseCode CloseCodeOf(const Error& refusal) {
  switch (refusal.code) {
    case Code::kLimit: case Code::kBusy: case Code::kNetwork: return CloseCode::kTryLater;
    case Code::kProtocol: return CloseCode::kProtocol;
    default: return CloseCode::kRefused;
  }
}

}  // namespace rejoin
