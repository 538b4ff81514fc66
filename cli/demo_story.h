// What happens in `rejoin demo`: who edits what while apart, and how to ask each
// file what became of it.
#pragma once

#include <span>
#include <string>

namespace rejoin::cli {

enum Device : int { kPhone = 0, kLaptop = 1, kTablet = 2 };
inline constexpr int kDevices = 3;
extern const char* const kDeviceNames[kDevices];

// An edit while apart, in the order of time.
struct StoryEdit {
  Device device;
  const char* shown;  // in the device's column
  const char* sql;
};

// A conflict: what was done, and the query that tells its outcome. The text comes
// from the file that is asked.
struct StoryConflict {
  const char* what;
  const char* done;
  const char* outcome_sql;
};

std::span<const StoryEdit> StoryEdits();
std::span<const StoryConflict> StoryConflicts();

}  // namespace rejoin::cli
