// The program `rejoin-sim`: docs/testing.md, "The simulator".
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

#include "store/sqlite/sqlite_api.h"
#include "tests/sim/runner.h"
#include "tests/sim/shrink.h"

namespace rejoin::sim {
namespace {

constexpr char kDescription[] =
    "Runs devices and hubs in simulated time, with faults, and checks what they promise.\n"
    "The stores and sessions are those of the product; clock, network, disk and chance are\n"
    "drawn from a seed, so every schedule has one course.";
constexpr char kAll[] = "all";
constexpr int kFailed = 1;
constexpr int kUsage = 2;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

struct Wishes {
  std::string scenario = "everything";
  std::string script;
  std::string canary;
  RunOptions run;
  int sqlite_percent = -1;
  std::size_t most_shrink_runs = 2000;
  bool trace = false;
  bool quiet = false;
  bool list = false;
};

std::string Footer() {
  std::string text = "Scenarios (a name, or a path with a slash):\n ";
  for (const std::string& name : AllScenarios()) text += " " + name;
  text += "\n\nCanaries:\n" + CanaryList();
  return text + "\nExit status: 0 all held, 1 something did not, 2 wrong command line.\n"
                "Example: rejoin-sim --scenario f13 --schedules 1000 --jobs 2";
}

void Describe(CLI::App& app, Wishes& wishes) {
  app.add_option("--scenario", wishes.scenario, "What happens: a file of tests/sim/scenarios, or `all` of them in turn")
      ->capture_default_str();
  app.add_option("--seed", wishes.run.first_seed, "Of the first schedule; each next one has the next seed")
      ->capture_default_str();
  auto* const schedules = app.add_option("--schedules", wishes.run.schedules, "How many; with --seed alone: one");
  app.add_option("--minutes", wishes.run.minutes, "Run for so long instead")->excludes(schedules);
  app.add_option("--sqlite-percent", wishes.sqlite_percent, "Of devices that are SQLite databases, instead of the scenario's")
      ->check(CLI::Range(0, 100));
  app.add_option("--jobs", wishes.run.jobs, "Threads")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--canary", wishes.canary, "Puts a fault into the product, which has to be found");
  app.add_option("--script", wishes.script, "Replays a script, as a failure prints it");
  app.add_option("--shrink-runs", wishes.most_shrink_runs, "Worlds to run for shrinking a failure; 0: do not")
      ->capture_default_str();
  app.add_flag("--keep-going", wishes.run.keep_going, "Go on where a schedule fails; all failures are told in the end");
  app.add_flag("--trace", wishes.trace, "Tell everything that happens (of one schedule)");
  app.add_flag("--quiet", wishes.quiet, "No progress on stderr");
  app.add_flag("--list", wishes.list, "The names of the scenarios");
  app.footer(Footer());
}

void PrintFailure(const Wishes& wishes, const Schedule& schedule, const Verdict& verdict) {
  std::printf("FAILED: scenario %s, seed %llu, after event %zu of %zu\n  %s: %s\nAgain:\n  rejoin-sim",
              schedule.scenario.c_str(), static_cast<unsigned long long>(schedule.seed), verdict.event,
              schedule.events.size(), verdict.checker.c_str(), verdict.what.c_str());
  if (wishes.script.empty()) {
    std::printf(" --scenario %s --seed %llu", schedule.scenario.c_str(), static_cast<unsigned long long>(schedule.seed));
    if (wishes.sqlite_percent >= 0) std::printf(" --sqlite-percent %d", wishes.sqlite_percent);
  } else {
    std::printf(" --script %s", wishes.script.c_str());
  }
  if (!wishes.canary.empty()) std::printf(" --canary %s", wishes.canary.c_str());
  std::printf("\n");
  std::fflush(stdout);
  if (wishes.most_shrink_runs == 0) return;
  const Shrunk shrunk = Shrink(schedule, verdict, wishes.run.canary, wishes.most_shrink_runs);
  std::printf("Shrunk to %zu events in %zu runs; %s: %s\nAs a script, for --script FILE:\n\n%s",
              shrunk.schedule.events.size(), shrunk.runs, shrunk.verdict.checker.c_str(),
              shrunk.verdict.what.c_str(), ScriptOf(shrunk.schedule).c_str());
}

void Tell(const std::string& line) { std::printf("%s\n", line.c_str()); }

int RunOne(const Wishes& wishes, const Schedule& schedule) {
  World world(schedule, wishes.run.canary, wishes.trace ? Tell : World::Narrator());
  const Verdict verdict = world.Run();
  RunResult result;
  result.tally = world.tally();
  result.sizes.push_back(static_cast<std::uint32_t>(result.tally.operations + result.tally.deliveries));
  if (verdict.failed()) PrintFailure(wishes, schedule, verdict);
  std::printf("%s\n", Summary(result).c_str());
  return verdict.failed() ? kFailed : 0;
}

int Refuse(const std::string& why) {
  std::fprintf(stderr, "rejoin-sim: %s\n", why.c_str());
  return kUsage;
}

int Run(Wishes& wishes, bool one) {
  if (!wishes.canary.empty()) {
    const auto canary = CanaryNamed(wishes.canary);
    if (!canary) return Refuse("no canary " + wishes.canary + "; there are\n" + CanaryList());
    wishes.run.canary = *canary;
  }
  if (!wishes.script.empty()) {
    std::ifstream file(wishes.script);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) return Refuse("cannot read " + wishes.script);
    const auto schedule = ScheduleOf(text.str());
    return schedule ? RunOne(wishes, *schedule) : Refuse(schedule.error().message);
  }
  for (const std::string& name : wishes.scenario == kAll ? AllScenarios() : std::vector{wishes.scenario}) {
    auto scenario = LoadScenario(name);
    if (!scenario) return Refuse(scenario.error().message);
    if (wishes.sqlite_percent >= 0) scenario->sqlite_percent = static_cast<std::uint64_t>(wishes.sqlite_percent);
    wishes.run.scenarios.push_back(std::move(*scenario));
  }
  if (one) return RunOne(wishes, Draw(wishes.run.scenarios.front(), wishes.run.first_seed));
  wishes.run.progress = !wishes.quiet;
  wishes.run.stop = &interrupted;
  // Once: whoever asks twice does not want to wait.
  std::signal(SIGINT, [](int) {
    interrupted = true;
    std::signal(SIGINT, SIG_DFL);
  });
  const RunResult result = RunSchedules(wishes.run);
  for (const auto& [schedule, verdict] : result.failures) PrintFailure(wishes, schedule, verdict);
  std::printf("%s\n", Summary(result).c_str());
  return result.failures.empty() ? 0 : kFailed;
}

int Main(int count, const char* const* arguments) {
  setenv("TMPDIR", "/dev/shm", 0);  // files of the simulated machines
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // threads would wait for each other to count bytes
  CLI::App app(kDescription, "rejoin-sim");
  Wishes wishes;
  Describe(app, wishes);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : kUsage;
  }
  if (wishes.list) {
    for (const std::string& name : AllScenarios()) Tell(name);
    return 0;
  }
  const bool many = app.count("--schedules") > 0 || app.count("--minutes") > 0;
  return Run(wishes, wishes.trace || (app.count("--seed") > 0 && !many));
}

}  // namespace
}  // namespace rejoin::sim

int main(int count, char** arguments) {
  try {
    return rejoin::sim::Main(count, arguments);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "rejoin-sim: %s\n", fault.what());
    return rejoin::sim::kUsage;
  }
}
