#include "tests/model/small_world.h"

#include <algorithm>

#include "tests/store/fakes.h"

namespace rejoin {
namespace {

// Clocks stand still: times are then Lamport's, the hardest case for ties.
FakeClock& StoppedClock() {
  static FakeClock clock;
  return clock;
}
FakeRandom& Draws() {
  static FakeRandom random;
  return random;
}

HybridTimestamp LatestOf(const Facts& facts) {
  HybridTimestamp latest;
  for (const Fact& fact : facts) latest = std::max(latest, fact.stamp.time);
  return latest;
}

bool Equal(const MemoryDelta& a, const MemoryDelta& b) {
  return a.header.end == b.header.end && a.tables == b.tables && a.blocks == b.blocks;
}

std::vector<std::string> Spelled(const Rows& rows) {
  std::vector<std::string> words;
  for (const auto& [key, row] : rows) {
    std::string word = key;
    for (const auto& [column, value] : row) {
      PutBytes(word, column);
      PutValue(word, value);
    }
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

SmallWorld::SmallWorld(const TableDef& def, const Transaction& initial, Script script)
    : specification_(def), script_(std::move(script)) {
  std::vector<MemoryStore> stores;
  for (std::size_t i = 0; i < kReplicas; ++i) {
    stores.emplace_back(TestReplicaId(i), StoppedClock(), Draws());
    if (!stores[i].DefineTable(def)) fault_ = "the table cannot be defined";
  }
  if (!stores[0].Commit(initial)) fault_ = "the initial transaction fails";
  const Stamp stamp{Rank::kWritten, Tick({}, StoppedClock().WallMs()), TestReplicaId(0)};
  const Knowledge known = Register(0, 0, 0, specification_.Write({}, initial, stamp));
  for (std::size_t i = 0; i < kReplicas; ++i) {
    if (!stores[i].Join(stores[0].CollectSince({}))) fault_ = "the first exchange fails";
    MemoryDelta state = stores[i].CollectSince({});
    start_[i] = Arrive({i, 0, known, stores[i], std::move(state), -1, -1});
  }
}

bool SmallWorld::HasMoreToDo(int local) const {
  const Local& at = locals_[static_cast<std::size_t>(local)];
  return at.next < script_[at.replica].size();
}

int SmallWorld::Act(int local) {
  const auto [memo, first] = acted_.emplace(local, -1);
  if (!first) return memo->second;
  Local actor = locals_[static_cast<std::size_t>(local)];
  const Deed& deed = script_[actor.replica][actor.next];
  actor.was = local;
  actor.heard = -1;
  Facts facts = FactsOf(actor.known);
  Facts added;
  const auto stamp = [&](Rank rank) {
    const HybridTimestamp time = Tick(LatestOf(facts), StoppedClock().WallMs());
    return Stamp{rank, time, TestReplicaId(actor.replica)};
  };
  const auto keep = [&](const Facts& news) {
    facts.insert(facts.end(), news.begin(), news.end());
    added.insert(added.end(), news.begin(), news.end());
  };
  for (const Transaction& transaction : deed.transactions) {
    keep(specification_.Write(facts, transaction, stamp(Rank::kWritten)));
    (void)actor.store.Commit(transaction);  // one that fails changes neither
  }
  if (!deed.adopted.empty()) {
    keep(specification_.Adopt(deed.adopted, stamp(Rank::kAdopted)));
    if (!actor.store.Adopt("item", deed.adopted)) Fault("the rows cannot be adopted", actor);
  }
  actor.known |= Register(actor.replica, actor.next + 1, actor.known, std::move(added));
  ++actor.next;
  actor.state = actor.store.CollectSince({});
  return memo->second = Arrive(std::move(actor));
}

int SmallWorld::Hear(int local, int other) {
  const auto [memo, first] = heard_.emplace(std::pair(local, other), -1);
  if (!first) return memo->second;
  const Local& before = locals_[static_cast<std::size_t>(local)];
  const Local& sender = locals_[static_cast<std::size_t>(other)];
  const MemoryDelta delta = sender.store.CollectSince(before.state.header.end);
  if ((sender.known | before.known) == before.known) {
    if (!delta.blocks.empty()) Fault("it would be told what it knows", before);
    Local late = before;
    CheckDuplicate(late, sender);
    return memo->second = local;
  }
  ++merges_;
  const Knowledge known = before.known | sender.known;
  Local receiver{before.replica, before.next, known, before.store, {}, local, other};
  const auto report = receiver.store.Join(delta);
  receiver.state = receiver.store.CollectSince({});
  if (!report) {
    Fault("the delta is refused: " + report.error().message, receiver);
  } else if ((report->rows_changed == 0) != (before.state.blocks == receiver.state.blocks)) {
    Fault("the report does not say what changed", receiver);
  }
  CheckDuplicate(receiver, sender);
  return memo->second = Arrive(std::move(receiver));
}

// A message that comes again, late, or brings everything anew, changes nothing.
void SmallWorld::CheckDuplicate(Local& receiver, const Local& sender) {
  ++merges_;
  const Cursor end = receiver.store.EndOfLog();
  const auto again = receiver.store.Join(sender.state);
  if (!again || again->rows_changed != 0 || !(end == receiver.store.EndOfLog())) {
    Fault("a duplicate changed something", receiver);
  }
}

// A replica can hear of what another one is or was, unless it is ahead of itself
// in it, or the two come from different courses of events: each deed is done once.
bool SmallWorld::CanMeet(const Local& receiver, const Local& sender) const {
  if (receiver.replica == sender.replica) return false;
  const Knowledge both = receiver.known | sender.known;
  for (const auto& [slot, bits] : slots_) {
    const Knowledge done = both & bits;
    if ((done & (done - 1)) != 0) return false;
    if (slot.first == receiver.replica && done != (receiver.known & bits)) return false;
  }
  return true;
}

void SmallWorld::ExploreEverything() {
  for (std::size_t i = 0; i < locals_.size() && fault_.empty(); ++i) {  // it grows
    const int now = static_cast<int>(i);
    if (HasMoreToDo(now)) Act(now);
    for (int other = 0; other < now; ++other) {
      for (const auto& [to, of] : {std::pair(now, other), std::pair(other, now)}) {
        const Local& receiver = locals_[static_cast<std::size_t>(to)];
        if (CanMeet(receiver, locals_[static_cast<std::size_t>(of)])) Hear(to, of);
      }
    }
  }
}

void SmallWorld::ExploreRounds() {
  std::array<int, kReplicas> first{};
  for (std::size_t i = 0; i < kReplicas; ++i) first[i] = Act(start_[i]);
  std::array<std::array<int, 4>, kReplicas> second{};
  for (std::size_t i = 0; i < kReplicas; ++i) {
    const int one = first[(i + 1) % kReplicas];
    const int two = first[(i + 2) % kReplicas];
    second[i] = {Act(first[i]), Act(Hear(first[i], one)), Act(Hear(first[i], two)),
                 Act(Hear(Hear(first[i], two), one))};
  }
  ExploreOrders({first[0], first[1], first[2], second[0][0], second[1][0], second[2][0]});
  for (const int a : second[0]) {
    for (const int b : second[1]) {
      for (const int c : second[2]) {
        const int gathered = Hear(Hear(a, c), b);
        Hear(b, gathered);
        Hear(c, gathered);
        const int relayed = Hear(c, Hear(b, a));
        Hear(a, relayed);
        if (!fault_.empty()) return;
      }
    }
  }
}

void SmallWorld::ExploreOrders(std::vector<int> states) {
  for (std::size_t i = 0; i < states.size() && fault_.empty(); ++i) {  // it grows
    for (std::size_t j = 0; j < i; ++j) {
      for (const auto& [to, of] : {std::pair(states[i], states[j]), std::pair(states[j], states[i])}) {
        const Local& receiver = locals_[static_cast<std::size_t>(to)];
        if (!CanMeet(receiver, locals_[static_cast<std::size_t>(of)])) continue;
        const int became = Hear(to, of);
        if (std::find(states.begin(), states.end(), became) == states.end()) states.push_back(became);
      }
    }
  }
}

int SmallWorld::Arrive(Local local) {
  const auto index = static_cast<int>(locals_.size());
  const auto [at, first] = by_knowledge_.emplace(std::pair(local.replica, local.known), index);
  if (!first) {
    CompareTwins(locals_[static_cast<std::size_t>(at->second)], local);
    return at->second;
  }
  Compare(local);
  local.store.TrimLog();  // nobody asks by cursor here
  locals_.push_back(std::move(local));
  return index;
}

void SmallWorld::Compare(Local& local) {
  const Picture expected = specification_.Look(FactsOf(local.known));
  if (local.store.Shown("item") != expected.shown) Fault("other rows are shown", local);
  if (local.store.Conflicts() != expected.clashes) Fault("other conflicts are listed", local);
  if (local.store.Quarantine() != expected.hidden) Fault("other rows are hidden", local);

  const std::string digest = local.store.StateDigest({})->Hex();
  const std::vector<std::string> shared = Spelled(expected.present);
  if (digests_.emplace(shared, digest).first->second != digest) {
    Fault("equal rows have unequal digests", local);
  }
  if (digested_.emplace(digest, shared).first->second != shared) {
    Fault("unequal rows have equal digests", local);
  }
}

// The claim itself: equal knowledge, equal state, whatever the way.
void SmallWorld::CompareTwins(const Local& known, const Local& other) {
  if (!Equal(known.state, other.state)) {
    Fault("the state differs from that of [" + Story(known) + "]", other);
  }
}

Facts SmallWorld::FactsOf(Knowledge known) const {
  Facts facts;
  for (std::size_t i = 0; i < deeds_.size(); ++i) {
    if ((known >> i & 1) != 0) facts.insert(facts.end(), deeds_[i].begin(), deeds_[i].end());
  }
  return facts;
}

SmallWorld::Knowledge SmallWorld::Register(std::size_t replica, std::size_t deed, Knowledge before,
                                           Facts facts) {
  const auto [at, first] = deed_bits_.emplace(std::tuple(replica, deed, before), 0);
  if (first) {
    if (deeds_.size() == 64) fault_ = "too many deeds for one world";
    at->second = Knowledge{1} << (deeds_.size() & 63);
    deeds_.push_back(std::move(facts));
    slots_[{replica, deed}] |= at->second;
  }
  return at->second;
}

std::string SmallWorld::Story(const Local& local) const {
  if (local.was < 0) return "start";
  const Local& was = locals_[static_cast<std::size_t>(local.was)];
  if (local.heard < 0) return Story(was) + ", " + script_[was.replica][was.next].name;
  const Local& heard = locals_[static_cast<std::size_t>(local.heard)];
  return Story(was) + ", heard of " + std::to_string(heard.replica) + " [" + Story(heard) + "]";
}

void SmallWorld::Fault(const std::string& what, const Local& local) {
  if (!fault_.empty()) return;
  fault_ = what + " at replica " + std::to_string(local.replica) + ": " + Story(local);
  for (std::size_t i = 0; i < kReplicas; ++i) {
    fault_ += "\n  script of " + std::to_string(i) + ":";
    for (const Deed& deed : script_[i]) fault_ += " " + deed.name + ";";
  }
}

}  // namespace rejoin
