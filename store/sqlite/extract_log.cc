#include "store/sqlite/extract_log.h"

#include <algorithm>
#include <deque>
#include <iterator>
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
  }

  Status Take(const LogRecord& record) {
    if (record.overflow) GiveUp();
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

  const VersionVector& vector() const { return walk_.vector; }
  bool lists_all() const { return lists_all_; }

  LogWalk Finish() {
    if (!lists_all_) return std::move(walk_);
    const auto place = [](const TouchedKey& key) { return std::tie(key.table, key.key); };
    const auto before = [&place](const TouchedKey& a, const TouchedKey& b) { return place(a) < place(b); };
    const auto same = [&place](const TouchedKey& a, const TouchedKey& b) { return place(a) == place(b); };
    std::sort(keys_.begin(), keys_.end(), before);
    keys_.erase(std::unique(keys_.begin(), keys_.end(), same), keys_.end());
    walk_.keys.emplace(std::make_move_iterator(keys_.begin()), std::make_move_iterator(keys_.end()));
    return std::move(walk_);
  }

 private:
  Status Take(const Change& change) {
    if (!change.key_hash) {
      Take(change.table, change.key);
    } else if (lists_all_) {
      Key key;
      REJOIN_ASSIGN(const bool known, new_rows_.Find(change, keys_, key));
      if (!known) {
        GiveUp();
      } else if (!key.empty()) {
        Take(change.table, key);
      }
    }
    return {};
  }

  void Take(TableNumber table, const Key& key) {
    if (!lists_all_) return;
    bytes_ += sizeof(TouchedKey) + key.size();
    if (bytes_ > limit_) return GiveUp();
    keys_.push_back({table, key});
  }

  void GiveUp() {
    lists_all_ = false;
    std::deque<TouchedKey>().swap(keys_);
  }

  Engine& engine_;
  std::size_t limit_;
  NewRowKeys new_rows_;
  std::size_t bytes_ = 0;
  bool lists_all_ = true;
  std::deque<TouchedKey> keys_;  // a vector that grows takes three times as much for a moment
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
    covered = covered || since.Covers(walk.vector());
    return walk.lists_all();
  };
  // All rows of one transaction have its stamp, so another one's ends the walk.
  const auto stop_before = [&](const LogRecord& record) {
    whole = whole || (covered && record.own != own);
    return covered && record.own != own;
  };
  REJOIN_TRY(ForEachBackwards(engine, 0, take, stop_before));
  if (!covered || !whole || !walk.lists_all()) return std::optional<LogWalk>();
  return std::optional<LogWalk>(walk.Finish());
}

}  // namespace rejoin
