#include "tests/store/memory_session.h"

namespace rejoin {
namespace {

tl::unexpected<Error> NoSavepoint() { return Fail(Code::kSql, "no such savepoint"); }

}  // namespace

Status MemorySession::Begin() {
  if (open_) return Fail(Code::kSql, "a transaction within a transaction");
  open_ = true;
  return {};
}

Status MemorySession::RunTogether(const Transaction& ops) {
  if (!open_) return store_.Commit(ops);
  const std::size_t before = done_.size();
  done_.insert(done_.end(), ops.begin(), ops.end());
  const Status checked = store_.Check(done_);
  if (!checked) done_.resize(before);
  return checked;
}

Status MemorySession::SetSavepoint() {
  savepoints_.push_back(done_.size());
  return {};
}

Status MemorySession::RollBackToSavepoint() {
  if (savepoints_.empty()) return NoSavepoint();
  done_.resize(savepoints_.back());
  return {};
}

Status MemorySession::ReleaseSavepoint() {
  if (savepoints_.empty()) return NoSavepoint();
  savepoints_.pop_back();
  return {};
}

Status MemorySession::Commit() {
  const Status committed = store_.Commit(done_);
  REJOIN_TRY(RollBack());
  return committed;
}

Status MemorySession::RollBack() {
  open_ = false;
  done_.clear();
  savepoints_.clear();
  return {};
}

}  // namespace rejoin
