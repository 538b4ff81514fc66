#include "tests/model/session_world.h"

#include <algorithm>

#include "store/memory/memory_store.h"
#include "tests/store/ops.h"

namespace rejoin {
namespace {

// Takes numbers off a number.
class Dice {
 public:
  explicit Dice(std::uint64_t number) : random_(number) {}
  std::size_t Below(std::size_t count) { return static_cast<std::size_t>(random_.Draw64() % count); }

 private:
  FakeRandom random_;
};

TableDef NumberTable() {
  return {"number", {"id"}, {Column("label"), Column("amount", N(0))}, {{"label"}}, {}, true};
}

Key LetterKey(Dice& dice) { return EncodeKey({Value::Text(Bytes(1, static_cast<char>('a' + dice.Below(26))))}); }

Value SmallValue(Dice& dice) {
  const std::size_t number = dice.Below(9);
  return number == 0 ? Value::Null() : N(static_cast<std::int64_t>(number));
}

Op SmallOp(Dice& dice) {
  Op op;
  op.kind = static_cast<Op::Kind>(dice.Below(6));
  switch (dice.Below(3)) {
    case 0:
      op.table = "item";
      op.key = LetterKey(dice);
      op.new_key = LetterKey(dice);
      if (dice.Below(3) > 0) op.values["title"] = Value::Text(Bytes(dice.Below(40), 't'));
      op.values["qty"] = SmallValue(dice);
      break;
    case 1:  // UNIQUE values, so rows hide each other
      op.table = "person";
      op.key = LetterKey(dice);
      op.new_key = LetterKey(dice);
      op.values["email"] = SmallValue(dice);
      if (dice.Below(2) == 0) op.values["nick"] = SmallValue(dice);
      break;
    default:
      op.table = "number";
      op.key = EncodeKey({N(static_cast<std::int64_t>(dice.Below(12)))});
      op.new_key = EncodeKey({N(static_cast<std::int64_t>(dice.Below(12)))});
      op.values["label"] = SmallValue(dice);
      op.values["amount"] = SmallValue(dice);
  }
  return op;
}

// Sometimes a row goes and comes back in one, which may put it elsewhere.
Transaction SmallTransaction(Dice& dice) {
  Transaction ops;
  const std::size_t count = 1 + dice.Below(4);
  while (ops.size() < count) {
    Op op = SmallOp(dice);
    if (dice.Below(4) == 0) {
      op.kind = Op::Kind::kDelete;
      ops.push_back(op);
      op.kind = Op::Kind::kInsert;
    }
    ops.push_back(std::move(op));
  }
  return ops;
}

void DefineTables(MemoryStore& store) {
  for (const TableDef& table : {ItemTable(), PersonTable(), NumberTable()}) {
    (void)store.DefineTable(table);  // without it nothing is equal
  }
}

std::string DigestOf(Store& store) {
  const auto digest = store.StateDigest({});
  return digest ? digest->Hex() : digest.error().message;
}

}  // namespace

SessionWorld::SessionWorld(const WorldOptions& options) : options_(options) {
  for (const TestReplicaMaker& maker : options.devices) {
    Node& node = nodes_.emplace_back();
    node.device = maker.make(nodes_.size() - 1, clock_);
    for (const TableDef& table : {ItemTable(), PersonTable(), NumberTable()}) {
      const Status defined = node.device->Define(table, {});
      if (!defined) Fault("a table: " + defined.error().message);
    }
    node.store = dynamic_cast<SyncStore*>(&node.device->store());
  }
  for (std::size_t i = 0; i < options.hubs; ++i) {
    RowStoreOptions row_options;
    row_options.random = &random_;
    row_options.durable = false;
    row_options.max_read_bytes = 600;
    Node& node = nodes_.emplace_back();
    node.hub = std::move(*RowStore::Open(":memory:", row_options));
    node.store = node.hub.get();
  }
  // Else those that meet first in two places would be of two rooms.
  RoomId room;
  room.bytes.fill(7);
  for (Node& node : nodes_) {
    if (!node.store->SetRoom(room)) Fault("a room cannot be entered");
  }
}

SessionWorld::~SessionWorld() = default;

std::string SessionWorld::Play(const std::vector<std::uint32_t>& events) {
  for (const std::uint32_t event : events) {
    if (!fault_.empty()) return fault_;
    Do(event);
  }
  return Finish();
}

void SessionWorld::Do(std::uint32_t event) {
  Dice dice(event);
  const std::size_t what = dice.Below(20);
  const std::size_t node = dice.Below(nodes_.size());
  const std::size_t other = (node + 1 + dice.Below(nodes_.size() - 1)) % nodes_.size();
  if (what < 5) return Write(node, event);
  if (what < 7) return Connect(node, other);
  if (what < 8) return Break(node, other);
  if (what < 9) return Trim(node);
  if (what < 11) {
    Carry(dice.Below(12));
    return;
  }
  // Some frames on one link, in one direction.
  if (wires_.empty()) return Connect(node, other);
  auto wire = wires_.begin();
  std::advance(wire, static_cast<std::ptrdiff_t>(dice.Below(wires_.size())));
  const std::size_t from = dice.Below(2);
  const std::size_t frames = 1 + dice.Below(5);
  for (std::size_t i = 0; i < frames && fault_.empty(); ++i) {
    if (dice.Below(3) > 0) SendOne(*wire->second, from);
    if (dice.Below(3) > 0) ArriveOne(*wire->second, 1 - from);
    if (dice.Below(3) == 0) SliceOne(wire->second->ends[from]);
  }
}

void SessionWorld::Fault(const std::string& what) {
  if (fault_.empty()) fault_ = what;
}

// --- What devices do -----------------------------------------------------------------

void SessionWorld::Write(std::size_t device, std::uint64_t choice) {
  Node& node = nodes_[device];
  if (node.device == nullptr) return;
  clock_.wall_ms += 3;
  Dice dice(choice * 7919 + device);
  // One that breaks a constraint is taken back.
  (void)node.device->Execute(SmallTransaction(dice));
  Changed(device, nullptr);
}

void SessionWorld::Trim(std::size_t node) {
  if (nodes_[node].device == nullptr) return;
  nodes_[node].device->TrimLog();
  Changed(node, nullptr);
}

void SessionWorld::Changed(std::size_t number, const Session* by) {
  Node& node = nodes_[number];
  const auto head = node.store->Head();
  const auto vector = node.store->Vector();
  if (!head || !vector) return Fault("a store cannot be read");
  node.history[head->position] = *vector;
  for (const auto& [ends, wire] : wires_) {
    for (End& end : wire->ends) {
      if (end.node == number && end.session.get() != by) end.session->OnChange();
    }
  }
}

// --- Links ---------------------------------------------------------------------------

SessionWorld::Wire* SessionWorld::WireOf(std::size_t a, std::size_t b) {
  const auto found = wires_.find(std::minmax(a, b));
  return found == wires_.end() ? nullptr : found->second.get();
}

void SessionWorld::Connect(std::size_t a, std::size_t b) {
  Break(a, b);
  auto wire = std::make_unique<Wire>();
  SessionOptions options;
  options.part_bytes = options_.part_bytes;
  options.slice_rows = 3;
  for (std::size_t i = 0; i < 2; ++i) {
    End& end = wire->ends[i];
    end.node = i == 0 ? std::min(a, b) : std::max(a, b);
    SyncStore* store = nodes_[end.node].store;
    if (options_.in_between) {
      end.in_between = options_.in_between(*store);
      store = end.in_between.get();
    }
    options.is_server = i == 1;
    end.session = std::make_unique<Session>(*store, random_, options);
  }
  wires_[std::minmax(a, b)] = std::move(wire);
}

// What is on its way is lost.
void SessionWorld::Break(std::size_t a, std::size_t b) { wires_.erase(std::minmax(a, b)); }

bool SessionWorld::SendOne(Wire& wire, std::size_t from) {
  End& sender = wire.ends[from];
  End& receiver = wire.ends[1 - from];
  if (receiver.arriving.size() >= kMaxFlying) return false;
  const auto frame = sender.session->NextFrame(now_);
  if (!frame) {
    Fault("a session ends: " + frame.error().message);
    return false;
  }
  if (!*frame) return false;
  const auto message = DecodeMessage(**frame);
  const Chunk* const chunk = message ? std::get_if<Chunk>(&*message) : nullptr;
  if (chunk != nullptr && chunk->last) sender.part_sent = chunk->part;
  if (sender.part_sent > sender.part_acknowledged + kMaxPartsOnTheirWay) Fault("too many parts are on their way");
  receiver.arriving.push_back(**frame);
  return true;
}

bool SessionWorld::ArriveOne(Wire& wire, std::size_t at) {
  End& end = wire.ends[at];
  if (end.session->blocked()) {
    const Status resumed = end.session->Resume(now_);
    if (!resumed) Fault("a session ends: " + resumed.error().message);
    Changed(end.node, end.session.get());
    return true;
  }
  if (end.arriving.empty()) return false;
  const Bytes frame = std::move(end.arriving.front());
  end.arriving.pop_front();
  const Status taken = end.session->OnFrame(frame, now_);
  if (!taken) Fault("a session ends: " + taken.error().message);
  const auto message = DecodeMessage(frame);
  if (const Ack* const ack = message ? std::get_if<Ack>(&*message) : nullptr) {
    end.part_acknowledged = std::max(end.part_acknowledged, ack->part);
    CheckAcknowledged(wire, at);
  } else {
    Changed(end.node, end.session.get());
  }
  return true;
}

bool SessionWorld::SliceOne(End& end) {
  if (!end.session->WantsSlice()) return false;
  const auto sliced = end.session->Slice(now_);
  if (!sliced) Fault("a session ends: " + sliced.error().message);
  // Honest stores that cover the same hold the same, at any moment.
  const std::string& finding = end.session->report().finding;
  if (!options_.in_between && !finding.empty()) Fault(finding);
  return sliced && *sliced;
}

// What the peer says that it has, it has.
void SessionWorld::CheckAcknowledged(const Wire& wire, std::size_t at) {
  const auto acknowledged = wire.ends[at].session->Acknowledged(false);
  const auto& history = nodes_[wire.ends[at].node].history;
  if (!acknowledged) return;
  auto then = history.upper_bound(acknowledged->position);
  if (then == history.begin()) return;
  --then;
  const auto has = nodes_[wire.ends[1 - at].node].store->Vector();
  if (!has || !has->Covers(then->second)) Fault("what was acknowledged is not there");
}

std::size_t SessionWorld::Carry(std::size_t most) {
  std::size_t carried = 0;
  for (bool moved = true; moved && fault_.empty();) {
    moved = false;
    for (const auto& [ends, wire] : wires_) {
      for (std::size_t from : {0, 1}) {
        if (carried == most) return carried;
        SendOne(*wire, from);
        const bool arrived = ArriveOne(*wire, 1 - from);
        carried += arrived ? 1 : 0;
        moved = SliceOne(wire->ends[from]) || moved || arrived;
      }
    }
  }
  return carried;
}

// --- The end -------------------------------------------------------------------------

std::string SessionWorld::Finish() {
  for (int day = 0; day < options_.last_days; ++day) {
    now_.wall_ms += Session::kCompareIntervalMs;
    MeetAll();
  }
  if (fault_.empty()) Compare();
  return fault_;
}

void SessionWorld::MeetAll() {
  wires_.clear();
  for (std::size_t a = 0; a < nodes_.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes_.size(); ++b) Connect(a, b);
  }
  constexpr std::size_t kEnough = 1'000'000;
  if (Carry(kEnough) == kEnough) Fault("it does not end");
  for (const auto& [ends, wire] : wires_) {
    for (const End& end : wire->ends) {
      const Session& session = *end.session;
      if (!session.SentAll() || !session.ReceivedAll() || session.Comparing()) Fault("a session is not done");
      findings_ += session.report().finding.empty() ? 0 : 1;
    }
  }
}

void SessionWorld::Compare() {
  MemoryStore model(TestReplicaId(200), clock_, random_);
  DefineTables(model);
  std::vector<MemoryDelta> states;  // of each node alone
  for (Node& node : nodes_) {
    BytesSink sink(kTestDeltaMaxBytes);
    if (!node.store->ExtractSince({}, sink)) return Fault("nothing can be extracted");
    const Bytes delta = sink.Take();
    MemoryStore alone(TestReplicaId(201), clock_, random_);
    DefineTables(alone);
    for (MemoryStore* const store : {&model, &alone}) {
      ViewSource source(delta);
      if (!store->Merge(source)) return Fault("the model refuses a delta");
    }
    states.push_back(alone.CollectSince({}));
  }
  const MemoryDelta all = model.CollectSince({});
  const std::string digest = DigestOf(model);
  const VersionVector vector = model.Vector().value_or(VersionVector());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const std::string name = "node " + std::to_string(i);
    if (DigestOf(*node.store) != digest) Fault(name + " differs from the model");
    // Deleted rows and overwritten incarnations are not in the digest.
    if (!options_.only_digests && !(states[i].blocks == all.blocks)) Fault(name + " has other states than the model");
    if (!(node.store->Vector() == vector)) Fault(name + " has another vector");
    if (node.device == nullptr) continue;
    if (!node.device->Damage().empty()) Fault(name + ": " + node.device->Damage());
    for (const char* table : {"item", "person", "number"}) {
      if (node.device->Shown(table) != model.Shown(table)) Fault(name + " shows another " + table);
    }
  }
}

}  // namespace rejoin
