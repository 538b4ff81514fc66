// SQL's transactions over a memory store: what survives of them is committed as one.
#pragma once

#include <vector>

#include "store/memory/memory_store.h"

namespace rejoin {

class MemorySession {
 public:
  explicit MemorySession(MemoryStore& store) : store_(store) {}

  // As TestReplica has them.
  Status Begin();
  Status Run(const Op& op) { return RunTogether({op}); }
  Status RunTogether(const Transaction& ops);
  Status SetSavepoint();
  Status RollBackToSavepoint();
  Status ReleaseSavepoint();
  Status Commit();
  Status RollBack();

 private:
  MemoryStore& store_;
  bool open_ = false;
  Transaction done_;
  std::vector<std::size_t> savepoints_;  // sizes of done_
};

}  // namespace rejoin
