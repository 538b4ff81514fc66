// docs/merge_rules.md once more, independently: what a set of changes means.
//
// It keeps no states and joins nothing. Each write leaves facts behind; what a
// replica shows is worked out from the set of facts that it knows, each time from
// the beginning. A remove lists every tag that it observed, one by one, where the
// product keeps one number per replica; so the two can only agree if that number
// is enough. Nothing of crdt/row_state.h or of the stores is called.
//
// One table, all replicas with the same schema; values compare as they are.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "store/memory/table_def.h"

namespace rejoin {

struct Fact {
  enum class Kind : std::uint8_t { kMake, kWrite, kRemove };
  Kind kind = Kind::kMake;
  Key key;
  Stamp stamp;
  Stamp birth;               // of the incarnation made or written
  std::string column;        // of kWrite
  Value value;               // of kWrite
  std::set<Stamp> observed;  // of kRemove
};
using Facts = std::vector<Fact>;

// Everything that a replica shows of its table.
struct Picture {
  Rows shown;
  std::vector<KeyClash> clashes;
  std::vector<QuarantinedRow> hidden;
  Rows present;  // what is shared: rows shown or not, written columns only

  friend bool operator==(const Picture&, const Picture&) = default;
};

class Specification {
 public:
  explicit Specification(TableDef def) : def_(std::move(def)) {}

  Picture Look(const Facts& known) const;
  // The facts that a local transaction adds; none where it fails or changes nothing.
  Facts Write(const Facts& known, const Transaction& transaction, const Stamp& stamp) const;
  Facts Adopt(const Rows& rows, const Stamp& stamp) const;

 private:
  struct Life;
  struct Lives;
  struct Draft;

  Lives LivesOf(const Facts& known, const Key& key) const;
  bool Clashes(const Lives& lives) const;
  std::map<std::string, std::pair<Stamp, Value>> Cells(const Lives& lives) const;
  void Arrange(const std::map<Key, Lives>& present, Picture& picture) const;
  bool Execute(const Op& op, Draft& draft) const;
  bool Put(const Key& old_key, const Key& key, const Row& row, bool replace, Draft& draft) const;
  static void Made(const Key& key, const Stamp& stamp, const Row& row, Facts& facts);

  TableDef def_;
};

}  // namespace rejoin
