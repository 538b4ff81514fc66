// What stands between a session and its store. PassingStore only passes on; canaries have
// a fault each, which the simulator has to find.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/store/passing_store.h"

namespace rejoin::sim {

// SIM_CANARY(name, what it does)
#define SIM_CANARIES(SIM_CANARY)                                                                \
  SIM_CANARY(loses_a_row, "the first row of what arrives is not joined")                        \
  SIM_CANARY(keeps_the_point_early, "the point of a part is kept, and every other part is lost") \
  SIM_CANARY(covers_what_it_lacks, "a part is lost, and the next one joined all the same")      \
  SIM_CANARY(acknowledges_early, "a part counts as joined, and is when the next one comes")     \
  SIM_CANARY(acknowledges_what_waits, "what an open transaction holds up counts as joined")      \
  SIM_CANARY(assigns_the_last, "what arrives last wins, not what was written last")             \
  SIM_CANARY(forgets_removes, "deletes that arrive are not joined")                             \
  SIM_CANARY(splits_transactions, "one table of a part is joined with the next part only")      \
  SIM_CANARY(takes_the_future, "nothing is too far ahead to be joined")                         \
  SIM_CANARY(sends_too_little, "the first row of what leaves is left out")                      \
  SIM_CANARY(claims_too_much, "a part that leaves says it ends a minute later than it does")

enum class Canary : std::uint8_t {
  kNone,
#define SIM_CANARY(name, text) k_##name,
  SIM_CANARIES(SIM_CANARY)
#undef SIM_CANARY
};

std::optional<Canary> CanaryNamed(const std::string& name);
// One line each: name and what it does.
std::string CanaryList();
std::vector<std::string> CanaryNames();

class PassingStore : public rejoin::PassingStore {
 public:
  using rejoin::PassingStore::PassingStore;

  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    joined = true;
    return store_.MergePart(in, origin);
  }
  Result<bool> CorrectTime(const TimeCorrection& correction) override {
    const Result<bool> moved = store_.CorrectTime(correction);
    corrected = corrected || moved.value_or(false);
    return moved;
  }

  // Since somebody looked last.
  bool joined = false;
  bool corrected = false;
};

std::unique_ptr<PassingStore> StoreBetween(SyncStore& store, Canary canary);

}  // namespace rejoin::sim
