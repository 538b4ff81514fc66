#include "crdt/row_state.h"

#include <algorithm>
#include <tuple>

namespace rejoin {
namespace {

void JoinCell(Cell& into, const Cell& from, JoinOutcome& outcome) {
  if (from.stamp == into.stamp && from.value != into.value) outcome.duplicate_dot = true;
  if (std::tie(from.stamp, from.value) <= std::tie(into.stamp, into.value)) return;
  into.stamp = from.stamp;
  into.value = from.value;
  outcome.rose = true;
}

void JoinCells(std::vector<Cell>& into, const std::vector<Cell>& from, JoinOutcome& outcome) {
  std::size_t at = 0;
  for (const Cell& cell : from) {
    while (at < into.size() && into[at].column < cell.column) ++at;
    if (at < into.size() && into[at].column == cell.column) {
      JoinCell(into[at], cell, outcome);
    } else {
      into.insert(into.begin() + static_cast<std::ptrdiff_t>(at), cell);
      outcome.rose = true;
    }
  }
}

void JoinRemove(std::vector<Remove>& into, const Remove& from, JoinOutcome& outcome) {
  const auto at = std::lower_bound(
      into.begin(), into.end(), from.replica,
      [](const Remove& remove, const ReplicaId& replica) { return remove.replica < replica; });
  if (at == into.end() || at->replica != from.replica) {
    into.insert(at, from);
    outcome.rose = true;
  } else if (std::tie(at->tag, at->stamp) < std::tie(from.tag, from.stamp)) {
    *at = from;
    outcome.rose = true;
  }
}

bool BirthBefore(const Incarnation& incarnation, const Stamp& birth) {
  return incarnation.birth < birth;
}

// Adopted copies of one row clash only where they were adopted with unequal values.
bool Clash(const Incarnation& a, const Incarnation& b) {
  if (a.birth.rank != Rank::kAdopted || b.birth.rank != Rank::kAdopted) return true;
  auto other = b.cells.begin();
  for (const Cell& cell : a.cells) {
    while (other != b.cells.end() && other->column < cell.column) ++other;
    if (other == b.cells.end()) return false;
    if (other->column == cell.column && cell.stamp.rank == Rank::kAdopted &&
        other->stamp.rank == Rank::kAdopted && cell.value != other->value) {
      return true;
    }
  }
  return false;
}

void StampAndSort(std::vector<Cell>& cells, const Stamp& stamp) {
  for (Cell& cell : cells) cell.stamp = stamp;
  std::sort(cells.begin(), cells.end(),
            [](const Cell& a, const Cell& b) { return a.column < b.column; });
}

}  // namespace

JoinOutcome Join(RowState& into, const RowState& from) {
  JoinOutcome outcome;
  for (const Incarnation& incarnation : from.incarnations) {
    const auto at = std::lower_bound(into.incarnations.begin(), into.incarnations.end(),
                                     incarnation.birth, BirthBefore);
    if (at == into.incarnations.end() || at->birth != incarnation.birth) {
      into.incarnations.insert(at, incarnation);
      outcome.rose = true;
    } else {
      JoinCells(at->cells, incarnation.cells, outcome);
    }
  }
  for (const Remove& remove : from.removes) JoinRemove(into.removes, remove, outcome);
  return outcome;
}

bool IsCovered(const Stamp& tag, const std::vector<Remove>& removes) {
  if (tag.rank == Rank::kAdopted) return !removes.empty();
  return std::any_of(removes.begin(), removes.end(), [&tag](const Remove& remove) {
    return remove.replica == tag.replica && remove.tag >= tag.time;
  });
}

bool IsAlive(const Incarnation& incarnation, const std::vector<Remove>& removes, RowRules rules) {
  if (!IsCovered(incarnation.birth, removes)) return true;
  if (rules.delete_wins) return false;
  return std::any_of(incarnation.cells.begin(), incarnation.cells.end(),
                     [&removes](const Cell& cell) { return !IsCovered(cell.stamp, removes); });
}

bool IsPresent(const RowState& state, RowRules rules) {
  return ShownIncarnation(state, rules) != nullptr;
}

const Incarnation* ShownIncarnation(const RowState& state, RowRules rules) {
  for (auto at = state.incarnations.rbegin(); at != state.incarnations.rend(); ++at) {
    if (IsAlive(*at, state.removes, rules)) return &*at;
  }
  return nullptr;
}

bool HasKeyClash(const RowState& state, RowRules rules) {
  if (state.incarnations.size() < 2) return false;
  std::vector<const Incarnation*> living;
  for (const Incarnation& incarnation : state.incarnations) {
    if (IsAlive(incarnation, state.removes, rules)) living.push_back(&incarnation);
  }
  for (std::size_t i = 1; i < living.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (Clash(*living[i], *living[j])) return true;
    }
  }
  return false;
}

std::vector<const Cell*> ShownCells(const RowState& state, RowRules rules) {
  std::vector<const Cell*> shown;
  const Incarnation* const newest = ShownIncarnation(state, rules);
  if (newest == nullptr) return shown;
  for (const Cell& cell : newest->cells) shown.push_back(&cell);
  // Copies of one row adopted on several replicas are one row, not rivals.
  const bool whole = rules.same_key == SameKey::kNewest && newest->birth.rank != Rank::kAdopted;
  if (whole) return shown;

  for (const Incarnation& incarnation : state.incarnations) {
    if (&incarnation == newest || !IsAlive(incarnation, state.removes, rules)) continue;
    for (const Cell& cell : incarnation.cells) {
      const auto at = std::lower_bound(
          shown.begin(), shown.end(), cell.column,
          [](const Cell* one, ColumnId column) { return one->column < column; });
      if (at == shown.end() || (*at)->column != cell.column) {
        shown.insert(at, &cell);
      } else if (std::tie((*at)->stamp, (*at)->value) < std::tie(cell.stamp, cell.value)) {
        *at = &cell;
      }
    }
  }
  return shown;
}

std::optional<Stamp> LargestStamp(const RowState& state) {
  std::optional<Stamp> largest;
  const auto take = [&largest](const Stamp& stamp) {
    if (!largest || *largest < stamp) largest = stamp;
  };
  for (const Incarnation& incarnation : state.incarnations) {
    take(incarnation.birth);
    for (const Cell& cell : incarnation.cells) take(cell.stamp);
  }
  for (const Remove& remove : state.removes) take(remove.stamp);
  return largest;
}

HybridTimestamp LatestTime(const RowState& state) {
  HybridTimestamp latest;
  for (const Incarnation& incarnation : state.incarnations) {
    latest = std::max(latest, incarnation.birth.time);
    for (const Cell& cell : incarnation.cells) latest = std::max(latest, cell.stamp.time);
  }
  for (const Remove& remove : state.removes) latest = std::max(latest, remove.stamp.time);
  return latest;
}

RowState InsertDelta(const Stamp& stamp, std::vector<Cell> cells) {
  StampAndSort(cells, stamp);
  RowState delta;
  delta.incarnations.push_back({stamp, std::move(cells)});
  return delta;
}

RowState UpdateDelta(const RowState& state, RowRules rules, const Stamp& stamp,
                     std::vector<Cell> cells) {
  const Incarnation* const shown = ShownIncarnation(state, rules);
  if (shown == nullptr || cells.empty()) return {};
  StampAndSort(cells, stamp);
  RowState delta;
  delta.incarnations.push_back({shown->birth, std::move(cells)});
  return delta;
}

RowState DeleteDelta(const RowState& state, const Stamp& stamp) {
  RowState delta;
  JoinOutcome ignored;
  const auto observe = [&](const Stamp& tag) {
    JoinRemove(delta.removes, {tag.replica, tag.time, stamp}, ignored);
  };
  for (const Incarnation& incarnation : state.incarnations) {
    observe(incarnation.birth);
    for (const Cell& cell : incarnation.cells) observe(cell.stamp);
  }
  return delta;
}

RowState Since(const RowState& state, const VersionVector& vector) {
  RowState news;
  for (const Incarnation& incarnation : state.incarnations) {
    Incarnation part{incarnation.birth, {}};
    for (const Cell& cell : incarnation.cells) {
      if (!vector.Covers(cell.stamp)) part.cells.push_back(cell);
    }
    if (!part.cells.empty() || !vector.Covers(incarnation.birth)) {
      news.incarnations.push_back(std::move(part));
    }
  }
  for (const Remove& remove : state.removes) {
    if (!vector.Covers(remove.stamp)) news.removes.push_back(remove);
  }
  return news;
}

std::optional<Stamp> CutLater(RowState& delta, HybridTimestamp newest, const VersionVector& known) {
  std::optional<Stamp> latest;
  const auto is_later = [&](const Stamp& stamp) {
    if (stamp.time <= newest || known.Covers(stamp)) return false;
    if (!latest || latest->time < stamp.time) latest = stamp;
    return true;
  };
  const auto cell_is_later = [&is_later](const Cell& cell) { return is_later(cell.stamp); };
  const auto goes = [&](Incarnation& incarnation) {
    auto& cells = incarnation.cells;
    const auto kept = std::remove_if(cells.begin(), cells.end(), cell_is_later);
    const bool emptied = kept == cells.begin() && kept != cells.end();
    cells.erase(kept, cells.end());
    return is_later(incarnation.birth) || (emptied && known.Covers(incarnation.birth));
  };
  auto& incarnations = delta.incarnations;
  incarnations.erase(std::remove_if(incarnations.begin(), incarnations.end(), goes), incarnations.end());
  auto& removes = delta.removes;
  removes.erase(std::remove_if(removes.begin(), removes.end(),
                               [&is_later](const Remove& remove) { return is_later(remove.stamp); }),
                removes.end());
  return latest;
}

void RenumberColumns(RowState& state, const std::vector<ColumnId>& numbers) {
  for (Incarnation& incarnation : state.incarnations) {
    for (Cell& cell : incarnation.cells) cell.column = numbers[cell.column];
    std::sort(incarnation.cells.begin(), incarnation.cells.end(),
              [](const Cell& a, const Cell& b) { return a.column < b.column; });
  }
}

}  // namespace rejoin
