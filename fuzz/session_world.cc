#include "fuzz/session_world.h"

#include <algorithm>

#include "fuzz/require.h"
#include "tests/store/ops.h"

namespace rejoin::fuzz {
namespace {

constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 20;  // what links take
// Parts on their way, in how many pieces the large rows among them may be, and the small
// messages: what a session has for a peer that does not read.
constexpr std::size_t kMaxParts = 8;
constexpr std::size_t kMaxWaiting = kMaxParts + 4 + 12;
// Of a large row: more than a chunk.
constexpr std::size_t kLargeBytes = kMaxChunkBytes + 1000;
constexpr std::size_t kMaxLarge = 2;
constexpr std::size_t kMaxRounds = 40;
constexpr std::size_t kMaxArriving = 256;

// Nothing that compresses.
Bytes Noise(std::uint64_t seed, std::size_t count) {
  FakeRandom random(seed);
  Bytes noise;
  while (noise.size() < count) PutFixed64(noise, random.Draw64());
  return noise;
}

Key NumberedKey(std::size_t number) {
  return EncodeKey({Value::Integer(static_cast<std::int64_t>(number))});
}

void Flip(Bytes& bytes, std::size_t bit) {
  if (bytes.empty()) return;
  const std::size_t at = bit / 8 % bytes.size();
  bytes[at] = static_cast<char>(bytes[at] ^ (1 << (bit % 8)));
}

std::size_t PartsAmong(const std::deque<Bytes>& frames) {
  return static_cast<std::size_t>(std::count_if(frames.begin(), frames.end(), [](const Bytes& frame) {
    const Result<Message> message = DecodeMessage(frame);
    const auto* const chunk = message ? std::get_if<Chunk>(&*message) : nullptr;
    return chunk != nullptr && chunk->last;
  }));
}

}  // namespace

SessionWorld::Peer::Peer(std::size_t number, FakeClock& truth)
    : own_clock(truth), clock(own_clock), random(number + 1), store(TestReplicaId(number), clock, random) {}

SessionWorld::SessionWorld() {
  for (std::size_t i = 0; i < kPeers; ++i) {
    peers_[i] = std::make_unique<Peer>(i, clock_);
    Require(peers_[i]->store.DefineTable(ItemTable()).has_value(), "a table can be defined");
    Require(peers_[i]->store.DefineTable(PersonTable()).has_value(), "and another");
    ends_[2 * i].peer = i;
    ends_[2 * i + 1].peer = (i + 1) % kPeers;
  }
  // The first peer learns of the room; two servers without one would make two.
  for (std::size_t i = 1; i < kPeers; ++i) {
    RoomId room;
    room.bytes.fill(7);
    Require(peers_[i]->store.SetRoom(room).has_value(), "a room can be set");
  }
  for (std::size_t link = 0; link < kPeers; ++link) Reconnect(link);
}

Instant SessionWorld::Now(const End& end) {
  CorrectedClock& clock = peers_[end.peer]->clock;
  return {clock.SteadyMs(), clock.WallMs()};
}

SessionOptions SessionWorld::OptionsOf(std::size_t end) {
  SessionOptions options;
  options.name = std::string(1, static_cast<char>('a' + ends_[end].peer));
  options.is_server = end % 2 == 1;
  options.keeps_time = ends_[end].peer == kPeers - 1;
  options.clock = &peers_[ends_[end].peer]->clock;
  options.earliest_ms = 0;
  return options;
}

void SessionWorld::Reconnect(std::size_t link) {
  for (const std::size_t at : {2 * link, 2 * link + 1}) {
    End& end = ends_[at];
    Peer& peer = *peers_[end.peer];
    end.session = std::make_unique<Session>(peer.store, peer.random, OptionsOf(at));
    end.arriving.clear();
    end.last.clear();
    end.probed = false;
  }
  clean_[link] = true;
}

void SessionWorld::Write(std::size_t peer, std::size_t kind, std::size_t key, std::int64_t number) {
  const Row item{{"qty", N(number)}};
  const Row person{{"email", N(number)}, {"age", N(static_cast<std::int64_t>(key))}};
  const Key name = NumberedKey(key);
  const std::array<Op, 8> ops{Insert("item", name, item),
                              Update("item", name, item),
                              Delete("item", name),
                              Replace("person", name, person),
                              Update("person", name, person),
                              Delete("person", name),
                              ChangeKey("item", name, NumberedKey(key + 1)),
                              Upsert("person", name, person)};
  // A constraint may refuse it.
  static_cast<void>(peers_[peer]->store.Commit({ops[kind % ops.size()]}));
  for (End& end : ends_) {
    if (end.peer == peer) end.session->OnChange();
  }
}

void SessionWorld::WriteLarge(std::size_t peer) {
  if (large_ == kMaxLarge) return;
  ++large_;
  const Row row{{"title", Value::Blob(Noise(large_, kLargeBytes))}};
  static_cast<void>(peers_[peer]->store.Commit({Replace("item", NumberedKey(large_), row)}));
  for (End& end : ends_) {
    if (end.peer == peer) end.session->OnChange();
  }
}

void SessionWorld::Send(std::size_t at) {
  End& end = ends_[at];
  const bool was_closed = end.session->closed();
  std::size_t taken = 0;
  for (;;) {
    Result<std::optional<Bytes>> frame = end.session->NextFrame(Now(end));
    if (!frame) {
      Require(end.session->closed(), "an error ends the session");
      Require(!IsClean(at), "over clean links nothing does");
      continue;
    }
    if (!*frame) break;
    Require((*frame)->size() <= kMaxFrameBytes, "a frame is below what links take");
    Require(DecodeMessage(**frame).has_value(), "what goes out can be read");
    Require(++taken <= kMaxWaiting, "what waits for a peer is bounded");
    // A link has a bound; who meets it is cut off.
    if (Other(at).arriving.size() < kMaxArriving) {
      Other(at).arriving.push_back(std::move(**frame));
    } else {
      clean_[at / 2] = false;
    }
  }
  Require(!was_closed || taken <= 1, "who is over says one last word");
  const std::deque<Bytes>& on_its_way = Other(at).arriving;
  Require(!IsClean(at) || on_its_way.size() <= kMaxParts || PartsAmong(on_its_way) <= kMaxParts,
          "so many parts are on their way");
  end.probed = false;
}

// What no session made for this end makes the world dishonest where it is accepted.
void SessionWorld::Take(std::size_t at, const Bytes& frame, bool is_genuine) {
  End& end = ends_[at];
  Session& session = *end.session;
  if (session.closed()) return;
  const bool is_message = DecodeMessage(frame).has_value();
  const Cursor before = peers_[end.peer]->store.EndOfLog();
  if (is_message && !is_genuine) honest_ = false;
  if (!is_genuine) clean_[at / 2] = false;
  end.last = frame;
  const Status taken = session.OnFrame(frame, Now(end));
  Require(taken.has_value() != session.closed(), "an error, and nothing else, ends the session");
  Require(!session.blocked(), "nobody locks a memory store");
  if (!taken && IsClean(at)) {
    Abort("over clean links no session ends: " + taken.error().message);
  }
  const bool wrote = !(peers_[end.peer]->store.EndOfLog() == before);
  Require(is_message || (!taken && !wrote), "damage ends the session and changes nothing");
  if (!wrote) return;
  for (End& other : ends_) {
    if (other.peer == end.peer) other.session->OnChange();
  }
}

void SessionWorld::Deliver(std::size_t at) {
  End& end = ends_[at];
  if (end.arriving.empty()) return;
  const Bytes frame = std::move(end.arriving.front());
  end.arriving.pop_front();
  Take(at, frame, true);
}

// A frame again, or out of order, is still one that a session made.
void SessionWorld::Repeat(std::size_t at) {
  End& end = ends_[at];
  if (end.last.empty()) return;
  clean_[at / 2] = false;
  const Bytes frame = end.last;
  Take(at, frame, true);
}

void SessionWorld::Drop(std::size_t at) {
  End& end = ends_[at];
  if (end.arriving.empty()) return;
  clean_[at / 2] = false;
  end.arriving.pop_front();
}

void SessionWorld::Swap(std::size_t at) {
  End& end = ends_[at];
  if (end.arriving.size() < 2) return;
  clean_[at / 2] = false;
  std::swap(end.arriving[0], end.arriving[1]);
}

void SessionWorld::Damage(std::size_t at, std::size_t bit) {
  End& end = ends_[at];
  if (end.arriving.empty()) return;
  Bytes frame = std::move(end.arriving.front());
  end.arriving.pop_front();
  Flip(frame, bit);
  Take(at, frame, false);
}

void SessionWorld::Forge(std::size_t at, std::size_t bit) {
  End& end = ends_[at];
  if (end.arriving.empty()) return;
  constexpr std::size_t kChecksumBytes = 8;
  Bytes frame = std::move(end.arriving.front());
  end.arriving.pop_front();
  frame.resize(frame.size() - kChecksumBytes);
  Flip(frame, bit);
  DeliverBytes(at, Sealed(std::move(frame)));
}

void SessionWorld::DeliverBytes(std::size_t at, ByteView bytes) {
  Take(at, Bytes(bytes), false);
}

void SessionWorld::Slice(std::size_t at) {
  End& end = ends_[at];
  const Result<bool> sliced = end.session->Slice(Now(end));
  Require(sliced.has_value() || end.session->closed(), "an error ends the session");
  Require(sliced.has_value() || !IsClean(at), "over clean links nothing does");
}

void SessionWorld::Probe(std::size_t at) {
  End& end = ends_[at];
  if (std::exchange(end.probed, true)) return;
  end.session->SendProbe();
}

// --- Afterwards --------------------------------------------------------------------------

// True: there was something to do.
bool SessionWorld::CarryAll(std::size_t link) {
  bool moved = false;
  for (const std::size_t at : {2 * link, 2 * link + 1}) {
    if (ends_[at].session->WantsSlice()) Slice(at);
    Send(at);
    moved = moved || !Other(at).arriving.empty();
    while (!Other(at).arriving.empty()) Deliver(at ^ 1);
  }
  return moved;
}

void SessionWorld::Settle() {
  for (const auto& peer : peers_) peer->own_clock.ahead_ms = 0;
  // Nobody is ahead any more of what anybody stamped.
  PassTime(std::uint64_t{24} * 3600 * 1000);
  for (std::size_t link = 0; link < kPeers; ++link) Reconnect(link);
  bool moved = true;
  for (std::size_t round = 0; moved && round < kMaxRounds; ++round) {
    moved = false;
    for (std::size_t link = 0; link < kPeers; ++link) moved = CarryAll(link) || moved;
  }
  if (!honest_) return;
  Require(!moved, "it becomes quiet");
  for (const End& end : ends_) {
    Require(!end.session->closed(), "fresh sessions last");
    Require(end.session->SentAll() && end.session->ReceivedAll(), "and carry everything");
    Require(end.session->report().compared.value_or(true), "and find no difference");
  }
  RequireEqual();
}

void SessionWorld::RequireEqual() {
  MemoryStore& first = peers_.front()->store;
  for (const auto& peer : peers_) {
    Require(*peer->store.StateDigest({}) == *first.StateDigest({}), "all stores hold the same");
    Require(*peer->store.Vector() == *first.Vector(), "and cover the same");
    for (const char* const table : {"item", "person"}) {
      Require(peer->store.Shown(table) == first.Shown(table), "and show the same");
    }
    Require(peer->store.Conflicts() == first.Conflicts(), "conflicts included");
    Require(peer->store.Quarantine() == first.Quarantine(), "and what is kept aside");
  }
}

}  // namespace rejoin::fuzz
