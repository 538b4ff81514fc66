// Transactions of the application that stay open for a while, mostly on the connection that the
// device's sessions use. Sessions have to wait meanwhile: two of three are committed, and one is
// taken back, with all that it wrote, and with the blob that it may have merged.
#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace rejoin::sim {
namespace {

constexpr std::uint64_t kMinuteMs = 60'000;

std::string DigestOf(Node& node) {
  const auto digest = node.machine->store().StateDigest({});
  return digest ? digest->Hex() : digest.error().message;
}

Status RunAll(TestReplica& device, const Transaction& transaction) {
  for (const Op& op : transaction) REJOIN_TRY(device.Run(op));
  return {};
}

}  // namespace

bool World::Hold(Node& node, const Transaction& transaction, std::uint64_t choice) {
  TestReplica* const device = node.machine->device();
  if (device == nullptr || node.machine->place().kind == 0) return false;
  OpenTransaction open{transaction, (choice >> 32) % 3 == 0, {}};
  if (open.is_taken_back) open.digest = DigestOf(node);
  if (!device->Begin()) return false;
  const bool merges = open.is_taken_back && !node.machine->kind().has_own_link && (choice >> 34) % 2 == 0 && !blobs_.empty();
  if (merges) {
    ViewSource source(blobs_[(choice >> 35) % blobs_.size()].bytes);
    const auto merged = node.machine->store().Merge(source);
    if (!merged && merged.error().code != Code::kNotCovered) Fault("blobs", merged.error().message);
  }
  if (!RunAll(*device, transaction)) return device->RollBack().has_value();
  Say("node " + std::to_string(node.number) + " has executed, and not committed: " + (merges ? "a merge, " : "") +
      (narrate_ ? Described(transaction) : ""));
  node.open = std::move(open);
  Wait(Due::What::kEnd, now_ms() + choice % kMinuteMs, 0, node.number, {});
  return true;
}

void World::EndOpen(Node& node) {
  if (!node.open || !node.here) return;
  const OpenTransaction open = std::move(*node.open);
  node.open.reset();
  const VersionVector before = node.vector;
  const Cursor head = node.head;
  TestReplica& device = *node.machine->device();
  const Status done = open.is_taken_back ? device.RollBack() : device.Commit();
  Say("node " + std::to_string(node.number) + (open.is_taken_back ? " rolls back" : " commits"));
  if (!done) return Fault("writing", "a transaction cannot be ended: " + done.error().message);
  if (open.is_taken_back) {
    if (DigestOf(node) != open.digest) Fault("durability", "something of what was rolled back is there");
    Changed(node, Cause::kRollBack, nullptr);
  }
  ResumeAllOf(node);
  if (open.is_taken_back) {
    Changed(node, Cause::kJoin, nullptr);
    return PumpAllOf(node.number);
  }
  NoteWrite(node, open.transaction, before, head, true);
}

void World::ResumeAllOf(Node& node) {
  for (const auto& wire : wires_) {
    for (std::size_t end = 0; end < 2; ++end) {
      Session& session = *wire->ends[end].session;
      if (wire->nodes[end] != node.number || !session.blocked()) continue;
      const Status resumed = session.Resume(node.machine->Now());
      if (!resumed) SessionEnded(*wire, end, resumed.error());  // a peer's clock may be wrong, say
    }
  }
}

// What was not committed; the digest of what was is looked at next.
void World::TakeBackOpen(Node& node) {
  if (!node.open) return;
  (void)node.machine->device()->RollBack();
  node.open.reset();
}

}  // namespace rejoin::sim
