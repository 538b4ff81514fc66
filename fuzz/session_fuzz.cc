// The input is a program for three peers: who writes, whose frames go out, which arrive
// whole, damaged, twice, out of order, forged or not at all, and how time passes. What
// holds meanwhile is in session_world.cc; afterwards fresh sessions make all equal, unless
// somebody accepted a forgery.
#include "fuzz/choices.h"
#include "fuzz/require.h"
#include "fuzz/session_world.h"

namespace rejoin::fuzz {
namespace {

constexpr std::size_t kMaxSteps = 400;
constexpr std::size_t kKeys = 4;
constexpr std::uint64_t kTickMs = 250;

// Of each step; the corpus is written in these (make_corpus.cc). New ones go to the end.
enum class Step : std::uint8_t {
  kSend,
  kDeliver,
  kCarry,  // both ways, some times
  kWrite,
  kWriteLarge,
  kRepeat,
  kDrop,
  kSwap,
  kDamage,
  kForge,
  kBytes,
  kSealedBytes,
  kSlice,
  kProbe,
  kReconnect,
  kPassTime,
  kSetAhead,
  kCount,
};

void Carry(SessionWorld& world, std::size_t end, std::size_t frames) {
  for (std::size_t i = 0; i < frames; ++i) {
    for (const std::size_t at : {end, end ^ 1}) {
      world.Slice(at);
      world.Send(at);
      world.Deliver(at ^ 1);
    }
  }
}

// A quarter of a minute at most, which no clock that is right is ahead of another.
std::int64_t AheadMs(std::uint8_t choice) { return (static_cast<std::int64_t>(choice) - 128) * 100; }

void Run(SessionWorld& world, Choices& choices) {
  const auto step = static_cast<Step>(choices.Below(static_cast<std::size_t>(Step::kCount)));
  const std::size_t end = choices.Below(SessionWorld::kEnds);
  const std::size_t peer = end % SessionWorld::kPeers;
  switch (step) {
    case Step::kSend: return world.Send(end);
    case Step::kDeliver: return world.Deliver(end);
    case Step::kCarry: return Carry(world, end, 1 + choices.Below(8));
    case Step::kWrite: {
      const std::size_t kind = choices.Byte();
      return world.Write(peer, kind, choices.Below(kKeys), choices.Byte());
    }
    case Step::kWriteLarge: return world.WriteLarge(peer);
    case Step::kRepeat: return world.Repeat(end);
    case Step::kDrop: return world.Drop(end);
    case Step::kSwap: return world.Swap(end);
    case Step::kDamage:
    case Step::kForge: {
      const std::size_t bit = choices.Byte() + std::size_t{256} * choices.Byte();
      return step == Step::kDamage ? world.Damage(end, bit) : world.Forge(end, bit);
    }
    case Step::kBytes: return world.DeliverBytes(end, choices.Take(choices.Byte()));
    case Step::kSealedBytes:
      return world.DeliverBytes(end, Sealed(Bytes(choices.Take(choices.Byte()))));
    case Step::kSlice: return world.Slice(end);
    case Step::kProbe: return world.Probe(end);
    case Step::kReconnect: return world.Reconnect(peer);
    case Step::kPassTime: return world.PassTime((1 + choices.Byte()) * kTickMs);
    case Step::kSetAhead: return world.SetAhead(peer, AheadMs(choices.Byte()));
    case Step::kCount: return;
  }
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace rejoin;
  fuzz::Choices choices({reinterpret_cast<const char*>(bytes), size});
  fuzz::SessionWorld world;
  for (std::size_t i = 0; i < fuzz::kMaxSteps && !choices.AtEnd(); ++i) fuzz::Run(world, choices);
  world.Settle();
  return 0;
}
