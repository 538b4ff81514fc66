// Feeds DecodeMessage what no peer wrote: as it is, which mostly ends at the checksum,
// and with a checksum that fits, which is what a forger sends. What is accepted is
// within the limits of the protocol, and comes back equal from the frame that is made
// of it.
#include <algorithm>
#include <tuple>

#include "fuzz/require.h"
#include "replica/message.h"

namespace rejoin::fuzz {
namespace {

// What stands before the bytes of a chunk: two points and some numbers.
constexpr std::size_t kMaxHeadBytes = 2 * kMaxResumePointBytes + 64;

auto Fields(const Hello& hello) {
  return std::tie(hello.version, hello.must_understand, hello.may_ignore, hello.replica,
                  hello.room.bytes, hello.scope, hello.wall_ms, hello.durable, hello.keeps_time,
                  hello.part_bytes, hello.name, hello.software);
}
auto Fields(const Ask& ask) {
  return std::tie(ask.number, ask.room.bytes, ask.point, ask.vector);
}
auto Fields(const Chunk& chunk) {
  return std::tie(chunk.part, chunk.ask, chunk.first, chunk.last, chunk.partial, chunk.more,
                  chunk.nothing, chunk.from, chunk.until, chunk.done_permille, chunk.bytes);
}
auto Fields(const Ack& ack) { return std::tie(ack.part, ack.durable); }
auto Fields(const Probe& probe) { return std::tie(probe.number); }
auto Fields(const Echo& echo) { return std::tie(echo.number); }
auto Fields(const Compare& compare) {
  return std::tie(compare.kind, compare.vector, compare.digest);
}
auto Fields(const Bye& bye) { return std::tie(bye.code, bye.reason); }

bool AreEqual(const Message& a, const Message& b) {
  return a.index() == b.index() && std::visit(
                                       [&b](const auto& one) {
                                         using Type = std::decay_t<decltype(one)>;
                                         return Fields(one) == Fields(std::get<Type>(b));
                                       },
                                       a);
}

void RequireLimits(const Hello& hello) {
  Require(hello.name.size() <= kMaxNameBytes && hello.software.size() <= kMaxNameBytes,
          "the names of a Hello are within their limit");
}
void RequireLimits(const Ask& ask) {
  Require(ask.point.size() <= kMaxResumePointBytes, "the point of an Ask is within its limit");
  Require(ask.vector.entries().size() <= kMaxVectorEntries, "so is its vector");
}
void RequireLimits(const Chunk& chunk) {
  Require(chunk.bytes.size() <= kMaxChunkBytes, "the bytes of a chunk are within their limit");
  Require(chunk.from.size() <= kMaxResumePointBytes && chunk.until.size() <= kMaxResumePointBytes,
          "so are its points");
  Require(chunk.done_permille <= 1000, "so is what is done");
  Require(!chunk.nothing || (chunk.first && chunk.last && chunk.bytes.empty()),
          "nothing is one empty piece");
}
void RequireLimits(const Bye& bye) {
  Require(bye.reason.size() <= kMaxReasonBytes, "the reason of a Bye is within its limit");
}
template <class Other>
void RequireLimits(const Other& /*has_none*/) {}

constexpr std::size_t kChecksumBytes = 8;

Bytes WithFittingChecksum(ByteView frame) {
  return Sealed(Bytes(frame.substr(0, frame.size() - std::min(frame.size(), kChecksumBytes))));
}

void Check(ByteView frame) {
  const Result<Message> message = DecodeMessage(frame);
  if (!message) {
    Require(message.error().code == Code::kProtocol, "what is no message is a fault of the peer");
    return;
  }
  Require(frame == WithFittingChecksum(frame), "no checksum that does not fit is accepted");
  std::visit([](const auto& one) { RequireLimits(one); }, *message);
  const Bytes again = EncodeMessage(*message);
  Require(again.size() <= kMaxHeadBytes + kMaxChunkBytes, "a frame is below its limit");
  const Result<Message> back = DecodeMessage(again);
  Require(back.has_value(), "what was accepted is accepted again");
  Require(AreEqual(*message, *back), "and is the same message");
  Require(EncodeMessage(*back) == again, "with one spelling");
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const rejoin::ByteView input(reinterpret_cast<const char*>(bytes), size);
  rejoin::fuzz::Check(input);
  rejoin::fuzz::Check(rejoin::fuzz::WithFittingChecksum(input));
  return 0;
}
