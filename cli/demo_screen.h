// How `rejoin demo` looks: devices as columns, time downwards. Colours only on a
// terminal and where the environment has no NO_COLOR (https://no-color.org).
#pragma once

#include <array>
#include <string>

#include "cli/demo_story.h"

namespace rejoin::cli {

class Screen {
 public:
  explicit Screen(bool pause);

  void Title(const std::string& text);
  void Heads();  // the names of the devices
  // One line of time: a label, and a text for each device.
  void Row(const std::string& label, const std::array<std::string, kDevices>& texts);
  // A line below the columns: what is emphasized stands last.
  void Line(const std::string& text, const std::string& emphasized = {});
  void Gap();
  // Waits for Enter, with --pause and a terminal to ask.
  void Pause();

 private:
  std::string Coloured(const char* code, const std::string& text) const;

  bool colours_;
  bool pause_;
};

// 3905 as "3,905".
std::string Grouped(std::uint64_t number);

}  // namespace rejoin::cli
