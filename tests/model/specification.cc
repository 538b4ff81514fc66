#include "tests/model/specification.h"

#include <algorithm>

namespace rejoin {

// One incarnation: the winning write of each column, and whether it lives.
struct Specification::Life {
  std::map<std::string, std::pair<Stamp, Value>> columns;
  bool alive = false;
};

struct Specification::Lives {
  std::map<Stamp, Life> by_birth;

  std::vector<std::pair<Stamp, const Life*>> Living() const {  // latest birth first
    std::vector<std::pair<Stamp, const Life*>> living;
    for (const auto& [birth, life] : by_birth) {
      if (life.alive) living.insert(living.begin(), {birth, &life});
    }
    return living;
  }
};

Specification::Lives Specification::LivesOf(const Facts& known, const Key& key) const {
  Lives lives;
  std::set<Stamp> observed;
  bool ever_removed = false;
  for (const Fact& fact : known) {
    if (fact.key != key) continue;
    if (fact.kind == Fact::Kind::kRemove) {
      ever_removed = true;
      observed.insert(fact.observed.begin(), fact.observed.end());
      continue;
    }
    Life& life = lives.by_birth[fact.birth];
    if (fact.kind == Fact::Kind::kMake) continue;
    auto& winner = life.columns[fact.column];
    winner = std::max(winner, std::pair(fact.stamp, fact.value));
  }
  const auto keeps_alive = [&](const Stamp& tag) {
    return tag.rank == Rank::kAdopted ? !ever_removed : observed.count(tag) == 0;
  };
  for (auto& [birth, life] : lives.by_birth) {
    life.alive = keeps_alive(birth);
    if (def_.rules.delete_wins) continue;
    for (const auto& [column, winner] : life.columns) {
      if (keeps_alive(winner.first)) life.alive = true;
    }
  }
  return lives;
}

bool Specification::Clashes(const Lives& lives) const {
  const auto living = lives.Living();
  if (living.size() < 2) return false;
  if (living.front().first.rank != Rank::kAdopted) return true;  // the newest was written
  std::map<std::string, std::set<Value>> adopted;
  for (const auto& [birth, life] : living) {
    for (const auto& [column, winner] : life->columns) {
      if (winner.first.rank == Rank::kAdopted) adopted[column].insert(winner.second);
    }
  }
  return std::any_of(adopted.begin(), adopted.end(),
                     [](const auto& values) { return values.second.size() > 1; });
}

std::map<std::string, std::pair<Stamp, Value>> Specification::Cells(const Lives& lives) const {
  const auto living = lives.Living();
  if (living.empty()) return {};
  auto cells = living.front().second->columns;
  const bool copies = living.front().first.rank == Rank::kAdopted;
  if (def_.rules.same_key == SameKey::kNewest && !copies) return cells;
  for (const auto& [birth, life] : living) {
    for (const auto& [column, winner] : life->columns) {
      auto& shown = cells[column];
      shown = std::max(shown, winner);
    }
  }
  return cells;
}

Picture Specification::Look(const Facts& known) const {
  std::set<Key> keys;
  for (const Fact& fact : known) keys.insert(fact.key);
  Picture picture;
  std::map<Key, Lives> present;
  for (const Key& key : keys) {
    Lives lives = LivesOf(known, key);
    if (lives.Living().empty()) continue;
    Row& row = picture.present[key];
    for (const auto& [column, winner] : Cells(lives)) row[column] = winner.second;
    if (Clashes(lives)) {
      KeyClash clash{def_.name, key, {}};
      for (const auto& [birth, life] : lives.Living()) {
        Row& side = clash.sides.emplace_back();
        for (const auto& [column, winner] : life->columns) side[column] = winner.second;
      }
      picture.clashes.push_back(std::move(clash));
    }
    present.emplace(key, std::move(lives));
  }
  Arrange(present, picture);
  return picture;
}

// Section 4: which of the present rows are shown.
void Specification::Arrange(const std::map<Key, Lives>& present, Picture& picture) const {
  std::vector<std::pair<Stamp, Key>> order;
  std::map<Key, Row> rows;
  for (const auto& [key, lives] : present) {
    const auto cells = Cells(lives);
    Row& row = rows[key];
    for (const ColumnDef& column : def_.columns) {
      const auto cell = cells.find(column.name);
      row[column.name] = cell == cells.end() ? column.default_value : cell->second.second;
    }
    std::set<Stamp> of_unique;
    for (const auto& set : def_.unique_sets) {
      for (const std::string& name : set) {
        if (cells.count(name) > 0) of_unique.insert(cells.at(name).first);
      }
    }
    order.emplace_back(of_unique.empty() ? lives.Living().front().first : *of_unique.rbegin(),
                       key);
  }
  std::stable_sort(order.begin(), order.end(),  // the map has the keys in ascending order
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& place : order) {
    const Row& row = rows[place.second];
    const bool shares = std::any_of(
        picture.shown.begin(), picture.shown.end(), [&](const auto& taken) {
          return std::any_of(def_.unique_sets.begin(), def_.unique_sets.end(), [&](const auto& set) {
            return std::all_of(set.begin(), set.end(), [&](const std::string& name) {
              return row.at(name) != Value::Null() && row.at(name) == taken.second.at(name);
            });
          });
        });
    if (shares) {
      picture.hidden.push_back({def_.name, place.second, Hidden::kUnique});
    } else {
      picture.shown[place.second] = row;
    }
  }
  std::sort(picture.hidden.begin(), picture.hidden.end());
}

// --- Writing -------------------------------------------------------------------

// A transaction under way.
struct Specification::Draft {
  Rows rows;
  std::set<Key> displaced;       // by REPLACE, and nothing came to the key since
  std::set<Key> unknown_before;  // something did
  std::set<Key> reached;
  Rows last;  // what rows held when they went
};

bool Specification::Put(const Key& old_key, const Key& key, const Row& row, bool replace,
                        Draft& draft) const {
  std::set<Key> in_the_way;
  for (const auto& [other, there] : draft.rows) {
    if (other == old_key) continue;
    const Row& other_row = there;
    const bool clashes =
        other == key ||
        std::any_of(def_.unique_sets.begin(), def_.unique_sets.end(), [&](const auto& set) {
          return std::all_of(set.begin(), set.end(), [&](const std::string& name) {
            return row.at(name) != Value::Null() && row.at(name) == other_row.at(name);
          });
        });
    if (clashes) in_the_way.insert(other);
  }
  if (!in_the_way.empty() && !replace) return false;
  for (const Key& displaced : in_the_way) {
    draft.reached.insert(displaced);
    draft.displaced.insert(displaced);
    draft.last[displaced] = draft.rows.at(displaced);
    draft.rows.erase(displaced);
  }
  if (draft.rows.count(old_key) > 0) draft.last[old_key] = draft.rows.at(old_key);
  draft.rows.erase(old_key);
  if (draft.displaced.erase(key) > 0) draft.unknown_before.insert(key);
  draft.reached.insert({old_key, key});
  draft.rows[key] = row;
  return true;
}

bool Specification::Execute(const Op& op, Draft& draft) const {
  using Kind = Op::Kind;
  const auto at = draft.rows.find(op.key);
  const bool exists = at != draft.rows.end();
  const bool makes =
      op.kind == Kind::kInsert || op.kind == Kind::kReplace || (op.kind == Kind::kUpsert && !exists);
  if (makes) {
    if (exists && op.kind == Kind::kInsert) return false;
    Row row = op.values;
    for (const ColumnDef& column : def_.columns) row.emplace(column.name, column.default_value);
    // Nothing stands at an empty key: the row comes from nowhere.
    Draft attempt = draft;
    if (!Put(Key(), op.key, row, op.kind == Kind::kReplace, attempt)) return false;
    attempt.reached.erase(Key());
    draft = std::move(attempt);
    return true;
  }
  if (!exists) return true;
  if (op.kind == Kind::kDelete) {
    draft.reached.insert(op.key);
    draft.last[op.key] = at->second;
    draft.rows.erase(at);
    return true;
  }
  Row row = at->second;
  for (const auto& [column, value] : op.values) row[column] = value;
  return Put(op.key, op.kind == Kind::kChangeKey ? op.new_key : op.key, row, false, draft);
}

void Specification::Made(const Key& key, const Stamp& stamp, const Row& row, Facts& facts) {
  facts.push_back({Fact::Kind::kMake, key, stamp, stamp, {}, {}, {}});
  for (const auto& [column, value] : row) {
    facts.push_back({Fact::Kind::kWrite, key, stamp, stamp, column, value, {}});
  }
}

Facts Specification::Write(const Facts& known, const Transaction& transaction,
                           const Stamp& stamp) const {
  const Rows before = Look(known).shown;
  Draft draft;
  draft.rows = before;
  for (const Op& op : transaction) {
    if (!Execute(op, draft)) return {};
  }
  Facts facts;
  for (const Key& key : draft.reached) {
    const Lives lives = LivesOf(known, key);
    const auto was = before.find(key);
    const auto is = draft.rows.find(key);
    if (is == draft.rows.end() && was == before.end()) continue;
    if (is == draft.rows.end()) {
      Fact remove{Fact::Kind::kRemove, key, stamp, {}, {}, {}, {}};
      for (const auto& [birth, life] : lives.by_birth) {
        remove.observed.insert(birth);
        for (const auto& [column, winner] : life.columns) remove.observed.insert(winner.first);
      }
      if (draft.unknown_before.count(key) > 0) {
        const Stamp birth = lives.Living().front().first;
        for (const auto& [column, value] : draft.last.at(key)) {
          facts.push_back({Fact::Kind::kWrite, key, stamp, birth, column, value, {}});
        }
        remove.observed.insert(stamp);
      }
      facts.push_back(std::move(remove));
    } else if (lives.Living().empty()) {
      Made(key, stamp, is->second, facts);
    } else {
      const Stamp birth = lives.Living().front().first;
      const bool all = was == before.end() || draft.unknown_before.count(key) > 0;
      for (const auto& [column, value] : is->second) {
        if (!all && was->second.at(column) == value) continue;
        facts.push_back({Fact::Kind::kWrite, key, stamp, birth, column, value, {}});
      }
    }
  }
  return facts;
}

Facts Specification::Adopt(const Rows& rows, const Stamp& stamp) const {
  Facts facts;
  for (const auto& [key, found] : rows) {
    Row row = found;
    for (const ColumnDef& column : def_.columns) row.emplace(column.name, column.default_value);
    Made(key, stamp, row, facts);
  }
  return facts;
}

}  // namespace rejoin
