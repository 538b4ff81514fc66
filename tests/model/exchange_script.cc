#include "tests/model/exchange_script.h"

#include <algorithm>

#include "tests/store/ops.h"

namespace rejoin {
namespace {

// Where the whole of a table is known, what it hides and what it shows are
// disjoint, and what it shows keeps to the constraints.
bool KeepsConstraints(const TableDef& def, const Rows& shown) {
  for (const auto& set : def.unique_sets) {
    std::vector<UniqueValues> taken;
    for (const auto& [key, row] : shown) {
      const auto values = ValuesOf(def, set, key, row);
      if (!values) continue;
      if (std::find(taken.begin(), taken.end(), *values) != taken.end()) return false;
      taken.push_back(*values);
    }
  }
  return true;
}

std::string DigestOf(Store& store) {
  const auto digest = store.StateDigest({});
  return digest ? digest->Hex() : digest.error().message;
}

VersionVector VectorOf(Store& store) { return store.Vector().value_or(VersionVector{}); }

}  // namespace

ScriptPlayer::ScriptPlayer(const TestReplicaMaker& maker, const ExchangeScript& script, bool skewed)
    : script_(script), skewed_(skewed) {
  for (std::size_t i = 0; i < script.replicas; ++i) {
    auto peer = std::make_unique<Peer>();
    peer->clock.wall_ms += skewed ? 40 * i : 0;
    peer->replica = maker.make(i, peer->clock);
    peer->random = FakeRandom(1000 + i);
    const auto id = peer->replica->store().Replica();
    if (!id) {
      Fault("replica " + std::to_string(i) + " has no id: " + id.error().message);
      return;
    }
    peer->oracle = std::make_unique<MemoryStore>(*id, peer->clock, peer->random);
    peers_.push_back(std::move(peer));
  }
}

std::string ScriptPlayer::Play() {
  if (fault_.empty()) Start();
  for (; step_ < script_.steps.size() && fault_.empty(); ++step_) {
    ScriptStep step = script_.steps[step_];
    step.replica %= peers_.size();
    step.peer %= peers_.size();
    Do(step);
    if (fault_.empty()) Compare(*peers_[step.replica]);
  }
  if (fault_.empty()) Finish();
  return fault_;
}

void ScriptPlayer::Start() {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = *peers_[i];
    const Rows adopted = i < script_.adopted.size() ? script_.adopted[i] : Rows{};
    const TableDef item = ItemTable(script_.item_rules);
    const Status ours = peer.replica->Define(item, adopted);
    const Status theirs = peer.oracle->DefineTable(item, adopted);
    if (!ours) return Fault("the table cannot be defined: " + ours.error().message);
    if (!theirs) return Fault("the oracle refuses the table: " + theirs.error().message);
    Compare(peer);
  }
}

void ScriptPlayer::Do(const ScriptStep& step) {
  Peer& peer = *peers_[step.replica];
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (!skewed_ || i % 3 != 2) peers_[i]->clock.wall_ms += step.pause_ms + (skewed_ ? 0u : 1u);
  }
  switch (step.kind) {
    case ScriptStep::Kind::kCommit:
      return Commit(peer, step.transaction);
    case ScriptStep::Kind::kHear:
    case ScriptStep::Kind::kHearByCursor:
    case ScriptStep::Kind::kHearEverything:
      return step.replica == step.peer ? void() : Hear(step.replica, step.peer, step.kind);
    case ScriptStep::Kind::kTrim:
      return peer.replica->TrimLog();
    case ScriptStep::Kind::kGrow:
      return Grow(peer);
    case ScriptStep::Kind::kDefine:
      return Define(peer);
  }
}

void ScriptPlayer::Commit(Peer& peer, Transaction transaction) {
  for (Op& op : transaction) {
    if (op.table == "person" && !peer.knows_person) return;
    if (!peer.has_late) op.values.erase("late");
  }
  const Status ours = peer.replica->Execute(transaction);
  const Status theirs = peer.oracle->Commit(transaction);
  if (ours.has_value() == theirs.has_value()) return;
  Fault(ours ? "an error was expected: " + theirs.error().message
             : "a transaction fails: " + ours.error().message);
}

void ScriptPlayer::Hear(std::size_t to, std::size_t from, ScriptStep::Kind how) {
  Peer& receiver = *peers_[to];
  Peer& sender = *peers_[from];
  BytesSink sink(kTestDeltaMaxBytes);
  auto extracted = [&]() -> Result<ExtractReport> {
    if (how == ScriptStep::Kind::kHearEverything) {
      return sender.replica->store().ExtractSince({}, sink);
    }
    const auto cursor = receiver.cursors.find(from);
    if (how == ScriptStep::Kind::kHearByCursor && cursor != receiver.cursors.end()) {
      auto report = sender.replica->store().ExtractFrom(cursor->second, sink);
      if (report || report.error().code != Code::kNotCovered) return report;
    }
    REJOIN_ASSIGN(const VersionVector vector, receiver.replica->store().Vector());
    return sender.replica->store().ExtractSince(vector, sink);
  }();
  if (!extracted) return Fault("nothing can be extracted: " + extracted.error().message);
  receiver.cursors[from] = extracted->end;

  const auto ours = MergeBytes(*receiver.replica, sink.Take());
  if (!ours) return Fault("a delta is refused: " + ours.error().message);
  const auto theirs = receiver.oracle->Join(sender.oracle->CollectSince(*receiver.oracle->Vector()));
  if (!theirs) return Fault("the oracle refuses a delta: " + theirs.error().message);
  if (ours->rows_changed != theirs->rows_changed) {
    Fault("rows changed: " + std::to_string(ours->rows_changed) + ", by the oracle " +
          std::to_string(theirs->rows_changed));
  }
}

void ScriptPlayer::Grow(Peer& peer) {
  if (peer.has_late) return;
  peer.has_late = true;
  const ColumnDef late = Column("late", T("not yet"));
  const Status ours = peer.replica->AddColumn("item", late);
  if (!ours) Fault("the column cannot be added: " + ours.error().message);
  if (!peer.oracle->AddColumn("item", late)) Fault("the oracle refuses the column");
}

void ScriptPlayer::Define(Peer& peer) {
  if (peer.knows_person) return;
  peer.knows_person = true;
  const TableDef person = PersonTable(script_.person_rules);
  const Status ours = peer.replica->Define(person, {});
  if (!ours) Fault("the table cannot be defined: " + ours.error().message);
  if (!peer.oracle->DefineTable(person)) Fault("the oracle refuses the table");
}

// One schema for all, then everybody hears of everybody.
void ScriptPlayer::Finish() {
  for (const auto& peer : peers_) {
    Grow(*peer);
    Define(*peer);
  }
  for (std::size_t to = 1; to < peers_.size() && fault_.empty(); ++to) {
    Hear(0, to, ScriptStep::Kind::kHear);  // gathered by one
  }
  for (std::size_t to = peers_.size(); to-- > 1 && fault_.empty();) {
    const std::size_t from = to + 1 < peers_.size() ? to + 1 : 0;
    Hear(to, from, ScriptStep::Kind::kHearByCursor);  // and passed along
  }
  if (fault_.empty()) CompareAll();
}

void ScriptPlayer::Compare(Peer& peer) {
  TestReplica& ours = *peer.replica;
  MemoryStore& theirs = *peer.oracle;
  for (const TableDef& def : {ItemTable(), PersonTable()}) {
    const Rows shown = ours.Shown(def.name);
    if (shown != theirs.Shown(def.name)) Fault("the oracle shows other rows of " + def.name);
    if (!KeepsConstraints(def, shown)) Fault("a constraint is broken in " + def.name);
    for (const QuarantinedRow& row : ours.Quarantine()) {
      if (row.table == def.name && shown.count(row.key) > 0) Fault("a row is shown and hidden");
    }
  }
  if (!(ours.Conflicts() == theirs.Conflicts())) Fault("the oracle lists other conflicts");
  if (!(ours.Quarantine() == theirs.Quarantine())) Fault("the oracle hides other rows");
  if (DigestOf(ours.store()) != DigestOf(theirs)) Fault("the oracle's digest differs");
  if (!(VectorOf(ours.store()) == VectorOf(theirs))) Fault("the oracle's vector differs");
}

void ScriptPlayer::CompareAll() {
  TestReplica& first = *peers_[0]->replica;
  for (const auto& peer : peers_) {
    Compare(*peer);
    TestReplica& other = *peer->replica;
    for (const char* table : {"item", "person"}) {
      if (first.Shown(table) != other.Shown(table)) Fault("two replicas show other rows");
    }
    if (!(first.Conflicts() == other.Conflicts())) Fault("two replicas list other conflicts");
    if (!(first.Quarantine() == other.Quarantine())) Fault("two replicas hide other rows");
    if (DigestOf(first.store()) != DigestOf(other.store())) Fault("digests differ");
    if (!(VectorOf(first.store()) == VectorOf(other.store()))) Fault("vectors differ");
    // Nothing is left to say, even to one who does not trust the vectors.
    const auto everything = DeltaSince(first, {});
    const auto merged = everything ? MergeBytes(other, *everything) : Result<MergeReport>();
    if (!merged || merged->rows_changed != 0) Fault("two replicas hold other states");
  }
}

void ScriptPlayer::Fault(const std::string& what) {
  if (fault_.empty()) fault_ = "step " + std::to_string(step_) + ": " + what;
}

}  // namespace rejoin
