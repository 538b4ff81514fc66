// Links: frames fly, arrive, get lost; sessions begin and end.
#include <algorithm>

#include "base/hash.h"
#include "tests/sim/checker.h"
#include "tests/sim/world.h"

namespace rejoin::sim {
namespace {

constexpr std::size_t kMaxFlying = 16;  // frames in one direction; then the link is full
constexpr std::uint64_t kFirstRestMs = 100;
constexpr unsigned kMaxDoublings = 16;  // some two hours, or days of refusals would take for ever
constexpr std::uint64_t kRoundMs = 2;      // a hub gathers for so long
constexpr std::uint64_t kSlowFrameMs = 1000;
constexpr std::uint64_t kDelayMs = 5000;
constexpr std::uint64_t kGiveUpMs = 10'000;  // on a link on which a frame was lost

}  // namespace

void World::Want(std::size_t a, std::size_t b) {
  const Pair pair = std::minmax(a, b);
  if (wanted_.insert(pair).second) Wait(Due::What::kRelink, now_ms(), 0, 0, pair);
}

void World::Link(Pair pair) {
  Node* const nodes[2] = {&nodes_[pair.first], &nodes_[pair.second]};
  if (!nodes[0]->here || !nodes[1]->here) return;
  auto wire = std::make_unique<Wire>();
  wire->id = ++wires_made_;
  wire->latency_ms = 1 + random_.Draw64() % 80;
  for (std::size_t i = 0; i < 2; ++i) {
    Machine& machine = *nodes[i]->machine;
    wire->nodes[i] = nodes[i]->number;
    SessionOptions options;
    options.name = "node " + std::to_string(nodes[i]->number);
    // The side that was connected to: a hub, where there is one.
    options.is_server = i == (nodes[0]->machine->is_hub() && !nodes[1]->machine->is_hub() ? 0u : 1u);
    options.part_bytes = schedule_.part_bytes;
    options.keeps_time = machine.is_hub() && machine.place().keeps_time;
    options.clock = machine.is_hub() ? nullptr : &machine.clock();
    options.earliest_ms = kEarliestMs;
    Wire::End& end = wire->ends[i];
    end.store = StoreBetween(machine.store(), canary_);
    end.session = std::make_unique<Session>(*end.store, random_, std::move(options));
  }
  ++tally_.sessions;
  Say("nodes " + std::to_string(pair.first) + " and " + std::to_string(pair.second) + " are linked");
  wires_.push_back(std::move(wire));
  Wire& made = *wires_.back();
  const std::uint64_t id = made.id;
  Pump(made, 0);
  if (Wire* const still = WireOf(id); still != nullptr) Pump(*still, 1);
}

Wire* World::WireOf(std::uint64_t id) {
  for (const auto& wire : wires_) {
    if (wire->id == id) return wire.get();
  }
  return nullptr;
}

Wire* World::WireBetween(Pair pair) {
  for (const auto& wire : wires_) {
    if (wire->nodes[0] == pair.first && wire->nodes[1] == pair.second) return wire.get();
  }
  return nullptr;
}

// What is on its way is lost. `wire` is void then.
void World::Kill(Wire& wire, const char* why) {
  const Pair pair{wire.nodes[0], wire.nodes[1]};
  Say("the link of nodes " + std::to_string(pair.first) + " and " + std::to_string(pair.second) + " ends: " + why);
  NoteLeaving(wire);
  const bool was_of_use = wire.ends[0].session->ReceivedAll() && wire.ends[1].session->ReceivedAll();
  unsigned& failures = failures_[pair];
  failures = was_of_use ? 1 : failures + 1;
  const std::uint64_t rest = kFirstRestMs << std::min(failures, kMaxDoublings);
  const std::uint64_t id = wire.id;
  wires_.erase(std::find_if(wires_.begin(), wires_.end(), [id](const auto& each) { return each->id == id; }));
  if (wanted_.count(pair) > 0) Wait(Due::What::kRelink, now_ms() + rest, 0, 0, pair);
}

void World::KillAllOf(std::size_t node, const char* why) {
  for (std::size_t i = wires_.size(); i-- > 0;) {
    if (i < wires_.size() && (wires_[i]->nodes[0] == node || wires_[i]->nodes[1] == node)) Kill(*wires_[i], why);
  }
}

// Sessions may end meanwhile, and others begin.
void World::PumpAllOf(std::size_t node) {
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    for (std::size_t end = 0; end < 2 && i < wires_.size(); ++end) {
      if (wires_[i]->nodes[end] == node) Pump(*wires_[i], end);
    }
  }
}

// As a hub's server does it: the registry hears how far the guest is.
void World::NoteLeaving(Wire& wire) {
  for (std::size_t i = 0; i < 2; ++i) {
    RowStore* const hub = nodes_[wire.nodes[i]].machine->hub();
    const Session& session = *wire.ends[i].session;
    const auto has = session.PeerHas();
    if (hub == nullptr || !has || hub->InBatch()) continue;
    const Status noted = hub->Acknowledged(session.report().peer, has->point, has->vector, has->durable);
    // A point of a hub that was put back since is unknown to it.
    if (!noted && noted.error().code != Code::kNotCovered) Fault("registry", noted.error().message);
  }
}

// --- Out -----------------------------------------------------------------------------------

void World::Pump(Wire& wire, std::size_t end) {
  Wire::End& from = wire.ends[end];
  const std::uint64_t id = wire.id;
  while (!failed() && wire.ends[1 - end].arriving.size() < kMaxFlying) {
    auto frame = from.session->NextFrame(nodes_[wire.nodes[end]].machine->Now());
    if (!frame) {
      SessionEnded(wire, end, frame.error());
      continue;  // it has a last word for the peer
    }
    if (!*frame && !Slice(wire, end)) break;
    if (*frame) Send(wire, end, std::move(**frame));
    if (WireOf(id) == nullptr) return;
  }
  CloseIfDone(wire);
}

// When there is nothing better to do, states are compared.
bool World::Slice(Wire& wire, std::size_t end) {
  Session& session = *wire.ends[end].session;
  if (session.blocked() || !session.WantsSlice()) return false;
  const Result<bool> sliced = session.Slice(nodes_[wire.nodes[end]].machine->Now());
  if (!sliced) SessionEnded(wire, end, sliced.error());
  // Stores that cover the same hold the same, at any moment; lost frames may say otherwise.
  const SessionReport& report = session.report();
  const bool can_be_judged = !wire.hurt && !has_two_times_of_a_change_;
  if (can_be_judged && report.compared && !*report.compared) Fault("comparison", report.finding);
  return sliced.value_or(true);
}

void World::NoteSent(Wire& wire, std::size_t end, const Bytes& frame) {
  const auto message = DecodeMessage(frame);
  const Chunk* const chunk = message ? std::get_if<Chunk>(&*message) : nullptr;
  if (chunk != nullptr && chunk->last) {
    wire.ends[end].part_sent = chunk->part;
    if (chunk->partial || chunk->more) saw_parts_ = true;
  }
  for (const auto& checker : checkers_) checker->OnSent(wire, end, frame);
}

void World::Send(Wire& wire, std::size_t from, Bytes frame) {
  Mix(Hash64(frame));
  NoteSent(wire, from, frame);
  const Pair way{wire.nodes[from], wire.nodes[1 - from]};
  const auto armed = armed_.find(way);
  if (armed == armed_.end() || armed->second.empty()) return Fly(wire, 1 - from, std::move(frame), 0);
  const Event fault = armed->second.front();
  armed->second.pop_front();
  Say(std::string(NameOf(fault.kind)) + ": a frame from node " + std::to_string(way.first) + " to node " +
      std::to_string(way.second));
  switch (fault.kind) {
    case Kind::k_cut_inside:
      return Kill(wire, "cut inside a frame");
    case Kind::k_delay:
      return Fly(wire, 1 - from, std::move(frame), fault.choice % kDelayMs);
    case Kind::k_damage: {
      const std::size_t bit = static_cast<std::size_t>(fault.choice % (8 * frame.size()));
      frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << (bit % 8)));
      return Fly(wire, 1 - from, std::move(frame), 0);
    }
    default:
      break;
  }
  wire.hurt = true;
  Wait(Due::What::kKill, now_ms() + kGiveUpMs, wire.id, 0, {});
  switch (fault.kind) {
    case Kind::k_lose:
      return;
    case Kind::k_duplicate:
      Fly(wire, 1 - from, frame, 0);
      return Fly(wire, 1 - from, std::move(frame), 0);
    case Kind::k_reorder: {
      auto& arriving = wire.ends[1 - from].arriving;
      Fly(wire, 1 - from, std::move(frame), 0);
      if (arriving.size() > 1) std::swap(arriving[arriving.size() - 1], arriving[arriving.size() - 2]);
      return;
    }
    default:
      return Fly(wire, 1 - from, std::move(frame), 0);
  }
}

void World::Fly(Wire& wire, std::size_t to, Bytes frame, std::uint64_t extra_ms) {
  Wire::End& receiver = wire.ends[to];
  receiver.arriving.push_back(std::move(frame));
  receiver.last_arrival_ms = std::max(receiver.last_arrival_ms, now_ms() + wire.latency_ms + extra_ms);
  Wait(Due::What::kArrive, receiver.last_arrival_ms, wire.id, to, {});
}

// --- In ------------------------------------------------------------------------------------

std::uint64_t World::HeldUntil(std::size_t from, std::size_t to) const {
  std::uint64_t until = 0;
  for (const Silence& silence : silences_) {
    if (silence.from.count(from) > 0 && silence.to.count(to) > 0) until = std::max(until, silence.until_ms);
  }
  return until;
}

void World::Arrive(Wire& wire, std::size_t end) {
  Node& node = nodes_[wire.nodes[end]];
  const std::uint64_t held = HeldUntil(wire.nodes[1 - end], wire.nodes[end]);
  if (held > now_ms()) return Wait(Due::What::kArrive, held, wire.id, end, {});
  if (node.slow_until_ms > now_ms()) {
    if (node.next_frame_ms > now_ms()) return Wait(Due::What::kArrive, node.next_frame_ms, wire.id, end, {});
    node.next_frame_ms = now_ms() + kSlowFrameMs;
  }
  if (node.machine->is_hub()) {
    node.inbox.emplace_back(wire.id, end);
    if (!node.round_is_due) Wait(Due::What::kRound, now_ms() + kRoundMs, 0, node.number, {});
    node.round_is_due = true;
    return;
  }
  Session& session = *wire.ends[end].session;
  if (session.blocked()) {
    const Status resumed = session.Resume(node.machine->Now());
    if (!resumed) SessionEnded(wire, end, resumed.error());
    Wait(Due::What::kArrive, now_ms() + Session::kRetryMs, wire.id, end, {});
    return;
  }
  if (wire.ends[end].arriving.empty()) return;
  const Bytes frame = std::move(wire.ends[end].arriving.front());
  wire.ends[end].arriving.pop_front();
  Take(wire, end, frame);
  PassingStore& store = *wire.ends[end].store;
  const bool joined = std::exchange(store.joined, false);
  const bool corrected = std::exchange(store.corrected, false);
  const std::uint64_t id = wire.id;
  if (corrected) Changed(node, Cause::kCorrection, &session);
  if (joined) Changed(node, Cause::kJoin, &session);
  NoteTaken(wire, end, frame);
  // All sessions of a device have news then, and this one an answer.
  for (std::size_t i = 0; i < wires_.size() && (joined || corrected); ++i) {
    Wire& each = *wires_[i];
    for (std::size_t side = 0; side < 2; ++side) {
      if (each.id != id && each.nodes[side] == node.number) Pump(each, side);
    }
  }
  for (std::size_t side = 0; side < 2; ++side) {
    // Its own answer; and the link has room again.
    if (Wire* const still = WireOf(id); still != nullptr) Pump(*still, side == 0 ? end : 1 - end);
  }
}

void World::Take(Wire& wire, std::size_t end, const Bytes& frame) {
  ++tally_.deliveries;
  Mix(frame.size());
  Session& session = *wire.ends[end].session;
  const Status taken = session.OnFrame(frame, nodes_[wire.nodes[end]].machine->Now());
  if (!taken) SessionEnded(wire, end, taken.error());
}

// After the store was looked at.
void World::NoteTaken(Wire& wire, std::size_t end, const Bytes& frame) {
  const auto message = DecodeMessage(frame);
  const Ack* const ack = message ? std::get_if<Ack>(&*message) : nullptr;
  if (ack == nullptr) return;
  Wire::End& side = wire.ends[end];
  side.part_acknowledged = std::max(side.part_acknowledged, ack->part);
  for (const auto& checker : checkers_) checker->OnAck(wire, end);
}

// What a hub's thread does: joins what has come, commits, and then answers.
void World::Round(Node& node) {
  node.round_is_due = false;
  RowStore* const hub = node.machine->hub();
  if (!node.here || hub == nullptr) return;
  std::deque<std::pair<std::uint64_t, std::size_t>> inbox;
  std::swap(inbox, node.inbox);
  const Status begun = hub->BeginBatch();
  if (!begun) return Fault("hub", begun.error().message);
  std::vector<std::pair<std::pair<std::uint64_t, std::size_t>, Bytes>> taken;
  for (const auto& [id, end] : inbox) {
    Wire* const wire = WireOf(id);
    if (wire == nullptr || wire->ends[end].arriving.empty()) continue;
    Bytes frame = std::move(wire->ends[end].arriving.front());
    wire->ends[end].arriving.pop_front();
    Take(*wire, end, frame);
    Wire::End& side = wire->ends[end];
    const SessionReport& report = side.session->report();
    if (!side.greeted && report.peer != ReplicaId()) {
      side.greeted = true;
      const Status seen = hub->SawPeer(report.peer, report.peer_name, node.machine->Now().wall_ms);
      if (!seen) Fault("registry", seen.error().message);
    }
    taken.emplace_back(std::pair(id, end), std::move(frame));
  }
  if (node.dies_in_batch) {
    node.dies_in_batch = false;
    return CrashNode(node);
  }
  const Status committed = hub->CommitBatch();
  if (!committed) return Fault("hub", committed.error().message);
  Changed(node, Cause::kJoin, nullptr);
  for (const auto& [where, frame] : taken) {
    if (Wire* const wire = WireOf(where.first); wire != nullptr) NoteTaken(*wire, where.second, frame);
  }
  for (std::size_t i = wires_.size(); i-- > 0;) {
    if (i >= wires_.size()) continue;
    const std::uint64_t id = wires_[i]->id;
    if (wires_[i]->nodes[0] != node.number && wires_[i]->nodes[1] != node.number) continue;
    for (std::size_t side = 0; side < 2; ++side) {
      if (Wire* const wire = WireOf(id); wire != nullptr) Pump(*wire, side);
    }
  }
}

// --- Ends ----------------------------------------------------------------------------------

void World::SessionEnded(Wire& wire, std::size_t end, const Error& error) {
  ++tally_.session_errors;
  last_error_ = error.message;
  Say("node " + std::to_string(wire.nodes[end]) + " ends its session with node " +
      std::to_string(wire.nodes[1 - end]) + ": " + error.message);
  wire.closing = true;
  if (!any_fault_) Fault("sessions", "without any fault, a session ends: " + error.message);
}

// The last words are on their way; then the link goes.
void World::CloseIfDone(Wire& wire) {
  if (!wire.closing) return;
  const std::uint64_t last = std::max(wire.ends[0].last_arrival_ms, wire.ends[1].last_arrival_ms);
  Wait(Due::What::kKill, std::max(last, now_ms()) + 2 * kRoundMs, wire.id, 0, {});
  wire.closing = false;
}

}  // namespace rejoin::sim
