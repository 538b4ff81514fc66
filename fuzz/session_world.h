// Three peers with memory stores, a link between each two of them, and a session at each
// of its ends. The second of two is the server; the last peer keeps the time, as a hub.
//
// A link is *clean* as long as it carries every frame once, whole and in order. The world
// is *honest* until a session has accepted a frame that no session had made for it.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>

#include "replica/session.h"
#include "store/memory/memory_store.h"
#include "tests/store/fakes.h"

namespace rejoin::fuzz {

class SessionWorld {
 public:
  static constexpr std::size_t kPeers = 3;
  static constexpr std::size_t kEnds = 2 * kPeers;  // of links; link i joins peers i and i + 1

  SessionWorld();

  // --- What an input may do: `end` is one of kEnds -----------------------------------------

  // One row written by a peer.
  void Write(std::size_t peer, std::size_t kind, std::size_t key, std::int64_t number);
  // A row whose bytes take several chunks.
  void WriteLarge(std::size_t peer);
  // The frames that a session has are put on their way.
  void Send(std::size_t end);
  // The next frame arrives. A session that is over hears nothing.
  void Deliver(std::size_t end);
  // The frame that arrived last, again.
  void Repeat(std::size_t end);
  void Drop(std::size_t end);
  // The next two frames change places.
  void Swap(std::size_t end);
  // A bit of the next frame is flipped.
  void Damage(std::size_t end, std::size_t bit);
  // The same by who makes a checksum that fits.
  void Forge(std::size_t end, std::size_t bit);
  void DeliverBytes(std::size_t end, ByteView bytes);
  void Slice(std::size_t end);
  void Probe(std::size_t end);
  // A new conversation; what is on its way is lost.
  void Reconnect(std::size_t link);
  void PassTime(std::uint64_t ms) { clock_.wall_ms += ms; }
  void SetAhead(std::size_t peer, std::int64_t ahead_ms) { peers_[peer]->own_clock.ahead_ms = ahead_ms; }

  // --- What holds afterwards ------------------------------------------------------------

  bool honest() const { return honest_; }
  // Fresh sessions until there is nothing to say. Where the world is honest, all stores
  // are equal then, and no session ended or found a difference.
  void Settle();

 private:
  struct Peer {
    Peer(std::size_t number, FakeClock& truth);
    OffClock own_clock;
    CorrectedClock clock;
    FakeRandom random;
    MemoryStore store;
  };
  struct End {
    std::size_t peer = 0;
    std::unique_ptr<Session> session;
    std::deque<Bytes> arriving;
    Bytes last;                  // that arrived
    bool probed = false;         // since the session's frames were taken
  };

  End& Other(std::size_t end) { return ends_[end ^ 1]; }
  bool IsClean(std::size_t end) const { return honest_ && clean_[end / 2]; }
  Instant Now(const End& end);
  SessionOptions OptionsOf(std::size_t end);
  void Take(std::size_t end, const Bytes& frame, bool is_genuine);
  bool CarryAll(std::size_t link);
  void RequireEqual();

  FakeClock clock_;
  std::array<std::unique_ptr<Peer>, kPeers> peers_;
  std::array<End, kEnds> ends_;
  std::array<bool, kPeers> clean_{};  // by link
  std::size_t large_ = 0;
  bool honest_ = true;
};

}  // namespace rejoin::fuzz
