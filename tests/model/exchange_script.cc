#include "tests/model/exchange_script.h"

#include <algorithm>

#include "tests/store/ops.h"

namespace rejoin {
namespace {

// What a table shows keeps to the constraints.
bool KeepsConstraints(const TableDef& def, const Rows& shown) {
  for (const auto& [key, row] : shown) {
    const bool has_all = std::all_of(def.columns.begin(), def.columns.end(), [&](const ColumnDef& c) {
      return row.count(c.name) > 0;
    });
    if (!has_all || BrokenCheck(def, row) != nullptr) return false;
  }
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

// number(id INTEGER PRIMARY KEY, label UNIQUE, amount NOT NULL DEFAULT 0).
TableDef NumberTable(RowRules rules = {}) {
  TableDef def{"number", {"id"}, {Column("label"), Column("amount", N(0))}, {{"label"}}, rules, true};
  def.columns[1].not_null = true;
  return def;
}

void EraseLate(Transaction& ops) {
  for (Op& op : ops) op.values.erase("late");
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
    peer->checked = ((script.checked >> i) & 1) != 0;
    const auto id = peer->replica->store().Replica();
    if (!id) {
      Fault("replica " + std::to_string(i) + " has no id: " + id.error().message);
      return;
    }
    peer->oracle = std::make_unique<MemoryStore>(*id, peer->clock, peer->random);
    peer->session = std::make_unique<MemorySession>(*peer->oracle);
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
    if (fault_.empty()) CompareShown(*peers_[step.replica]);
  }
  if (fault_.empty()) Finish();
  return fault_;
}

TableDef ScriptPlayer::ItemOf(const Peer& peer) const {
  TableDef item = ItemTable(script_.item_rules);
  if (!peer.checked) return item;
  item.columns[0].not_null = true;
  item.columns[0].default_value = T("untitled");
  item.columns[1].forbidden = N(2);
  return item;
}

void ScriptPlayer::Start() {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = *peers_[i];
    const TableDef item = ItemOf(peer);
    Rows adopted;
    for (const auto& [key, row] : i < script_.adopted.size() ? script_.adopted[i] : Rows{}) {
      Row whole = row;
      for (const ColumnDef& column : item.columns) whole.emplace(column.name, column.default_value);
      if (BrokenCheck(item, whole) == nullptr) adopted.emplace(key, whole);
    }
    Both("the table", peer.replica->Define(item, adopted), peer.oracle->DefineTable(item, adopted));
    const TableDef number = NumberTable(script_.number_rules);
    Both("the table", peer.replica->Define(number, {}), peer.oracle->DefineTable(number));
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
    case ScriptStep::Kind::kRollBack:
    case ScriptStep::Kind::kCommitWhole:
      return Transact(peer, step);
    case ScriptStep::Kind::kCommitEach:
      for (const ScriptCommand& command : step.transaction) {
        if (command.kind == ScriptCommand::Kind::kRun) Do(peer, command);
      }
      return;
    case ScriptStep::Kind::kHear:
    case ScriptStep::Kind::kHearByCursor:
    case ScriptStep::Kind::kHearEverything:
      return step.replica == step.peer ? void() : Hear(step.replica, step.peer, step.kind);
    case ScriptStep::Kind::kHearAgain:
      return said_.empty() ? void() : Merge(peer, said_[(step.peer * 7 + step_) % said_.size()]);
    case ScriptStep::Kind::kTrim:
      return peer.replica->TrimLog();
    case ScriptStep::Kind::kCorrect:
      return Correct(peer, step);
    case ScriptStep::Kind::kGrow:
      return Grow(peer);
    case ScriptStep::Kind::kDefine:
      return Define(peer);
    case ScriptStep::Kind::kLook:
      return Compare(peer);
  }
}

// --- Writing ---------------------------------------------------------------------

void ScriptPlayer::Both(const char* what, const Status& ours, const Status& theirs) {
  if (ours.has_value() == theirs.has_value()) return;
  Fault(std::string(what) + (ours ? ": an error was expected: " + theirs.error().message
                                  : " fails: " + ours.error().message));
}

void ScriptPlayer::Transact(Peer& peer, const ScriptStep& step) {
  if (step.kind == ScriptStep::Kind::kCommitWhole) {
    Transaction whole;
    for (const ScriptCommand& command : step.transaction) {
      if (command.kind != ScriptCommand::Kind::kRun) continue;
      whole.insert(whole.end(), command.ops.begin(), command.ops.end());
    }
    if (!peer.has_late) EraseLate(whole);
    return Both("a transaction", peer.replica->Execute(whole), peer.oracle->Commit(whole));
  }
  savepoints_ = 0;
  Both("BEGIN", peer.replica->Begin(), peer.session->Begin());
  for (const ScriptCommand& command : step.transaction) Do(peer, command);
  if (step.kind == ScriptStep::Kind::kRollBack) {
    Both("ROLLBACK", peer.replica->RollBack(), peer.session->RollBack());
  } else {
    Both("COMMIT", peer.replica->Commit(), peer.session->Commit());
  }
}

void ScriptPlayer::Do(Peer& peer, ScriptCommand command) {
  using Kind = ScriptCommand::Kind;
  if (command.kind == Kind::kRun) {
    if (!peer.has_late) EraseLate(command.ops);
    if (command.ops.size() == 1) {
      const Op& op = command.ops.front();
      return Both("a statement", peer.replica->Run(op), peer.session->Run(op));
    }
    return Both("a statement of many rows", peer.replica->RunTogether(command.ops),
                peer.session->RunTogether(command.ops));
  }
  if (command.kind == Kind::kSavepoint) {
    ++savepoints_;
    return Both("SAVEPOINT", peer.replica->SetSavepoint(), peer.session->SetSavepoint());
  }
  if (savepoints_ == 0) return;
  if (command.kind == Kind::kRollBackTo) {
    return Both("ROLLBACK TO", peer.replica->RollBackToSavepoint(),
                peer.session->RollBackToSavepoint());
  }
  --savepoints_;
  Both("RELEASE", peer.replica->ReleaseSavepoint(), peer.session->ReleaseSavepoint());
}

// --- Hearing ---------------------------------------------------------------------

Result<ExtractReport> ScriptPlayer::Extract(std::size_t to, std::size_t from, ScriptStep::Kind how,
                                            ByteSink& out) {
  Peer& receiver = *peers_[to];
  Store& sender = peers_[from]->replica->store();
  if (how == ScriptStep::Kind::kHearEverything) return sender.ExtractSince({}, out);
  const auto cursor = receiver.cursors.find(from);
  if (how == ScriptStep::Kind::kHearByCursor && cursor != receiver.cursors.end()) {
    auto report = sender.ExtractFrom(cursor->second, out);
    if (report || report.error().code != Code::kNotCovered) return report;
  }
  REJOIN_ASSIGN(const VersionVector vector, receiver.replica->store().Vector());
  return sender.ExtractSince(vector, out);
}

void ScriptPlayer::Hear(std::size_t to, std::size_t from, ScriptStep::Kind how) {
  BytesSink sink(kTestDeltaMaxBytes);
  const auto extracted = Extract(to, from, how, sink);
  if (!extracted) return Fault("nothing can be extracted: " + extracted.error().message);
  peers_[to]->cursors[from] = extracted->end;
  Said said{sink.Take(), {}};
  ViewSource source(said.ours);
  const auto read = ReadDelta(source);
  if (!read) return Fault("a delta cannot be read: " + read.error().message);
  // The oracle tells of the same interval.
  peers_[from]->oracle->Show();
  said.theirs = peers_[from]->oracle->CollectSince(read->header.start);
  Merge(*peers_[to], said);
  if (fault_.empty()) Compare(*peers_[to]);
  said_.push_back(std::move(said));
}

void ScriptPlayer::Merge(Peer& receiver, const Said& said) {
  const auto ours = MergeBytes(*receiver.replica, said.ours);
  if (!ours && ours.error().code != Code::kNotCovered) {
    return Fault("a delta is refused: " + ours.error().message);
  }
  const auto theirs = receiver.oracle->Join(said.theirs);
  if (ours.has_value() != theirs.has_value()) return Fault("one of two refuses a delta");
  if (!ours) return;
  const auto differ = [this](const char* what, std::uint64_t mine, std::uint64_t oracles) {
    if (mine == oracles) return;
    Fault(std::string(what) + ": " + std::to_string(mine) + ", by the oracle " +
          std::to_string(oracles));
  };
  differ("rows changed", ours->rows_changed, theirs->rows_changed);
  differ("conflicts", ours->conflicts, theirs->conflicts);
  differ("duplicate dots", ours->duplicate_dots, theirs->duplicate_dots);
}

// What is shown stays as it is.
void ScriptPlayer::Correct(Peer& peer, const ScriptStep& step) {
  TimeCorrection correction;
  correction.offset_ms = step.offset_s * 1000;
  peer.clock.wall_ms += static_cast<std::uint64_t>(correction.offset_ms);
  correction.now_ms = peer.clock.wall_ms;
  auto* const store = dynamic_cast<SyncStore*>(&peer.replica->store());
  if (store == nullptr) return;  // behind a relay: it has no sessions
  SyncStore& ours = *store;
  const HybridTimestamp latest = ours.LatestTimeSeen().value_or(HybridTimestamp{});
  // A new id would be another one than the oracle's.
  if (IsBeyondReach(latest, correction)) return;
  Compare(peer);
  const std::string digest = DigestOf(ours);
  const auto corrected = ours.CorrectTime(correction);
  if (!corrected) return Fault("the time cannot be corrected: " + corrected.error().message);
  const auto theirs = peer.oracle->CorrectTime(correction);
  if (*corrected != *theirs) Fault("one of two corrects its times");
  if (digest != DigestOf(ours)) Fault("other times make another digest");
  Compare(peer);
}

void ScriptPlayer::Grow(Peer& peer) {
  if (peer.has_late) return;
  peer.has_late = true;
  const ColumnDef late = Column("late", T("not yet"));
  Both("the column", peer.replica->AddColumn("item", late), peer.oracle->AddColumn("item", late));
}

void ScriptPlayer::Define(Peer& peer) {
  if (peer.knows_person) return;
  peer.knows_person = true;
  const TableDef person = PersonTable(script_.person_rules);
  Both("the table", peer.replica->Define(person, {}), peer.oracle->DefineTable(person));
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

void ScriptPlayer::CompareShown(Peer& peer) {
  for (const TableDef& def : {ItemOf(peer), PersonTable(), NumberTable()}) {
    const Rows shown = peer.replica->Shown(def.name);
    if (!KeepsConstraints(def, shown)) Fault("a constraint is broken in " + def.name);
    if (shown != peer.oracle->Shown(def.name)) {
      Fault("the oracle shows other rows of " + def.name);
    }
  }
}

void ScriptPlayer::Compare(Peer& peer) {
  TestReplica& ours = *peer.replica;
  MemoryStore& theirs = *peer.oracle;
  CompareShown(peer);
  for (const QuarantinedRow& row : ours.Quarantine()) {
    if (ours.Shown(row.table).count(row.key) > 0) Fault("a row is shown and hidden");
  }
  const std::string damage = ours.Damage();
  if (!damage.empty()) Fault("there is damage: " + damage);
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
    const bool same_schema = peer->checked == peers_[0]->checked;
    for (const char* table : {"item", "person", "number"}) {
      if (!same_schema && table == std::string("item")) continue;
      if (first.Shown(table) != other.Shown(table)) Fault("two replicas show other rows");
    }
    if (!(first.Conflicts() == other.Conflicts())) Fault("two replicas list other conflicts");
    if (same_schema && !(first.Quarantine() == other.Quarantine())) {
      Fault("two replicas hide other rows");
    }
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
