// Random SQL on SQLite replicas, and the same deeds on memory stores: what is
// shown, kept aside and in conflict is alike after every exchange, and all are
// equal in the end.
//
// Beside what random_model_test does (every kind of replica, one statement after
// another) these transactions are as SQL has them: nested savepoints that are
// partly rolled back, statements that fail while the transaction goes on,
// statements that reach many rows, several tables of every style.

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/memory/memory_store.h"
#include "tests/store/fakes.h"
#include "tests/store/ops.h"
#include "tests/store_sqlite/rows.h"
#include "tests/store_sqlite/sqlite_replica.h"

namespace rejoin {
namespace {

std::vector<TableDef> Tables() {
  ColumnDef checked = Column("score");
  checked.forbidden = N(13);
  ColumnDef needed = Column("team", T("none"));
  needed.not_null = true;
  RowRules newest;
  newest.same_key = SameKey::kNewest;
  RowRules delete_wins;
  delete_wins.delete_wins = true;
  return {
      {"event", {"id"}, {Column("title"), Column("n", N(5)), Column("u")}, {{"u"}}, newest},
      {"person", {"id"}, {Column("email"), Column("name"), needed, checked}, {{"email"}, {"name", "team"}}, {}},
      {"pair", {"x", "y"}, {Column("a"), Column("b", Value::Real(0.5))}, {{"y", "b"}}, delete_wins},
      {"note", {"id"}, {Column("a"), Column("b"), Column("c")}, {}, {}},
  };
}

TableStyle StyleOf(const std::string& table) {
  if (table == "event") return TableStyle::kRowid;
  return table == "pair" ? TableStyle::kWithoutRowid : TableStyle::kIndexed;
}

// --- What to do ------------------------------------------------------------------

struct Deed {
  enum class Kind : std::uint8_t { kOp, kUpdateAll, kDeleteAll, kSavepoint, kRelease, kRollbackTo };
  Kind kind = Kind::kOp;
  Op op = {};
  std::size_t level = 0;  // of a savepoint
};

struct Step {
  enum class Kind : std::uint8_t { kWrite, kRollback, kPull, kPullByCursor, kPullAll, kTrim, kFold };
  Kind kind = Kind::kWrite;
  std::size_t who = 0;
  std::size_t from = 0;
  bool pause = true;  // time goes on before it
  std::vector<Deed> deeds = {};
};

template <class T>
T Pick(std::vector<T> choices) {
  return *rc::gen::elementOf(std::move(choices));
}
std::size_t Below(std::size_t limit) { return *rc::gen::inRange<std::size_t>(0, limit); }

Value AnyValue() {
  return Pick<Value>({Value::Null(), N(0), N(1), N(2), N(13), T("a"), T("b"), Value::Real(1.0),
                      Value::Real(-0.0), Value::Blob("a"), T("")});
}
Key AnyKey(const TableDef& def) {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < def.key_columns.size(); ++i) {
    const auto number = static_cast<std::int64_t>(Below(4));
    parts.push_back(StyleOf(def.name) == TableStyle::kRowid || Below(3) > 0 ? N(number) : T("k"));
  }
  return EncodeKey(parts);
}
Row AnyRow(const TableDef& def) {
  Row row;
  for (const ColumnDef& column : def.columns) {
    if (Below(2) == 0) row[column.name] = AnyValue();
  }
  return row;
}

Deed AnyDeed() {
  const std::vector<TableDef> tables = Tables();
  const TableDef& def = tables[Below(tables.size())];
  Deed deed;
  deed.level = Below(3);
  deed.op.table = def.name;
  deed.op.key = AnyKey(def);
  deed.op.values = AnyRow(def);
  using Kind = Deed::Kind;
  deed.kind = Pick<Kind>({Kind::kOp, Kind::kOp, Kind::kOp, Kind::kOp, Kind::kOp, Kind::kOp, Kind::kUpdateAll,
                          Kind::kDeleteAll, Kind::kSavepoint, Kind::kSavepoint, Kind::kRelease, Kind::kRollbackTo});
  if (deed.kind == Kind::kDeleteAll && Below(3) > 0) deed.kind = Kind::kOp;
  using Op = Op::Kind;
  deed.op.kind = Pick<Op>({Op::kInsert, Op::kInsert, Op::kReplace, Op::kUpsert, Op::kUpdate, Op::kUpdate,
                           Op::kDelete, Op::kChangeKey});
  if (deed.op.kind == Op::kDelete) deed.op.values = {};
  if (deed.op.kind == Op::kChangeKey) deed.op.new_key = AnyKey(def);
  return deed;
}

Step AnyStep() {
  using Kind = Step::Kind;
  Step step;
  step.kind = Pick<Kind>({Kind::kWrite, Kind::kWrite, Kind::kWrite, Kind::kWrite, Kind::kPull, Kind::kPull,
                          Kind::kPullByCursor, Kind::kPullByCursor, Kind::kPullAll, Kind::kTrim, Kind::kFold,
                          Kind::kRollback});
  step.who = Below(8);
  step.from = Below(8);
  step.pause = Below(4) > 0;
  if (step.kind == Kind::kWrite || step.kind == Kind::kRollback) {
    step.deeds = *rc::gen::resize(12, rc::gen::container<std::vector<Deed>>(rc::gen::exec(AnyDeed)));
  }
  return step;
}

// --- Doing it --------------------------------------------------------------------

struct Peer {
  Peer(std::size_t number, Clock& clock) : sqlite(number, clock, StyleOf), random(number) {
    for (const TableDef& def : Tables()) Expect(sqlite.Define(def, {}), "Define");
    const auto id = sqlite.store().Replica();
    Expect(id, "Replica");
    memory = std::make_unique<MemoryStore>(id.value_or(ReplicaId()), clock, random);
    for (const TableDef& def : Tables()) Expect(memory->DefineTable(def), "DefineTable");
  }

  template <class T>
  void Expect(const Result<T>& result, const std::string& doing) {
    if (!result && fault.empty()) fault = doing + ": " + result.error().message;
  }

  SqliteReplica sqlite;
  FakeRandom random;
  std::unique_ptr<MemoryStore> memory;
  std::map<std::size_t, std::pair<Cursor, Cursor>> cursors;  // of others: in SQLite, in memory
  std::string fault;
};

class Play {
 public:
  explicit Play(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) peers_.push_back(std::make_unique<Peer>(i, clock_));
  }

  // The first disagreement; empty: none.
  std::string Run(const std::vector<Step>& steps) {
    std::size_t number = 0;
    for (const Step& step : steps) {
      ++number;
      Do(step);
      // Digests and conflicts fold, which must not happen after every step.
      const bool deeply = step.kind != Step::Kind::kWrite;
      const std::string fault = Fault(deeply ? step.who % peers_.size() : peers_.size());
      if (!fault.empty()) return "step " + std::to_string(number) + ":\n" + fault + "\n" + said_;
    }
    Meet();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      const std::string fault = Fault(i);
      if (!fault.empty()) return "at the end:\n" + fault + "\n" + said_;
    }
    return AllEqual();
  }

 private:
  Peer& At(std::size_t i) { return *peers_[i % peers_.size()]; }

  std::string Fault(std::size_t deeply) {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      Peer& peer = *peers_[i];
      if (peer.fault.empty()) peer.fault = Difference(peer, i == deeply);
      if (!peer.fault.empty()) return "replica " + std::to_string(i) + ": " + peer.fault;
    }
    return "";
  }

  void Do(const Step& step) {
    if (step.pause) clock_.wall_ms += 10;
    Peer& who = At(step.who);
    Peer& from = At(step.from);
    const std::string name = std::to_string(step.who % peers_.size());
    switch (step.kind) {
      case Step::Kind::kWrite: said_ += "[" + name + "] "; return Write(who, step.deeds, "COMMIT");
      case Step::Kind::kRollback: said_ += "[" + name + "] "; return Write(who, step.deeds, "ROLLBACK");
      case Step::Kind::kTrim: who.sqlite.TrimLog(); who.memory->TrimLog(); return;
      case Step::Kind::kFold: who.Expect(who.sqlite.store().StateDigest({}), "StateDigest"); return;
      default:
        said_ += "[" + name + "] pulls from " + std::to_string(step.from % peers_.size()) + " (" +
                 std::to_string(static_cast<int>(step.kind)) + ")\n";
        if (&who != &from) Pull(who, from, step.from % peers_.size(), step.kind);
    }
  }

  // On SQLite first; what succeeded and was not rolled back happens in memory, too.
  void Write(Peer& who, const std::vector<Deed>& deeds, const std::string& end) {
    who.Expect(who.sqlite.Exec("BEGIN"), "BEGIN");
    said_ += "BEGIN\n";
    Transaction done;
    std::vector<std::pair<std::size_t, std::size_t>> savepoints;  // (name, done.size())
    for (const Deed& deed : deeds) {
      const std::string name = "s" + std::to_string(deed.level);
      const auto open = std::find_if(savepoints.rbegin(), savepoints.rend(),
                                     [&deed](const auto& each) { return each.first == deed.level; });
      if (deed.kind == Deed::Kind::kSavepoint) {
        Say(who, "SAVEPOINT " + name);
        savepoints.emplace_back(deed.level, done.size());
      } else if (deed.kind == Deed::Kind::kRelease || deed.kind == Deed::Kind::kRollbackTo) {
        if (open == savepoints.rend()) continue;
        const bool back = deed.kind == Deed::Kind::kRollbackTo;
        Say(who, (back ? "ROLLBACK TO " : "RELEASE ") + name);
        if (back) done.resize(open->second);
        savepoints.erase(back ? open.base() : std::next(open).base(), savepoints.end());
      } else {
        Reach(who, deed, done);
      }
    }
    Say(who, end);
    if (end == "ROLLBACK") return;
    who.Expect(who.memory->Commit(done), "Commit in memory");
  }

  void Say(Peer& who, const std::string& sql) {
    said_ += "  " + sql + "\n";
    who.Expect(who.sqlite.Exec(sql), sql);
  }

  void Reach(Peer& who, const Deed& deed, Transaction& done) {
    if (deed.kind == Deed::Kind::kOp) {
      if (who.sqlite.ExecuteOne(deed.op)) {
        done.push_back(deed.op);
        said_ += "  " + OpText(deed.op) + "\n";
      } else {
        said_ += "  (failed) " + OpText(deed.op) + "\n";
      }
      return;
    }
    const bool update = deed.kind == Deed::Kind::kUpdateAll;
    const char* const column = deed.op.table == "note" ? "c" : deed.op.table == "pair" ? "a" : nullptr;
    if (update && column == nullptr) return;  // tables where every row may take any value
    for (const auto& [key, row] : who.sqlite.Shown(deed.op.table)) {
      Op op{update ? Op::Kind::kUpdate : Op::Kind::kDelete, deed.op.table, key, {}, {}};
      if (update) op.values[column] = T("all");
      done.push_back(std::move(op));
    }
    Say(who, update ? "UPDATE " + deed.op.table + " SET " + column + " = 'all'" : "DELETE FROM " + deed.op.table);
  }

  static std::string OpText(const Op& op) {
    constexpr const char* kNames[] = {"insert", "replace", "upsert", "update", "delete", "rekey"};
    const auto bytes = [](const Key& key) {
      std::string text;
      for (const Value& part : DecodeKey(key).value_or(std::vector<Value>())) text += ValueText(part) + " ";
      return text;
    };
    std::string text = std::string(kNames[static_cast<int>(op.kind)]) + " " + op.table + " " + bytes(op.key);
    if (op.kind == Op::Kind::kChangeKey) text += "to " + bytes(op.new_key);
    for (const auto& [name, value] : op.values) text += name + "=" + ValueText(value) + " ";
    return text;
  }
  static std::string ValueText(const Value& value) {
    switch (value.type) {
      case ValueType::kNull: return "NULL";
      case ValueType::kInteger: return std::to_string(value.integer());
      case ValueType::kReal: return std::to_string(value.real()) + "r";
      case ValueType::kText: return "'" + value.bytes + "'";
      case ValueType::kBlob: return "x'" + value.bytes + "'";
    }
    return "";
  }
  static std::string RowsText(const Rows& rows) {
    std::string text;
    for (const auto& [key, row] : rows) text += "    " + OpText({Op::Kind::kInsert, "", key, row, {}}) + "\n";
    return text;
  }

  void Pull(Peer& into, Peer& from, std::size_t number, Step::Kind how) {
    auto& [cursor, memory_cursor] = into.cursors[number];
    Carry(into, into.sqlite.store(), from.sqlite.store(), cursor, how);
    Carry(into, *into.memory, *from.memory, memory_cursor, how);
  }

  static void Carry(Peer& peer, Store& into, Store& from, Cursor& cursor, Step::Kind how) {
    BytesSink sink(std::size_t{1} << 26);
    Result<ExtractReport> extracted = Fail(Code::kNotCovered, "");
    if (how == Step::Kind::kPullByCursor) extracted = from.ExtractFrom(cursor, sink);
    if (!extracted && extracted.error().code == Code::kNotCovered) {
      const auto vector = how == Step::Kind::kPullAll ? VersionVector() : into.Vector();
      peer.Expect(vector, "Vector");
      extracted = from.ExtractSince(vector.value_or(VersionVector()), sink);
    }
    peer.Expect(extracted, "Extract");
    if (!extracted) return;
    const Bytes delta = sink.Take();
    ViewSource source(delta);
    const auto merged = into.Merge(source);
    peer.Expect(merged, "Merge");
    cursor = extracted->end;
  }

  void Meet() {
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < peers_.size(); ++i) {
        const std::size_t next = (i + 1) % peers_.size();
        if (next != i) Pull(*peers_[next], *peers_[i], i, Step::Kind::kPull);
      }
    }
  }

  std::string Difference(Peer& peer, bool deeply) {
    for (const TableDef& def : Tables()) {
      const Rows ours = peer.sqlite.Shown(def.name);
      const Rows theirs = peer.memory->Shown(def.name);
      if (ours != theirs) return def.name + " shows\n" + RowsText(ours) + "  and in memory\n" + RowsText(theirs);
    }
    if (!deeply) return "";
    const auto digest = peer.sqlite.store().StateDigest({});
    const auto memory_digest = peer.memory->StateDigest({});
    peer.Expect(digest, "StateDigest");
    if (peer.sqlite.Quarantine() != peer.memory->Quarantine()) return "the quarantine differs";
    if (peer.sqlite.Conflicts() != peer.memory->Conflicts()) return "conflicts differ";
    if (digest && memory_digest && digest->Hex() != memory_digest->Hex()) return "digests differ";
    return "";
  }

  std::string AllEqual() {
    for (const auto& peer : peers_) {
      if (peer->sqlite.store().StateDigest({})->Hex() != peers_[0]->sqlite.store().StateDigest({})->Hex()) {
        return "replicas that heard everything differ\n" + said_;
      }
      const auto findings = peer->sqlite.database().store->Check();
      if (!findings || !findings->empty()) {
        return "Check: " + (findings ? findings->front().problem : findings.error().message) + "\n" + said_;
      }
    }
    return "";
  }

  FakeClock clock_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::string said_;  // what happened, for people
};

RC_GTEST_PROP(SqliteModel, DoesWhatTheMemoryStoreDoes, ()) {
  const std::size_t replicas = *rc::gen::inRange<std::size_t>(2, 9);
  const auto steps = *rc::gen::container<std::vector<Step>>(rc::gen::exec(AnyStep));
  Play play(replicas);
  const std::string fault = play.Run(steps);
  if (!fault.empty()) RC_FAIL(std::to_string(replicas) + " replicas, " + fault);
}

}  // namespace
}  // namespace rejoin
