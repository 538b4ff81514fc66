// A Link is one open byte path to a peer that carries whole binary frames, in
// order, in both directions. Behind it is a WebSocket (RFC 6455) that speaks the
// subprotocol kSubprotocol; who uses it sees frames only.
//
// Threads: every method of a Link may be called from any thread, and none blocks.
// Every event of a LinkHandler comes on the thread of the Network (network.h), one
// after another, and never from within a call to a Link.
//
// Both directions push back. Send refuses what would pass the queue's limit, and
// OnWritable tells when there is room again; PauseReading leaves the peer's bytes
// in the kernel, so that TCP slows the peer down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/codec.h"
#include "base/status.h"

namespace rejoin {

inline constexpr std::string_view kSubprotocol = "rejoin.1";

// What a queued frame counts beyond its bytes, so that empty ones are bounded too.
inline constexpr std::size_t kQueuedFrameOverheadBytes = 64;
// A close frame holds 123 bytes of reason; what is longer is cut between characters.
inline constexpr std::size_t kMaxCloseReasonBytes = 120;

inline constexpr std::size_t kLargestFrameBytes = std::size_t{1} << 28;

struct LinkOptions {
  // Either way. Deltas are cut into frames of this size at most: small enough that
  // a slow line is not held by one frame for long, and that 10,000 peers that send
  // nonsense cost 10 GB at worst and not more. At most kLargestFrameBytes.
  std::size_t max_frame_bytes = std::size_t{1} << 20;
  // Of frames that wait for the peer. At least one frame fits whatever it says.
  std::size_t max_queue_bytes = std::size_t{8} << 20;
  // From Connect to OnOpen, or from accepting a socket to the end of its handshake.
  std::uint64_t open_timeout_ms = 10'000;
  // A side that has sent nothing for so long sends a ping: address translators
  // forget connections that are silent for 30 s.
  std::uint64_t ping_after_ms = 25'000;
  // A peer that was not heard of for so long, while we were reading, is gone. More
  // than two pings, so that one that is late does no harm.
  std::uint64_t silence_ms = 60'000;
  // From the beginning of a close to the end of the connection, whatever the peer
  // does: to hand over what is queued, and for the peer's answer.
  std::uint64_t close_timeout_ms = 5'000;
};

// What the peer is told when a link closes (RFC 6455, section 7.4.1), and what kind
// of error its OnClosed then gets.
enum class CloseCode : std::uint16_t {
  kDone = 1000,       // nothing is left to say: kNetwork
  kGoingAway = 1001,  // this program ends; another one may answer later: kNetwork
  kProtocol = 1002,   // the peer broke the protocol: kProtocol
  kRefused = 1008,    // the peer may not do what it asked for: kRefused
  kTryLater = 1013,   // too busy, or the peer too slow: kNetwork
};

// What happens to frames that are still queued when a link is closed.
enum class Unsent { kFlush, kDrop };

enum class Sent {
  kQueued,
  kFull,      // nothing was queued; OnWritable comes when there is room
  kTooLarge,  // larger than max_frame_bytes: our own mistake
  kClosed,    // the link is closed or closing
};

class Link {
 public:
  virtual ~Link() = default;

  // Queues the frame; many links may share it. Frames queued before OnOpen follow it.
  virtual Sent Send(std::shared_ptr<const Bytes> frame) = 0;
  // Of frames that were not handed to the kernel yet, with their overhead.
  virtual std::size_t QueuedBytes() const = 0;

  // After PauseReading, called on the network's thread, no OnFrame comes until
  // ResumeReading; called elsewhere, one may still be on its way. They do not nest.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;

  // No OnFrame comes after it on the network's thread; OnClosed comes within
  // close_timeout_ms. Later calls do nothing. Before OnOpen it gives the attempt up.
  virtual void Close(CloseCode code, std::string_view reason, Unsent unsent = Unsent::kFlush) = 0;

  // As a person would write it: host:port of the URL, or the address of who came.
  virtual const std::string& peer() const = 0;
  // The path of the URL without its first slash.
  virtual const std::string& room() const = 0;
};

// What happens on a link. A handler must neither block nor throw; one that throws
// all the same loses its link. The network holds it until OnClosed has returned.
class LinkHandler {
 public:
  virtual ~LinkHandler() = default;
  // At most once, and before every other event but OnClosed.
  virtual void OnOpen(const std::shared_ptr<Link>& link) = 0;
  virtual void OnFrame(Bytes frame) = 0;
  // Once after a Send that said kFull, when half of the queue is free.
  virtual void OnWritable() {}
  // Exactly once, the last event; also where the link never opened, or was closed
  // from here. The message names the peer.
  //   kNetwork   cannot be reached, was cut, is silent, or went away; or closed here
  //   kProtocol  is no WebSocket, no rejoin.1, or broke the protocol; the peer may
  //              have said that we did
  //   kRefused   the peer closed the link, or refused it, and said why
  //   kInvalidArgument  the room is none (url.h)
  //   kNoMemory, kInternal  the link could not go on here
  virtual void OnClosed(const Error& why) = 0;
};

}  // namespace rejoin
