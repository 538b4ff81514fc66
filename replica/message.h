// What replicas say to each other, and its bytes: docs/protocol.md.
//
// A frame is one message. A reader trusts nothing: every field is bounded, and a frame
// that is not exactly one well-formed message is kProtocol.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "store/sync_store.h"

namespace rejoin {

inline constexpr std::uint32_t kProtocolVersion = 1;
// Of a Part's bytes. Together with what stands before them a frame stays below 1 MiB,
// which is what links take by default.
inline constexpr std::size_t kMaxChunkBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxNameBytes = 200;
inline constexpr std::size_t kMaxReasonBytes = 1000;
// Entries of a vector that is sent: 240 KB. Who has more is asked for another way later.
inline constexpr std::size_t kMaxVectorEntries = 10'000;

// The first message of both sides.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::uint64_t must_understand = 0;  // feature bits; none are known yet
  std::uint64_t may_ignore = 0;
  ReplicaId replica;
  RoomId room;            // all zero: not fixed yet
  std::uint64_t scope = 0;  // 0: everything; others are reserved
  std::uint64_t wall_ms = 0;
  bool durable = false;   // its acknowledgements are
  bool keeps_time = false;  // its clock is one that others may correct theirs by
  // A first sync is wished in parts of about so many bytes; 0: as it suits the sender.
  std::uint64_t part_bytes = 0;
  std::string name;       // for people, at most kMaxNameBytes
  std::string software;   // likewise: "rejoin 0.1.0"
};

// "Send me what I lack": the state of the asker. Answered by parts, for as long as the
// conversation lasts. May be said again, when the asker could not join a part.
struct Ask {
  std::uint64_t number = 0;  // counts from 1
  RoomId room;           // since the Hellos: who made it tells it here
  ResumePoint point;     // in the other's order; empty: none, or not known there
  VersionVector vector;  // what the asker covers
};

// A piece of a part (store/sync_store.h). Pieces of a part follow each other.
struct Chunk {
  std::uint64_t part = 0;  // counts from 1 in each direction
  std::uint64_t ask = 0;   // the number of the Ask that it answers; on the first
  bool first = false;
  bool last = false;
  bool partial = false;    // of a first sync: see PartReport; on the last
  bool more = false;       // another part follows at once; on the last
  bool nothing = false;    // there are no bytes: only the point moves; first and last
  ResumePoint from;        // on the first
  ResumePoint until;       // on the last
  std::uint64_t done_permille = 0;  // of the first sync, roughly, where more follows; on the last
  ByteView bytes;          // points into the frame
};

// The part was joined, and if `durable` survives a power cut.
struct Ack {
  std::uint64_t part = 0;
  bool durable = false;
};

// "Tell me when I have what you have now": answered by an Echo behind the last part of it.
struct Probe {
  std::uint64_t number = 0;  // counts from 1; a later one stands for those before
};

struct Echo {
  std::uint64_t number = 0;  // of the Probe
};

// Whether both hold the same, who cover the same. See session_compare.cc.
struct Compare {
  enum class Kind : std::uint8_t { kQuestion = 1, kAnswer = 2, kNoAnswer = 3 };
  Kind kind = Kind::kQuestion;
  // Not in kNoAnswer.
  std::uint64_t vector = 0;  // XXH3 of the sender's version vector, as an Ask has it
  Digest digest;
};

// The sender closes, and says why.
struct Bye {
  Code code = Code::kInternal;
  std::string reason;  // at most kMaxReasonBytes
};

using Message = std::variant<Hello, Ask, Chunk, Ack, Bye, Probe, Echo, Compare>;

// A frame. Longer texts are cut.
Bytes EncodeMessage(const Message& message);
// The message's views point into `frame`.
Result<Message> DecodeMessage(ByteView frame);

// The bytes of a message with their checksum behind them, which makes a frame of them.
Bytes Sealed(Bytes message);

}  // namespace rejoin
