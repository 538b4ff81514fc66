// What was measured: by phase and side, one value a round.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace rejoin::bench {

class Figures {
 public:
  // Phases are told in the order in which they were first added. `unit`: seconds are CPU time.
  void Add(const std::string& phase, const std::string& unit, const std::string& side, double value);

  // A Markdown table: medians with their spread, and ratios to the side "plain".
  void Print(const std::string& title, const std::vector<std::string>& sides) const;
  // The same for programs: [{phase, unit, side, median, lowest, highest, ratio}].
  std::string Json(const std::string& title) const;

 private:
  struct Phase {
    std::string name;
    std::string unit;
    std::map<std::string, std::vector<double>> values;  // by side
  };
  std::vector<Phase> phases_;
};

}  // namespace rejoin::bench
