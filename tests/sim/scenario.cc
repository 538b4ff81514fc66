#include "tests/sim/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/store/fakes.h"
#include "tests/store/sqlite_replica.h"

namespace rejoin::sim {
namespace {

constexpr char kFolder[] = REJOIN_SOURCE_DIR "/tests/sim/scenarios";
constexpr char kSuffix[] = ".scenario";

std::string Trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::uint64_t> NumberOf(const std::string& text) {
  if (text.empty() || text.size() > 15) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = 10 * number + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

std::optional<Range> RangeOf(const std::string& text) {
  const auto dots = text.find("..");
  const auto from = NumberOf(Trimmed(text.substr(0, dots)));
  const auto to = dots == std::string::npos ? from : NumberOf(Trimmed(text.substr(dots + 2)));
  if (!from || !to || *to < *from) return std::nullopt;
  return Range{*from, *to};
}

bool Set(Scenario& scenario, const std::string& key, const std::string& value) {
  const std::map<std::string, Range*> ranges{{"devices", &scenario.devices},
                                             {"hubs", &scenario.hubs},
                                             {"events", &scenario.events},
                                             {"part_bytes", &scenario.part_bytes},
                                             {"pause_ms", &scenario.pause_ms}};
  const std::map<std::string, std::uint64_t*> numbers{{"sqlite_percent", &scenario.sqlite_percent},
                                                      {"file_percent", &scenario.file_percent},
                                                      {"hub_time_percent", &scenario.hub_time_percent}};
  if (const auto range = ranges.find(key); range != ranges.end()) {
    const auto read = RangeOf(value);
    if (read) *range->second = *read;
    return read.has_value();
  }
  if (key == "begin") {
    scenario.begin = value;
    return value == "none" || value == "chain" || value == "star" || value == "all";
  }
  const auto number = NumberOf(value);
  if (!number) return false;
  if (const auto found = numbers.find(key); found != numbers.end()) {
    *found->second = *number;
    return true;
  }
  const auto kind = KindNamed(key);
  if (!kind || *number > 10'000) return false;
  scenario.weights[static_cast<std::size_t>(*kind)] = static_cast<std::uint32_t>(*number);
  return true;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t Draw() { return random_.Draw64(); }
  std::uint64_t Below(std::uint64_t count) { return random_.Draw64() % count; }
  bool Percent(std::uint64_t percent) { return Below(100) < percent; }
  // The smaller of two.
  std::uint64_t In(const Range& range) {
    const std::uint64_t width = range.to - range.from + 1;
    const std::uint64_t one = Below(width);
    return range.from + std::min(one, Below(width));
  }

 private:
  FakeRandom random_;
};

}  // namespace

Result<Scenario> ParseScenario(const std::string& name, const std::string& text) {
  Scenario scenario;
  scenario.name = name;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string rest = Trimmed(line.substr(0, line.find('#')));
    if (rest.empty()) continue;
    const auto equals = rest.find('=');
    const bool known = equals != std::string::npos &&
                       Set(scenario, Trimmed(rest.substr(0, equals)), Trimmed(rest.substr(equals + 1)));
    if (!known) {
      return Fail(Code::kInvalidArgument, name + ":" + std::to_string(number) + ": not understood: " + rest);
    }
  }
  if (scenario.devices.from == 0 || scenario.devices.to + scenario.hubs.to > 16) {
    return Fail(Code::kInvalidArgument, name + ": a world has a device at least, and sixteen nodes at most");
  }
  if (std::all_of(scenario.weights.begin(), scenario.weights.end(), [](std::uint32_t w) { return w == 0; })) {
    return Fail(Code::kInvalidArgument, name + ": nothing ever happens: name kinds of events");
  }
  return scenario;
}

Result<Scenario> LoadScenario(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  const std::string path = is_path ? name : std::string(kFolder) + "/" + name + kSuffix;
  std::ifstream file(path);
  if (!file) return Fail(Code::kIo, "no scenario " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return ParseScenario(name, text.str());
}

std::vector<std::string> AllScenarios() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(kFolder, ignored)) {
    if (file.path().extension() == kSuffix) names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Schedule Draw(const Scenario& scenario, std::uint64_t seed) {
  Dice dice(seed);
  Schedule schedule;
  schedule.scenario = scenario.name;
  schedule.seed = seed;
  schedule.sqlite_percent = scenario.sqlite_percent;
  schedule.part_bytes = static_cast<std::size_t>(dice.In(scenario.part_bytes));
  schedule.begin = scenario.begin;
  const std::uint64_t devices = dice.In(scenario.devices);
  std::uint64_t hubs = dice.In(scenario.hubs);
  if (devices + hubs < 2) hubs = 1;
  for (std::uint64_t i = 0; i < devices + hubs; ++i) {
    Place place;
    place.is_hub = i >= devices;
    const bool sqlite = dice.Percent(scenario.sqlite_percent);
    const auto kind = static_cast<std::uint32_t>(1 + dice.Below(AllSqliteKinds().size()));
    if (sqlite && !place.is_hub) place.kind = kind;
    place.has_file = dice.Percent(scenario.file_percent) && (sqlite || place.is_hub);
    place.keeps_time = dice.Percent(scenario.hub_time_percent) && place.is_hub;
    schedule.places.push_back(place);
  }
  std::uint64_t sum = 0;
  for (const std::uint32_t weight : scenario.weights) sum += weight;
  const std::uint64_t count = dice.In(scenario.events);
  for (std::uint64_t i = 0; i < count; ++i) {
    Event event;
    event.after_ms = dice.In(scenario.pause_ms);
    std::uint64_t at = dice.Below(sum);
    std::size_t kind = 0;
    while (at >= scenario.weights[kind]) at -= scenario.weights[kind++];
    event.kind = static_cast<Kind>(kind);
    event.a = static_cast<std::uint32_t>(dice.Below(schedule.places.size() + 2));
    event.b = static_cast<std::uint32_t>(dice.Below(schedule.places.size() + 2));
    event.choice = dice.Draw() >> 16;
    schedule.events.push_back(event);
  }
  return schedule;
}

std::string ScriptOf(const Schedule& schedule) {
  std::ostringstream out;
  out << "scenario " << schedule.scenario << "\nseed " << schedule.seed << "\nsqlite " << schedule.sqlite_percent
      << "\nparts " << schedule.part_bytes << "\nbegin " << schedule.begin << '\n';
  for (std::size_t i = 0; i < schedule.places.size(); ++i) {
    const Place& place = schedule.places[i];
    out << "node " << place.is_hub << ' ' << place.has_file << ' ' << place.keeps_time << ' ' << place.kind << "  # "
        << i << (place.is_hub ? ": a hub" : place.kind == 0 ? ": in memory" : ": SQLite")
        << (place.has_file ? ", a file" : "") << (place.keeps_time ? ", keeps time" : "") << '\n';
  }
  for (const Event& event : schedule.events) {
    out << "event " << LineOf(event) << "  # " << TextOf(event.kind) << '\n';
  }
  return out.str();
}

Result<Schedule> ScheduleOf(const std::string& script) {
  Schedule schedule;
  std::istringstream lines(script);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(Trimmed(line.substr(0, line.find('#'))));
    std::string word;
    if (!(words >> word)) continue;
    if (word == "event") {
      std::string rest;
      std::getline(words, rest);
      REJOIN_ASSIGN(const Event event, EventOf(rest));
      schedule.events.push_back(event);
      continue;
    }
    bool read = false;
    if (word == "node") {
      Place place;
      read = static_cast<bool>(words >> place.is_hub >> place.has_file >> place.keeps_time >> place.kind) &&
             place.kind <= AllSqliteKinds().size();
      schedule.places.push_back(place);
    } else {
      read = (word == "scenario" && words >> schedule.scenario) || (word == "seed" && words >> schedule.seed) ||
             (word == "sqlite" && words >> schedule.sqlite_percent) ||
             (word == "parts" && words >> schedule.part_bytes) || (word == "begin" && words >> schedule.begin);
    }
    if (!read) return Fail(Code::kInvalidArgument, "not a line of a script: " + line);
  }
  if (schedule.places.size() < 2) return Fail(Code::kInvalidArgument, "a script has two nodes at least");
  return schedule;
}

}  // namespace rejoin::sim
