// A row whose delete had seen all that was ever written to it does not come back, unless
// somebody writes it anew. Looked at in the table "item", where nothing hides a row.
#include <map>
#include <optional>

#include "tests/sim/checker.h"

namespace rejoin::sim {
namespace {

class Resurrection final : public Checker {
 public:
  using Checker::Checker;

  void OnWrite(Node& node, const Written& written) override {
    if (!written.changed) return;
    const Stamp stamp{Rank::kWritten, node.vector.Get(node.id), node.id};
    const Rows shown = node.machine->device()->Shown("item");
    for (const Op& op : written.transaction) {
      if (op.table != "item") continue;
      Note(op.key, stamp, written, shown.count(op.key) > 0);
      if (op.kind == Op::Kind::kChangeKey) Note(op.new_key, stamp, written, shown.count(op.new_key) > 0);
    }
  }

  void OnChange(Node& node, Cause cause, const VersionVector&) override {
    // Its changes have other times now, and what covered them says nothing.
    if (cause == Cause::kCorrection) Forget(node);
    if (cause != Cause::kWrite) Check(node);
  }

  // It may have them under another id, without being told that it is another one yet.
  void OnPutBack(Node& node) override { Forget(node); }

 private:
  struct Life {
    VersionVector writes;  // all that were ever made
    bool unknown = false;
    std::optional<Stamp> deleted;  // by who had seen them
  };

  void Note(const Key& key, const Stamp& stamp, const Written& written, bool is_there) {
    Life& life = lives_[key];
    if (is_there) {
      life.writes.Raise(stamp.replica, stamp.time);
      life.deleted.reset();
    } else if (!life.deleted && !life.unknown && !life.writes.empty() && written.before.Covers(life.writes)) {
      life.deleted = stamp;
    }
  }

  void Forget(const Node& author) {
    for (auto& [key, life] : lives_) {
      if (life.writes.Get(author.id).value == 0) continue;
      life.unknown = true;
      life.deleted.reset();
    }
  }

  bool HasGivenUp(const Life& life) const {
    for (const auto& [replica, time] : life.writes.entries()) {
      if (world_.IsGivenUp(replica)) return true;
    }
    return false;
  }

  void Check(Node& node) {
    TestReplica* const device = node.machine->device();
    // What is in an open transaction is shown to it, and to nobody else.
    if (device == nullptr || !node.here || node.open) return;
    std::optional<Rows> shown;
    for (const auto& [key, life] : lives_) {
      // Changes that went over to another id were seen under the old one.
      if (!life.deleted || !node.vector.Covers(*life.deleted) || HasGivenUp(life)) continue;
      if (!shown) shown = device->Shown("item");
      if (shown->count(key) == 0) continue;
      return world_.Fault("resurrection", Name(node) + " shows a row that was deleted by who had seen all of it");
    }
  }

  std::map<Key, Life> lives_;
};

}  // namespace

std::unique_ptr<Checker> CheckResurrection(World& world) { return std::make_unique<Resurrection>(world); }

}  // namespace rejoin::sim
