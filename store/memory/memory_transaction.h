// One local transaction on the memory store: statements change a working copy of
// what is shown, as SQL would; then its net effect becomes row deltas.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "store/memory/memory_table.h"

namespace rejoin {

struct RowChange {
  std::string table;
  Key key;
  RowState delta;
};

// Reads `tables`, which must outlive it, and never writes them. After an error
// it is to be thrown away.
class MemoryTransaction {
 public:
  explicit MemoryTransaction(const std::map<std::string, MemoryTable>& tables) : tables_(tables) {}

  // kSql where SQL would report a broken constraint, kUnknownTable,
  // kInvalidArgument for columns or keys that do not fit the table.
  Status Apply(const Op& op);

  // What it adds to the states, under one stamp; empty where nothing changed.
  // Rules: docs/merge_rules.md, section 2.
  std::vector<RowChange> NetEffect(const Stamp& stamp) const;

 private:
  struct WorkingRow {
    Row row;
    // The key under which the row stood when the transaction began; nullopt:
    // it was made in this transaction.
    std::optional<Key> origin;
  };
  struct Touched {
    bool displaced = false;  // the row that was there last went by a REPLACE
    bool unknown = false;    // and one came after it: nobody knows the values of before
    Row last;                // the row that went last
  };
  struct Work {
    const MemoryTable* table = nullptr;
    Rows before;
    std::map<Key, WorkingRow> now;
    std::map<Key, Touched> touched;  // keys that statements reached
  };

  Result<Work*> WorkOn(const Op& op);
  static Status Make(Work& work, const Op& op);
  static Status Edit(Work& work, const Op& op, const Key& new_key);
  static void Remove(Work& work, const Key& key, bool displaced);
  static std::vector<Key> InTheWay(const Work& work, const Key& own, const Key& key,
                                   const Row& row);
  static void Put(Work& work, const Key& key, WorkingRow row);
  static RowState Effect(const Work& work, const Key& key, const Touched& touched,
                         const Stamp& stamp);
  static RowState EffectOfPassing(const Work& work, const Key& key, const Row& last,
                                  const Stamp& stamp);
  static std::vector<Cell> Carried(const Work& work, const Key& from, const Key& to);

  const std::map<std::string, MemoryTable>& tables_;
  std::map<std::string, Work> work_;
};

}  // namespace rejoin
