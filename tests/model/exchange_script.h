// Random lives of several replicas: what they write, and when they hear of whom.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/memory/memory_store.h"
#include "tests/store/fakes.h"
#include "tests/store/memory_session.h"
#include "tests/store/test_replica.h"

namespace rejoin {

// One command of a transaction.
struct ScriptCommand {
  enum class Kind : std::uint8_t { kRun, kSavepoint, kRollBackTo, kRelease };
  Kind kind = Kind::kRun;
  Transaction ops;  // of kRun: one, or several inserts into one table: one statement
};

struct ScriptStep {
  enum class Kind : std::uint8_t {
    kCommit,          // `replica` executes `transaction`, and commits what succeeded
    kRollBack,        // ... and takes it back
    kCommitWhole,     // ... all or nothing
    kCommitEach,      // ... each statement as a transaction of its own
    kHear,            // it hears of `peer` by vector
    kHearByCursor,    // ... of what came after the last time, by vector where it cannot
    kHearEverything,  // ... of all there is, as at the first time
    kHearAgain,       // a delta that somebody had heard comes once more, to it
    kTrim,            // it forgets its local order
    kCorrect,         // it learns what time it is
    kGrow,            // it gets the column "late" of table "item"
    kDefine,          // it gets the table "person"
    kLook,            // everything is compared, not just what it shows
  };
  Kind kind = Kind::kCommit;
  std::size_t replica = 0;
  std::size_t peer = 0;
  std::vector<ScriptCommand> transaction = {};
  std::uint8_t pause_ms = 0;  // before the step, at all replicas
  std::int64_t offset_s = 0;  // of kCorrect: by how much the clock was behind
};

struct ExchangeScript {
  std::size_t replicas = 2;
  RowRules item_rules;
  RowRules person_rules;
  RowRules number_rules;
  std::uint8_t checked = 0;   // a bit per replica: its table "item" has a CHECK and a NOT NULL
  std::vector<Rows> adopted;  // per replica: rows of "item" before it was tracked
  std::vector<ScriptStep> steps;
};

// Plays a script on replicas of one kind and, step by step, on memory stores with
// the same ids and clocks. They are to agree after each step; in the end, when
// everybody has heard of everybody, all are to be equal.
class ScriptPlayer {
 public:
  // `skewed`: clocks of the replicas differ, some stand still.
  ScriptPlayer(const TestReplicaMaker& maker, const ExchangeScript& script, bool skewed);

  // Returns the first disagreement, or nothing.
  std::string Play();

 private:
  struct Peer {
    FakeClock clock;
    std::unique_ptr<TestReplica> replica;
    FakeRandom random;
    std::unique_ptr<MemoryStore> oracle;
    std::unique_ptr<MemorySession> session;  // with the oracle
    std::map<std::size_t, Cursor> cursors;   // of others
    bool checked = false;
    bool knows_person = false;
    bool has_late = false;
  };

  void Start();
  void Do(const ScriptStep& step);
  // What somebody said, as the store and as the oracle put it.
  struct Said {
    Bytes ours;
    MemoryDelta theirs;
  };

  TableDef ItemOf(const Peer& peer) const;
  void Transact(Peer& peer, const ScriptStep& step);
  void Do(Peer& peer, ScriptCommand command);
  void Both(const char* what, const Status& ours, const Status& theirs);
  void Hear(std::size_t to, std::size_t from, ScriptStep::Kind how);
  Result<ExtractReport> Extract(std::size_t to, std::size_t from, ScriptStep::Kind how, ByteSink& out);
  void Merge(Peer& receiver, const Said& said);
  void Correct(Peer& peer, const ScriptStep& step);
  void Grow(Peer& peer);
  void Define(Peer& peer);
  void Finish();
  void CompareShown(Peer& peer);
  void Compare(Peer& peer);
  void CompareAll();
  void Fault(const std::string& what);

  const ExchangeScript& script_;
  std::size_t step_ = 0;
  std::vector<std::unique_ptr<Peer>> peers_;
  bool skewed_;
  std::vector<Said> said_;
  std::size_t savepoints_ = 0;  // open ones of the transaction under way
  std::string fault_;
};

}  // namespace rejoin
