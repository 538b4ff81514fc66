#include "bench/figures.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace rejoin::bench {
namespace {

struct Summary {
  double median = 0;
  double lowest = 0;
  double highest = 0;
};

Summary Of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

std::string Text(const char* format, double value) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

void Figures::Add(const std::string& phase, const std::string& unit, const std::string& side, double value) {
  auto at = std::find_if(phases_.begin(), phases_.end(), [&phase](const Phase& one) { return one.name == phase; });
  if (at == phases_.end()) at = phases_.insert(phases_.end(), {phase, unit, {}});
  at->values[side].push_back(value);
}

void Figures::Print(const std::string& title, const std::vector<std::string>& sides) const {
  std::printf("\n| %s |", title.c_str());
  for (const std::string& side : sides) std::printf(" %s |", side.c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i < sides.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (const Phase& phase : phases_) {
    std::printf("| %s, %s |", phase.name.c_str(), phase.unit.c_str());
    const auto plain = phase.values.find("plain");
    for (const std::string& side : sides) {
      const auto values = phase.values.find(side);
      if (values == phase.values.end()) {
        std::printf(" |");
        continue;
      }
      const Summary summary = Of(values->second);
      std::string cell = Text("%.4g", summary.median);
      if (summary.lowest != summary.highest) {
        cell += Text(" (%.3g", summary.lowest) + Text("–%.3g)", summary.highest);
      }
      if (side != "plain" && plain != phase.values.end()) {
        cell += Text(" **%.2f**", summary.median / Of(plain->second).median);
      }
      std::printf(" %s |", cell.c_str());
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

std::string Figures::Json(const std::string& title) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Phase& phase : phases_) {
    const auto plain = phase.values.find("plain");
    for (const auto& [side, values] : phase.values) {
      const Summary summary = Of(values);
      nlohmann::json row = {{"table", title},           {"phase", phase.name},       {"unit", phase.unit},
                            {"side", side},             {"median", summary.median},  {"lowest", summary.lowest},
                            {"highest", summary.highest}, {"rounds", values.size()}};
      if (plain != phase.values.end()) row["ratio"] = summary.median / Of(plain->second).median;
      rows.push_back(std::move(row));
    }
  }
  return rows.dump();
}

}  // namespace rejoin::bench
