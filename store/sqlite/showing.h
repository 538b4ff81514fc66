// One call of ShowRows, as an object: the rows at stake and where they stand.
//
// First every pending row is written, in the order given. Without UNIQUE trouble
// that is all. A row that SQLite refuses for a UNIQUE value joins the *contest*:
//
//   Rows in the contest are taken in the order of show_order.h. One that a row
//   ahead of it blocks is hidden and remembers that row, its *holder*. One that
//   only rows behind it block sends those into the contest and takes its place;
//   with a row that leaves its place, all rows hidden behind it join the contest.
//
// When the contest is empty, (1) no two shown rows share a UNIQUE value, for
// SQLite would have refused, and (2) each hidden row has a holder that is shown,
// is ahead of it and shares a value with it. Exactly one choice of shown rows has
// these two properties, the one that shown.h defines: by induction over the
// order, the first row cannot be hidden; and once the rows ahead of a row are
// settled, (1) and (2) leave one possibility for it. So neither the order of
// deltas nor their division into blocks matters, and only rows that lost their
// holder are looked at. It ends: each row enters behind the one just taken, so
// each is taken once.
#pragma once

#include <deque>
#include <optional>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/sqlite/hidden.h"
#include "store/sqlite/row_writer.h"
#include "store/sqlite/runs.h"
#include "store/sqlite/shown.h"

namespace rejoin {

class Showing {
 public:
  Showing(Engine& engine, const TrackedTable& table);

  Result<ShowReport> Run(std::vector<PendingRow> pending);

 private:
  struct Candidate {
    PendingRow row;
    bool pending = true;    // false: dragged in
    bool in_table = false;  // now
    bool written = false;   // its table row was
    bool differs = false;   // it has other values than the table row that was there
    bool plain = false;     // may become part of a run
    std::optional<std::int64_t> rowid;  // where it is, or will be
    std::optional<Refusal> refusal;
    std::optional<Stamp> stamp;  // its place in the order, once in the contest

    bool stays() const {
      return in_table == row.before.in_table && (!in_table || rowid == row.before.rowid);
    }
  };
  struct Behind {
    bool operator()(const Candidate* a, const Candidate* b) const;
  };

  // showing.cc: the first pass.
  Status Place(Candidate& candidate);
  Status PlaceUpdate(Candidate& candidate);
  Status PlaceInsert(Candidate& candidate);
  Status TakeOut(Candidate& candidate);
  Result<Written> PutIn(Candidate& candidate);
  Status ChooseRowid(Candidate& candidate);
  void Refuse(Candidate& candidate, QuarantineReason reason, std::string detail);
  bool IsLocal(ColumnId column) const;
  void MakeImage(const Candidate& candidate, Image& image) const;
  bool IsPlainHere(const Candidate& candidate) const;

  // contest.cc: the second.
  void Enter(Candidate& candidate);
  Status EnterHiddenBehind(const Key& holder);
  Status Settle();
  Status Decide(Candidate& candidate);
  Result<bool> MakeRoom(Candidate& candidate);
  Status RefuseItself(Candidate& candidate, std::string detail);
  void RefuseBehind(Candidate& candidate, const std::string& detail, const std::optional<Key>& holder);
  Candidate* Known(const Key& key);
  Result<Candidate*> Find(const Key& key);
  Result<Candidate*> Drag(const Key& key);

  // showing_save.cc: the third, metadata.
  Status Save();
  Status SaveOne(Candidate& candidate);
  Status SaveHidden(const Candidate& candidate);
  Status SaveLarge(const PendingRow& row, bool was_hidden);
  Status AddToRun(const Candidate& candidate, RunAppender& runs);
  bool HasRunColumns(const Incarnation& incarnation) const;

  Engine& engine_;
  const TrackedTable& table_;
  MergeScope scope_;
  RowWriter writer_;
  RowSaver saver_;
  std::deque<Candidate> rows_;
  bool any_hidden_ = false;  // for kUnique, before this
  // Made when the first row is looked up. The keys are those in rows_.
  std::unordered_map<std::string_view, Candidate*> by_key_;
  bool indexed_ = false;
  std::priority_queue<Candidate*, std::vector<Candidate*>, Behind> contest_;
  std::vector<ColumnId> unique_columns_;
  std::vector<ColumnId> local_columns_;
  Image image_;  // scratch
  std::vector<ColumnId> run_columns_;
  ColsetNumber run_colset_ = 0;
};

}  // namespace rejoin
