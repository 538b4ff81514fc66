#include "tests/faults/sweep.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace rejoin::testing {
namespace {

std::string FromEnvironment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

// SQLite's words for what a disk does, and ours.
constexpr const char* kCauses[] = {
    "disk I/O error", "disk is full", "unable to open database file", "locking protocol", "cannot ",
    "database disk image is malformed", "out of memory",
};

}  // namespace

Sweep::Sweep(std::uint64_t total, std::uint64_t usual) : wanted_(FromEnvironment("REJOIN_SWEEP")) {
  if (!wanted_.empty() && wanted_.front() == 'x') {
    usual *= std::strtoull(wanted_.c_str() + 1, nullptr, 10);
    wanted_.clear();
  }
  if (wanted_ == "full") {
    wanted_.clear();
  } else if (wanted_.empty() && total > usual) {
    stride_ = (total + usual - 1) / usual;
    at_ = seed() % stride_;
  }
}

bool Sweep::Takes(const std::string& point) {
  const bool takes = wanted_.empty() ? at_++ % stride_ == 0 : point == wanted_;
  if (takes) ++taken_;
  return takes;
}

std::uint64_t Sweep::seed() {
  const std::string seed = FromEnvironment("REJOIN_SEED");
  return seed.empty() ? 1 : std::strtoull(seed.c_str(), nullptr, 10);
}

std::string Sweep::Replay(const std::string& point) {
  const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
  return "again: REJOIN_SEED=" + std::to_string(seed()) + " REJOIN_SWEEP=" + point + " ctest -R '" +
         test.test_suite_name() + "." + test.name() + "' --output-on-failure\n";
}

std::string FaultPoint::Name() const {
  return std::string(kind->name) + (goes_on ? ":on:" : ":once:") + (reopens ? "new:" : "same:") + std::to_string(n);
}

std::vector<FaultPoint> AllFaultPoints(const FaultyDisk& disk) {
  std::vector<FaultPoint> points;
  for (const Kind& kind : kKinds) {
    for (const bool goes_on : {false, true}) {
      for (const bool reopens : {false, true}) {
        for (std::uint64_t n = 1; n <= disk.calls(kind.call); ++n) points.push_back({&kind, goes_on, reopens, n});
      }
    }
  }
  return points;
}

void NoteError(const std::string& where, const Error& error) {
  const std::string path = FromEnvironment("REJOIN_SWEEP_ERRORS");
  if (path.empty()) return;
  std::ofstream(path, std::ios::app) << where << '\t' << CodeName(error.code) << '\t' << error.message << '\n';
}

std::string FaultOfMessage(const Error& error) {
  bool says_cause = false;
  for (const char* const cause : kCauses) says_cause = says_cause || error.message.find(cause) != std::string::npos;
  if (!says_cause) return "the error does not say the cause: " + error.message;
  const bool ours = error.message.rfind("rejoin:", 0) == 0;
  const bool names_file = error.message.find(kDevicePath) != std::string::npos;
  if (ours && error.code == Code::kIo && !names_file) return "the error does not name the file: " + error.message;
  return "";
}

}  // namespace rejoin::testing
