#include "tests/sim/runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <sstream>
#include <thread>

namespace rejoin::sim {
namespace {

using Time = std::chrono::steady_clock;

constexpr std::uint32_t kSmall = 20;  // operations and deliveries

double SecondsSince(Time::time_point then) {
  return std::chrono::duration<double>(Time::now() - then).count();
}

class Runner {
 public:
  explicit Runner(const RunOptions& options) : options_(options) {}

  RunResult Run() {
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < options_.jobs; ++i) threads.emplace_back([this] { Work(); });
    Work();
    for (std::thread& thread : threads) thread.join();
    result_.seconds = SecondsSince(begun_);
    std::sort(result_.failures.begin(), result_.failures.end(),
              [](const auto& a, const auto& b) { return a.first.seed < b.first.seed; });
    return std::move(result_);
  }

 private:
  // Seeds are handed out one by one; the sum does not depend on who got which.
  void Work() {
    while (!stop_ && (options_.stop == nullptr || !*options_.stop)) {
      const std::uint64_t number = next_++;
      const bool enough = options_.minutes > 0 ? SecondsSince(begun_) >= 60 * options_.minutes
                                               : number >= options_.schedules;
      if (enough) return;
      const Schedule schedule = Draw(options_.scenarios[number % options_.scenarios.size()], options_.first_seed + number);
      World world(schedule, options_.canary);
      const Verdict verdict = world.Run();
      Note(schedule, verdict, world.tally());
    }
  }

  void Note(const Schedule& schedule, const Verdict& verdict, const Tally& tally) {
    const std::lock_guard lock(mutex_);
    result_.tally.Add(tally);
    result_.sizes.push_back(static_cast<std::uint32_t>(tally.operations + tally.deliveries));
    if (verdict.failed()) {
      stop_ = !options_.keep_going;
      result_.failures.emplace_back(schedule, verdict);
    }
    if (!options_.progress || SecondsSince(told_) < kTellSeconds) return;
    told_ = Time::now();
    const double seconds = SecondsSince(begun_);
    std::fprintf(stderr, "%llu schedules, %zu failed, %.0f a second, %.1f simulated hours\n",
                 static_cast<unsigned long long>(result_.tally.schedules), result_.failures.size(),
                 static_cast<double>(result_.tally.schedules) / seconds,
                 static_cast<double>(result_.tally.simulated_ms) / 3.6e6);
  }

  static constexpr double kTellSeconds = 5;
  const RunOptions& options_;
  Time::time_point begun_ = Time::now();
  Time::time_point told_ = begun_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  RunResult result_;
};

}  // namespace

RunResult RunSchedules(const RunOptions& options) { return Runner(options).Run(); }

std::string Summary(const RunResult& result) {
  std::vector<std::uint32_t> sizes = result.sizes;
  std::sort(sizes.begin(), sizes.end());
  const auto small = std::lower_bound(sizes.begin(), sizes.end(), kSmall) - sizes.begin();
  const auto at = [&sizes](std::size_t percent) {
    return sizes.empty() ? 0 : sizes[(sizes.size() - 1) * percent / 100];
  };
  const Tally& tally = result.tally;
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(1);
  out << tally.schedules << " schedules in " << result.seconds << " s, "
      << static_cast<double>(tally.simulated_ms) / 3.6e6 << " simulated hours, " << tally.operations
      << " operations + " << tally.deliveries << " deliveries (in a schedule " << at(0) << " at least, " << at(50)
      << " in the middle, " << at(100) << " at most; " << small << " below " << kSmall << "), " << tally.sessions << " sessions, " << tally.session_errors
      << " ended by an error; faults:";
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (IsFault(static_cast<Kind>(i)) && tally.kinds[i] > 0) {
      out << ' ' << NameOf(static_cast<Kind>(i)) << ' ' << tally.kinds[i];
    }
  }
  out << "; trace " << std::hex << tally.trace;
  return out.str();
}

}  // namespace rejoin::sim
