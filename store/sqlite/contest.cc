// Rows that want the same UNIQUE value: the second pass of Showing.
#include <algorithm>

#include "store/show_order.h"
#include "store/sqlite/showing.h"

namespace rejoin {

bool Showing::Behind::operator()(const Candidate* a, const Candidate* b) const {
  return *a->stamp != *b->stamp ? *a->stamp < *b->stamp : a->row.key > b->row.key;
}

void Showing::Enter(Candidate& candidate) {
  candidate.stamp = ShowStamp(candidate.row.state, table_.rules, unique_columns_);
  contest_.push(&candidate);
}

// Rows known here already are pending ones, which get their turn anyway, or came
// this way before.
Status Showing::EnterHiddenBehind(const Key& holder) {
  REJOIN_ASSIGN(const std::vector<Key> hidden, HiddenBehind(engine_, table_.number, holder));
  for (const Key& key : hidden) {
    if (Known(key) != nullptr) continue;
    REJOIN_ASSIGN(Candidate* const candidate, Drag(key));
    if (!candidate->in_table) Enter(*candidate);
  }
  return {};
}

Status Showing::Settle() {
  while (!contest_.empty()) {
    Candidate& next = *contest_.top();
    contest_.pop();
    REJOIN_TRY(Decide(next));
  }
  return {};
}

Status Showing::Decide(Candidate& candidate) {
  for (;;) {
    REJOIN_ASSIGN(const Written written, PutIn(candidate));
    if (written == Written::kDone) return {};
    if (written == Written::kRefused) {
      Refuse(candidate, QuarantineReason::kCheck, writer_.refusal());
      return {};
    }
    REJOIN_ASSIGN(const bool room, MakeRoom(candidate));
    if (!room) return {};
  }
}

// PutIn said kTaken. False: the row is refused now.
Result<bool> Showing::MakeRoom(Candidate& candidate) {
  const Key& key = candidate.row.key;
  const std::string refusal = writer_.refusal();
  REJOIN_ASSIGN(const std::optional<Key> holder,
                writer_.FindHolder(key, candidate.rowid.value_or(0), image_));
  if (!holder) {
    RefuseBehind(candidate, refusal + " by a row with a NULL in its key", std::nullopt);
    return false;
  }
  if (*holder == key) {
    REJOIN_TRY(RefuseItself(candidate, refusal));
    return false;
  }
  REJOIN_ASSIGN(Candidate* const other, Find(*holder));
  const std::string detail = refusal + " by the row with the key " + KeyText(*holder);
  if (other->row.state.empty()) {
    // Written without us: it is nobody's to take away.
    RefuseBehind(candidate, detail, holder);
    return false;
  }
  if (!other->stamp) {
    other->stamp = ShowStamp(other->row.state, table_.rules, unique_columns_);
  }
  if (Behind()(&candidate, other)) {
    RefuseBehind(candidate, detail, holder);
    return false;
  }
  REJOIN_TRY(TakeOut(*other));
  contest_.push(other);
  if (any_hidden_) REJOIN_TRY(EnterHiddenBehind(*holder));
  return true;
}

// Nothing but the row itself is in its way: then a trigger's statement failed
// (the probe, without triggers, has put the row in).
Status Showing::RefuseItself(Candidate& candidate, std::string detail) {
  if (!table_.fire_triggers) {
    return Fail(Code::kCorrupt, "table " + *table_.local + " holds a row with the key " +
                                    KeyText(candidate.row.key) +
                                    " which its metadata does not know; run rejoin doctor");
  }
  REJOIN_TRY(writer_.Delete(candidate.row.key, *candidate.rowid));
  Refuse(candidate, QuarantineReason::kCheck, std::move(detail));
  return {};
}

void Showing::RefuseBehind(Candidate& candidate, const std::string& detail,
                           const std::optional<Key>& holder) {
  candidate.refusal = Refusal{QuarantineReason::kUnique, detail, holder.value_or(Key())};
}

Showing::Candidate* Showing::Known(const Key& key) {
  if (!indexed_) {
    for (Candidate& candidate : rows_) by_key_.emplace(candidate.row.key, &candidate);
    indexed_ = true;
  }
  const auto known = by_key_.find(key);
  return known == by_key_.end() ? nullptr : known->second;
}

Result<Showing::Candidate*> Showing::Find(const Key& key) {
  if (Candidate* const known = Known(key)) return known;
  REJOIN_ASSIGN(Candidate* const dragged, Drag(key));
  if (dragged->in_table) return dragged;
  return Fail(Code::kCorrupt, "table " + *table_.local + " holds a row with the key " + KeyText(key) +
                                  " that cannot be found by it; run PRAGMA integrity_check");
}

Result<Showing::Candidate*> Showing::Drag(const Key& key) {
  REJOIN_ASSIGN(LocatedRow row, LoadRow(engine_, table_, key));
  Candidate& candidate = rows_.emplace_back();
  candidate.pending = false;
  candidate.in_table = row.in_table;
  if (row.in_table) candidate.rowid = row.rowid;
  candidate.row.key = key;
  candidate.row.state = row.state;
  candidate.row.before = std::move(row);
  candidate.row.state_changed = false;
  by_key_.emplace(candidate.row.key, &candidate);
  return &candidate;
}

}  // namespace rejoin
