#include "replica/message.h"

#include <algorithm>

#include "base/hash.h"

namespace rejoin {
namespace {

enum class Type : std::uint8_t {
  kHello = 1,
  kAsk = 2,
  kChunk = 3,
  kAck = 4,
  kBye = 5,
  kProbe = 6,
  kEcho = 7,
  kCompare = 8,
};

constexpr std::uint8_t kFirst = 1;
constexpr std::uint8_t kLast = 2;
constexpr std::uint8_t kPartial = 4;
constexpr std::uint8_t kMore = 8;
constexpr std::uint8_t kNothing = 16;
constexpr std::uint8_t kAllChunkFlags = kFirst | kLast | kPartial | kMore | kNothing;

constexpr std::uint8_t kDurable = 1;
constexpr std::uint8_t kKeepsTime = 2;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::uint64_t kChecksumSeed = 0x6672616d65;  // "frame"

tl::unexpected<Error> Malformed(const char* message) {
  return Fail(Code::kProtocol, std::string("the peer sent a malformed ") + message +
                                   " message; check that the URL leads to a Rejoin hub or device");
}

void PutText(Bytes& out, ByteView text, std::size_t max_bytes) {
  PutBytes(out, text.substr(0, max_bytes));
}

void PutFlag(Bytes& out, std::uint8_t flags) { out.push_back(static_cast<char>(flags)); }

// --- Writing ---------------------------------------------------------------------

struct Writer {
  Bytes out;

  void Begin(Type type) { PutFlag(out, static_cast<std::uint8_t>(type)); }
  void PutRoom(const RoomId& room) {
    out.append(reinterpret_cast<const char*>(room.bytes.data()), room.bytes.size());
  }

  void operator()(const Hello& hello) {
    Begin(Type::kHello);
    PutVarint(out, hello.version);
    PutVarint(out, hello.must_understand);
    PutVarint(out, hello.may_ignore);
    out.append(hello.replica.View());
    PutRoom(hello.room);
    PutVarint(out, hello.scope);
    PutVarint(out, hello.wall_ms);
    PutFlag(out, static_cast<std::uint8_t>((hello.durable ? kDurable : 0) |
                                           (hello.keeps_time ? kKeepsTime : 0)));
    PutVarint(out, hello.part_bytes);
    PutText(out, hello.name, kMaxNameBytes);
    PutText(out, hello.software, kMaxNameBytes);
  }
  void operator()(const Ask& ask) {
    Begin(Type::kAsk);
    PutVarint(out, ask.number);
    PutRoom(ask.room);
    PutBytes(out, ask.point);
    PutVarint(out, ask.vector.entries().size());
    for (const auto& [replica, time] : ask.vector.entries()) {
      out.append(replica.View());
      PutFixed64(out, time.value);
    }
  }
  void operator()(const Chunk& chunk) {
    Begin(Type::kChunk);
    const auto flag = [](bool set, std::uint8_t bit) { return set ? bit : std::uint8_t{0}; };
    PutFlag(out, static_cast<std::uint8_t>(flag(chunk.first, kFirst) | flag(chunk.last, kLast) |
                                           flag(chunk.partial, kPartial) | flag(chunk.more, kMore) |
                                           flag(chunk.nothing, kNothing)));
    PutVarint(out, chunk.part);
    if (chunk.first) {
      PutVarint(out, chunk.ask);
      PutBytes(out, chunk.from);
    }
    if (chunk.last) PutBytes(out, chunk.until);
    if (chunk.more) PutVarint(out, chunk.done_permille);
    out.append(chunk.bytes);
  }
  void operator()(const Ack& ack) {
    Begin(Type::kAck);
    PutVarint(out, ack.part);
    PutFlag(out, ack.durable ? kDurable : 0);
  }
  void operator()(const Bye& bye) {
    Begin(Type::kBye);
    PutVarint(out, static_cast<std::uint64_t>(bye.code));
    PutText(out, bye.reason, kMaxReasonBytes);
  }
  void operator()(const Probe& probe) {
    Begin(Type::kProbe);
    PutVarint(out, probe.number);
  }
  void operator()(const Echo& echo) {
    Begin(Type::kEcho);
    PutVarint(out, echo.number);
  }
  void operator()(const Compare& compare) {
    Begin(Type::kCompare);
    PutFlag(out, static_cast<std::uint8_t>(compare.kind));
    if (compare.kind == Compare::Kind::kNoAnswer) return;
    PutFixed64(out, compare.vector);
    compare.digest.Put(out);
  }
};

// --- Reading ---------------------------------------------------------------------

std::string ReadText(ByteReader& reader, std::size_t max_bytes) {
  const ByteView text = reader.LengthPrefixed();
  if (text.size() > max_bytes) reader.MarkFailed();
  return std::string(text);
}

ReplicaId ReadReplicaId(ByteReader& reader) {
  const auto id = ReplicaId::FromBytes(reader.Raw(kIdBytes));
  if (!id) reader.MarkFailed();
  return id.value_or(ReplicaId());
}

RoomId ReadRoom(ByteReader& reader) {
  RoomId room;
  const ByteView bytes = reader.Raw(room.bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.bytes.begin());
  return room;
}

ResumePoint ReadResumePoint(ByteReader& reader) {
  return ReadText(reader, kMaxResumePointBytes);
}

// A newer version may say more than we can read: it is told from what comes first.
Result<Message> ReadHello(ByteReader& reader) {
  Hello hello;
  hello.version = static_cast<std::uint32_t>(reader.VarintUpTo(UINT32_MAX));
  if (!reader.ok()) return Malformed("Hello");
  if (hello.version != kProtocolVersion) {
    return Fail(Code::kProtocol, "the peer speaks version " + std::to_string(hello.version) +
                                     " of the protocol, this one version " +
                                     std::to_string(kProtocolVersion) + "; update the older one");
  }
  hello.must_understand = reader.Varint();
  hello.may_ignore = reader.Varint();
  hello.replica = ReadReplicaId(reader);
  hello.room = ReadRoom(reader);
  hello.scope = reader.Varint();
  hello.wall_ms = reader.Varint();
  const std::uint8_t flags = reader.Byte();
  hello.durable = (flags & kDurable) != 0;
  hello.keeps_time = (flags & kKeepsTime) != 0;
  hello.part_bytes = reader.Varint();
  hello.name = ReadText(reader, kMaxNameBytes);
  hello.software = ReadText(reader, kMaxNameBytes);
  if (!reader.AtEnd()) return Malformed("Hello");
  if (hello.must_understand != 0 || hello.scope != 0) {
    return Fail(Code::kProtocol, "the peer uses a feature of the protocol that this version does not "
                                 "know; update Rejoin here");
  }
  return Message(std::move(hello));
}

Result<Message> ReadAsk(ByteReader& reader) {
  Ask ask;
  ask.number = reader.Varint();
  ask.room = ReadRoom(reader);
  ask.point = ReadResumePoint(reader);
  const std::uint64_t count = reader.VarintUpTo(kMaxVectorEntries);
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const ReplicaId replica = ReadReplicaId(reader);
    ask.vector.Raise(replica, HybridTimestamp{reader.Fixed64()});
  }
  if (!reader.AtEnd()) return Malformed("Ask");
  return Message(std::move(ask));
}

Result<Message> ReadChunk(ByteReader& reader) {
  Chunk chunk;
  const std::uint8_t flags = reader.Byte();
  chunk.first = (flags & kFirst) != 0;
  chunk.last = (flags & kLast) != 0;
  chunk.partial = (flags & kPartial) != 0;
  chunk.more = (flags & kMore) != 0;
  chunk.nothing = (flags & kNothing) != 0;
  chunk.part = reader.Varint();
  if (chunk.first) {
    chunk.ask = reader.Varint();
    chunk.from = ReadResumePoint(reader);
  }
  if (chunk.last) chunk.until = ReadResumePoint(reader);
  if (chunk.more) chunk.done_permille = reader.VarintUpTo(1000);
  chunk.bytes = reader.rest();
  const bool flags_fit = (flags & ~kAllChunkFlags) == 0 && (chunk.last || (flags & (kPartial | kMore)) == 0) &&
                         (!chunk.nothing || (chunk.first && chunk.last && chunk.bytes.empty()));
  if (!reader.ok() || !flags_fit || chunk.bytes.size() > kMaxChunkBytes) return Malformed("Chunk");
  return Message(std::move(chunk));
}

Result<Message> ReadAck(ByteReader& reader) {
  Ack ack;
  ack.part = reader.Varint();
  ack.durable = (reader.Byte() & kDurable) != 0;
  if (!reader.AtEnd()) return Malformed("Ack");
  return Message(ack);
}

Result<Message> ReadBye(ByteReader& reader) {
  Bye bye;
  bye.code = static_cast<Code>(reader.VarintUpTo(INT32_MAX));
  bye.reason = ReadText(reader, kMaxReasonBytes);
  if (!reader.AtEnd()) return Malformed("Bye");
  return Message(std::move(bye));
}

Result<Message> ReadCompare(ByteReader& reader) {
  Compare compare;
  const std::uint8_t kind = reader.Byte();
  if (kind < 1 || kind > 3) reader.MarkFailed();
  compare.kind = static_cast<Compare::Kind>(kind);
  if (compare.kind != Compare::Kind::kNoAnswer) {
    compare.vector = reader.Fixed64();
    const std::optional<Digest> digest = Digest::FromBytes(reader.Raw(Digest::kBytes));
    if (!digest) reader.MarkFailed();
    compare.digest = digest.value_or(Digest());
  }
  if (!reader.AtEnd()) return Malformed("Compare");
  return Message(compare);
}

template <class Numbered>
Result<Message> ReadNumbered(ByteReader& reader, const char* name) {
  Numbered message;
  message.number = reader.Varint();
  if (!reader.AtEnd()) return Malformed(name);
  return Message(message);
}

}  // namespace

Bytes Sealed(Bytes message) {
  PutFixed64(message, Hash64(message, kChecksumSeed));
  return message;
}

Bytes EncodeMessage(const Message& message) {
  Writer writer;
  std::visit([&writer](const auto& one) { writer(one); }, message);
  return Sealed(std::move(writer.out));
}

Result<Message> DecodeMessage(ByteView frame) {
  const ByteView message = frame.substr(0, frame.size() - std::min(frame.size(), kChecksumBytes));
  ByteReader checksum(frame.substr(message.size()));
  if (checksum.Fixed64() != Hash64(message, kChecksumSeed) || !checksum.ok()) {
    return Fail(Code::kProtocol,
                "the checksum of a message of the peer does not fit: it was damaged on its way (sync again), or the URL "
                "does not lead to a Rejoin hub or device");
  }
  ByteReader reader(message);
  switch (static_cast<Type>(reader.Byte())) {
    case Type::kHello:
      return ReadHello(reader);
    case Type::kAsk:
      return ReadAsk(reader);
    case Type::kChunk:
      return ReadChunk(reader);
    case Type::kAck:
      return ReadAck(reader);
    case Type::kBye:
      return ReadBye(reader);
    case Type::kProbe:
      return ReadNumbered<Probe>(reader, "Probe");
    case Type::kEcho:
      return ReadNumbered<Echo>(reader, "Echo");
    case Type::kCompare:
      return ReadCompare(reader);
  }
  return Fail(Code::kProtocol,
              "the peer sent a message of an unknown type; check that the URL leads to a Rejoin hub or "
              "device, and update the older side");
}

}  // namespace rejoin
