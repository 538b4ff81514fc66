// A digest of the whole file, slice by slice (sync_store.h, MarkState).
//
// What a digest is of may change between two slices: by a commit, which moves the head,
// by what gives rows other rowids without one (VACUUM), or by a table that is tracked no
// longer. Then it begins anew.
#pragma once

#include <optional>

#include "store/sqlite/engine.h"
#include "store/sqlite/extract_scan.h"
#include "store/sync_store.h"

namespace rejoin {

class StateMarking {
 public:
  Result<std::optional<StateMark>> GoOn(Engine& engine, std::uint64_t most_rows);

 private:
  struct Moment {
    Cursor head;
    std::uint64_t layout = 0;
    std::optional<Value> catalog;

    friend bool operator==(const Moment&, const Moment&) = default;
  };

  static Result<Moment> MomentOf(Engine& engine, const Cursor& head);
  Result<bool> Scan(Engine& engine, std::uint64_t most_rows);

  std::optional<Moment> moment_;  // that the rows so far were of; nullopt: there are none
  TableNumber table_ = 0;
  ScanPlace place_;
  StateMark mark_;
};

}  // namespace rejoin
