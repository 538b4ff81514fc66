// Honest histories of one row: what replicas that obey the rules can come to
// hold, as opposed to any well-formed state. Laws about vectors and deltas are
// promised for these only.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/crdt/generators.h"

namespace rejoin {

// One step of a history, at one site.
struct RowStep {
  enum class Kind : std::uint8_t { kInsert, kAdopt, kUpdate, kDelete, kHear };
  Kind kind = Kind::kInsert;
  std::uint8_t site = 0;
  std::uint8_t peer = 0;  // of kHear
  ColumnId column = 0;    // of kUpdate; kInsert and kAdopt write columns 0 to 2
  std::int64_t number = 0;
  std::uint8_t wall_ms = 0;  // clocks differ, and jump
};

struct RowSite {
  ReplicaId replica;
  RowState state;
  VersionVector vector;
  HybridTimestamp latest;
};

class RowHistory {
 public:
  static constexpr std::uint8_t kSites = 4;
  // Rules must not differ between the sites of one history.
  explicit RowHistory(RowRules rules) : rules_(rules), sites_(kSites) {
    for (std::uint8_t i = 0; i < kSites; ++i) sites_[i].replica = PoolReplica(i);
  }

  void Play(const std::vector<RowStep>& steps) {
    for (const RowStep& step : steps) Play(step);
  }

  const std::vector<RowSite>& sites() const { return sites_; }
  // What the mutators returned, in the order of the steps.
  const std::vector<RowState>& deltas() const { return deltas_; }
  // Every site as it was after each of its steps.
  const std::vector<RowSite>& past() const { return past_; }

 private:
  void Play(const RowStep& step) {
    RowSite& site = sites_[step.site];
    if (step.kind == RowStep::Kind::kHear) {
      const RowSite& peer = sites_[step.peer];
      Join(site.state, peer.state);
      site.vector.Join(peer.vector);
      site.latest = std::max(site.latest, peer.latest);
    } else {
      Write(step, site);
    }
    past_.push_back(site);
  }

  void Write(const RowStep& step, RowSite& site) {
    using Kind = RowStep::Kind;
    const bool present = IsPresent(site.state, rules_);
    if (present == (step.kind == Kind::kInsert || step.kind == Kind::kAdopt)) return;
    site.latest = Tick(site.latest, step.wall_ms);
    const Rank rank = step.kind == Kind::kAdopt ? Rank::kAdopted : Rank::kWritten;
    const Stamp stamp{rank, site.latest, site.replica};
    RowState delta;
    if (step.kind == Kind::kUpdate) {
      delta = UpdateDelta(site.state, rules_, stamp,
                          {{step.column, {}, Value::Integer(step.number)}});
    } else if (step.kind == Kind::kDelete) {
      delta = DeleteDelta(site.state, stamp);
    } else {
      delta = InsertDelta(stamp, {{2, {}, Value::Integer(step.number)},
                                  {0, {}, Value::Integer(step.number)},
                                  {1, {}, Value::Null()}});
    }
    Join(site.state, delta);
    site.vector.Raise(site.replica, site.latest);
    deltas_.push_back(std::move(delta));
  }

  RowRules rules_;
  std::vector<RowSite> sites_;
  std::vector<RowState> deltas_;
  std::vector<RowSite> past_;
};

inline void showValue(const RowStep& step, std::ostream& out) {
  constexpr const char* kNames[] = {"insert", "adopt", "update", "delete", "hear"};
  out << kNames[static_cast<int>(step.kind)] << " at " << int{step.site} << " peer "
      << int{step.peer} << " column " << step.column << " number " << step.number << " wall "
      << int{step.wall_ms} << '\n';
}

}  // namespace rejoin

namespace rc {

template <>
struct Arbitrary<rejoin::RowStep> {
  static Gen<rejoin::RowStep> arbitrary() {
    using rejoin::RowStep;
    using Kind = RowStep::Kind;
    const auto site = rejoin::Within<std::uint8_t>(0, rejoin::RowHistory::kSites);
    return gen::build<RowStep>(
        gen::set(&RowStep::kind,
                 gen::weightedElement<Kind>({{3, Kind::kInsert},
                                             {1, Kind::kAdopt},
                                             {4, Kind::kUpdate},
                                             {3, Kind::kDelete},
                                             {6, Kind::kHear}})),
        gen::set(&RowStep::site, site), gen::set(&RowStep::peer, site),
        gen::set(&RowStep::column, rejoin::Within<rejoin::ColumnId>(0, 4)),
        gen::set(&RowStep::number, rejoin::Within<std::int64_t>(0, 3)),
        gen::set(&RowStep::wall_ms, rejoin::Within<std::uint8_t>(0, 4)));
  }
};

}  // namespace rc
