// A workload and the faults that go with it: what a scenario file says, and how one
// schedule is drawn from it.
//
// The file is text, `key = value` by line, `#` begins a comment. Keys:
//   devices, hubs, events, part_bytes    a number or a range such as 2..4
//   pause_ms                             a range: between two events
//   sqlite_percent                       of devices that are SQLite databases
//   file_percent                         of SQLite devices and of hubs that have a file
//   hub_time_percent                     of hubs that keep the time
//   begin                                links at the beginning: none, chain, star (around
//                                        the first hub, or device), all
//   any kind of event (event.h)          its weight
// Ranges are drawn towards their lower end, so that large worlds are rare.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/sim/event.h"

namespace rejoin::sim {

struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

struct Scenario {
  std::string name;
  Range devices{2, 4};
  Range hubs{0, 1};
  Range events{30, 60};
  Range part_bytes{1 << 22, 1 << 22};
  Range pause_ms{1, 2000};
  std::uint64_t sqlite_percent = 0;
  std::uint64_t file_percent = 0;
  std::uint64_t hub_time_percent = 100;
  std::string begin = "star";
  std::array<std::uint32_t, kKinds> weights{};
};

Result<Scenario> ParseScenario(const std::string& name, const std::string& text);
// `name`: of a file in tests/sim/scenarios, or a path.
Result<Scenario> LoadScenario(const std::string& name);
// The names of all files there.
std::vector<std::string> AllScenarios();

// One device or hub at the beginning.
struct Place {
  bool is_hub = false;
  bool has_file = false;
  bool keeps_time = false;
  std::uint32_t kind = 0;  // 0: in memory; else one more than the index of a kind of SQLite
};

// All that a run depends on.
struct Schedule {
  std::string scenario;
  std::uint64_t seed = 0;
  std::uint64_t sqlite_percent = 0;
  std::size_t part_bytes = 0;
  std::string begin;
  std::vector<Place> places;  // devices, then hubs
  std::vector<Event> events;
};

Schedule Draw(const Scenario& scenario, std::uint64_t seed);

// A schedule as a script, for people and for --script.
std::string ScriptOf(const Schedule& schedule);
Result<Schedule> ScheduleOf(const std::string& script);

}  // namespace rejoin::sim
