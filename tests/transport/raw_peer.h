// A peer that speaks TCP and nothing else, so that a test can say byte by byte what
// a broken or a foreign one would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rejoin::testing {

class RawPeer {
 public:
  // A client of 127.0.0.1:port.
  static RawPeer To(std::uint16_t port);
  RawPeer(RawPeer&& from) noexcept;
  RawPeer& operator=(RawPeer&&) = delete;
  ~RawPeer();

  void Say(std::string_view bytes);
  // Until `end` has come, or the other side hung up, or nothing came for a minute.
  std::string HearUntil(std::string_view end);
  std::string HearAll() { return HearUntil({}); }
  // The next frame's payload, unmasked, and its opcode; -1 where none comes.
  int HearFrame(std::string& payload);
  void HangUp();
  // As a power cut or a crash of the system looks after its restart: with a reset.
  void Vanish();

  // Plays a client up to the open WebSocket, and a server likewise.
  void OpenAsClient(const std::string& room = "room");
  void OpenAsServer();

 private:
  friend class RawListener;
  explicit RawPeer(int descriptor) : descriptor_(descriptor) {}
  bool HearExactly(std::size_t count, std::string& bytes);
  int descriptor_;
};

// Listens on 127.0.0.1; the port is free until then.
class RawListener {
 public:
  RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;
  ~RawListener();
  RawPeer Accept();
  std::uint16_t port() const { return port_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

// The answer that opens the WebSocket which the request asks for.
std::string AnswerTo(const std::string& request, const std::string& more_fields);

// One frame of a WebSocket (RFC 6455, section 5.2), masked with zeros for a client.
std::string WireFrame(int opcode, std::string_view payload, bool masked, bool final = true);

}  // namespace rejoin::testing
