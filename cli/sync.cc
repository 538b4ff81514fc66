#include <algorithm>

#include "base/version.h"
#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "transport/client.h"

namespace rejoin::cli {
namespace {

struct SyncArguments {
  std::string file;
  std::string url;
  std::string name;
  std::uint64_t timeout_s = 0;
  bool json = false;
};

constexpr std::uint64_t kStepMs = 200;
constexpr std::uint64_t kTellEveryMs = 1000;

// While it takes long, a line a second, on stderr.
class Progress {
 public:
  explicit Progress(bool on) : on_(on) {}

  void Look(const SessionReport& report) {
    const std::uint64_t now = SystemClock().SteadyMs();
    if (!on_ || now < next_ms_) return;
    next_ms_ = now + kTellEveryMs;
    const double seconds = static_cast<double>(now - begun_ms_) / 1000;
    const std::uint64_t rows = report.rows_sent + report.rows_received;
    const std::uint64_t bytes = report.bytes_sent + report.bytes_received;
    if (seconds < 1 || rows == 0) return;
    std::fprintf(stderr, "rejoin: %.0f s: %s sent, %s received, %.1f MB, %.0f rows/s%s\n", seconds,
                 Count(report.rows_sent, "row").c_str(), Count(report.rows_received, "row").c_str(),
                 static_cast<double>(bytes) / 1e6, static_cast<double>(rows) / seconds,
                 TimeLeft(report, now).c_str());
  }

 private:
  // From how fast it went since there was something to tell by: a sync may go on in the middle.
  struct Way {
    std::uint64_t begun_ms = 0;
    std::uint64_t begun_permille = 0;

    double SecondsLeft(std::uint64_t permille, std::uint64_t now_ms) {
      if (permille == 0 || permille >= 1000) return 0;
      if (begun_ms == 0) *this = {now_ms, permille};
      const auto done = static_cast<double>(permille - std::min(permille, begun_permille));
      if (done == 0) return 0;
      return static_cast<double>(now_ms - begun_ms) / 1000 * static_cast<double>(1000 - permille) / done;
    }
  };

  std::string TimeLeft(const SessionReport& report, std::uint64_t now_ms) {
    const double up = up_.SecondsLeft(report.sent_permille, now_ms);
    const double down = down_.SecondsLeft(report.received_permille, now_ms);
    const double left = std::max(up, down);
    return left < 0.5 ? "" : ", about " + std::to_string(static_cast<int>(left + 0.5)) + " s left";
  }

  Way up_;
  Way down_;
  bool on_;
  std::uint64_t begun_ms_ = SystemClock().SteadyMs();
  std::uint64_t next_ms_ = begun_ms_ + kTellEveryMs;
};

void Print(const SyncArguments& arguments, const SessionReport& report) {
  std::string line = arguments.file + ": " + Count(report.rows_sent, "row") + " sent, " +
                     Count(report.rows_received, "row") + " received";
  if (report.conflicts > 0) line += ", " + Count(report.conflicts, "conflict");
  if (report.quarantined > 0) line += ", " + std::to_string(report.quarantined) + " in quarantine";
  PrintLine(line);
}

Result<Exit> Sync(const SyncArguments& arguments) {
  REJOIN_ASSIGN(const Url url, ParseUrl(arguments.url));
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  SqliteStore store = file.Store();
  // Before anybody is bothered: the file may not be one to sync.
  REJOIN_TRY(store.Replica());
  REJOIN_ASSIGN(const auto network, Network::Start());
  SessionOptions options;
  options.name = arguments.name;
  options.software = "rejoin " REJOIN_VERSION;
  Client client(*network, url, store, std::move(options));
  Progress progress(!arguments.json);
  const std::uint64_t begun_ms = SystemClock().SteadyMs();
  while (!client.Done()) {
    REJOIN_TRY(client.Step(kStepMs));
    progress.Look(client.session().report());
    if (arguments.timeout_s > 0 && SystemClock().SteadyMs() - begun_ms > arguments.timeout_s * 1000) {
      return Fail(Code::kNetwork, url.Text() + ": not done after " + std::to_string(arguments.timeout_s) +
                                      " s; what came is kept, call again to go on");
    }
  }
  const SessionReport& report = client.session().report();
  if (arguments.json) {
    PrintJson({{"url", url.Text()},
               {"sent", report.rows_sent},
               {"received", report.rows_received},
               {"conflicts", report.conflicts},
               {"quarantined", report.quarantined},
               {"compared", report.compared ? Json(*report.compared) : Json()},
               {"bytes_sent", report.bytes_sent},
               {"bytes_received", report.bytes_received}});
  } else {
    Print(arguments, report);
  }
  return Exit::kOk;
}

}  // namespace

void AddSync(CLI::App& app, Chosen& chosen) {
  const auto [command, options] = AddCommand<SyncArguments>(
      app, chosen, "sync", "Exchange everything with a hub or another device, once.",
      "rejoin sync phone.db ws://localhost:8787/groceries", Sync);
  command->add_option("FILE", options->file, "The database; it is not made")->required();
  command->add_option("URL", options->url, "ws://host[:port]/room")->required();
  command->add_option("--name", options->name, "What people call this device");
  command->add_option("--timeout", options->timeout_s, "Seconds until it gives up; 0: never");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace rejoin::cli
