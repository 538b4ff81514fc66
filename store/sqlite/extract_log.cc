#include "store/sqlite/extract_log.h"

#include <algorithm>
#include <tuple>

#include "store/sqlite/new_row_keys.h"

namespace rejoin {
namespace {

// Of a log that was never trimmed.
constexpr std::uint64_t kFirstPosition = 1;

// Gathers what log rows say, newest first.
class Walk {
 public:
  Walk(Engine& engine, const VersionVector& vector)
      : engine_(engine), limit_(engine.limits.listed_keys_bytes), new_rows_(engine) {
    walk_.vector = vector;
    walk_.keys.emplace();
  }

  Status Take(const LogRecord& record) {
    if (record.overflow) walk_.keys.reset();
    for (const Change& change : record.changes) REJOIN_TRY(Take(change));
    for (const TouchedKey& touched : record.touched) Take(touched.table, touched.key);
    for (const Advance& advance : record.advances) {
      const ReplicaId* const replica = engine_.catalog.Lookup(advance.replica);
      if (replica == nullptr) {
        return Fail(Code::kCorrupt, "rejoin__log names a replica that is not there; run rejoin doctor");
      }
      walk_.vector.Set(*replica, advance.from);
    }
    return {};
  }

  const LogWalk& so_far() const { return walk_; }

  LogWalk Finish() {
    if (walk_.keys) {
      auto& keys = *walk_.keys;
      const auto place = [](const TouchedKey& key) { return std::tie(key.table, key.key); };
      std::sort(keys.begin(), keys.end(), [&place](const TouchedKey& a, const TouchedKey& b) {
        return place(a) < place(b);
      });
      keys.erase(std::unique(keys.begin(), keys.end(),
                             [&place](const TouchedKey& a, const TouchedKey& b) {
                               return place(a) == place(b);
                             }),
                 keys.end());
    }
    return std::move(walk_);
  }

 private:
  Status Take(const Change& change) {
    if (!change.key_hash) {
      Take(change.table, change.key);
    } else if (walk_.keys) {
      Key key;
      REJOIN_ASSIGN(const bool known, new_rows_.Find(change, *walk_.keys, key));
      if (!known) {
        walk_.keys.reset();
      } else if (!key.empty()) {
        Take(change.table, key);
      }
    }
    return {};
  }

  void Take(TableNumber table, const Key& key) {
    if (!walk_.keys) return;
    bytes_ += sizeof(TouchedKey) + key.size();
    if (bytes_ > limit_) return walk_.keys.reset();
    walk_.keys->push_back({table, key});
  }

  Engine& engine_;
  std::size_t limit_;
  NewRowKeys new_rows_;
  std::size_t bytes_ = 0;
  LogWalk walk_;
};

}  // namespace

Result<LogWalk> WalkBackTo(Engine& engine, std::uint64_t position, const VersionVector& vector) {
  Walk walk(engine, vector);
  const auto take = [&walk](const LogRecord& record) -> Result<bool> {
    REJOIN_TRY(walk.Take(record));
    return true;
  };
  REJOIN_TRY(ForEachBackwards(engine, position, take));
  return walk.Finish();
}

Result<std::optional<LogWalk>> WalkBackUntilCovered(Engine& engine, const VersionVector& since,
                                                    const VersionVector& vector) {
  Walk walk(engine, vector);
  bool covered = since.Covers(vector);
  if (covered) return std::optional<LogWalk>(walk.Finish());
  HybridTimestamp own;  // of the row taken last
  // The log begins here: that row may be the end of a transaction whose other
  // rows were trimmed.
  bool whole = false;
  const auto take = [&](const LogRecord& record) -> Result<bool> {
    // Rows without an advance belong to the one behind them that has it.
    whole = whole || (covered && !record.advances.empty());
    if (whole) return false;
    REJOIN_TRY(walk.Take(record));
    whole = record.cursor.position == kFirstPosition;
    own = record.own;
    covered = covered || since.Covers(walk.so_far().vector);
    return walk.so_far().keys.has_value();
  };
  // All rows of one transaction have its stamp, so another one's ends the walk.
  const auto stop_before = [&](const LogRecord& record) {
    whole = whole || (covered && record.own != own);
    return covered && record.own != own;
  };
  REJOIN_TRY(ForEachBackwards(engine, 0, take, stop_before));
  if (!covered || !whole || !walk.so_far().keys) return std::optional<LogWalk>();
  return std::optional<LogWalk>(walk.Finish());
}

}  // namespace rejoin
