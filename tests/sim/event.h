// What happens to a simulated world from outside: one event each. Events are drawn up front
// and carry all that they need, so any part of a list of them is a history too; that is
// what makes a failing list shrink.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rejoin::sim {

// SIM_EVENT(name, is a fault, what it says of nodes a and b)
#define SIM_EVENTS(SIM_EVENT)                                                              \
  /* work */                                                                               \
  SIM_EVENT(write, false, "node A commits a transaction")                                  \
  SIM_EVENT(twins, false, "node A writes the same into two tables, in one transaction")    \
  SIM_EVENT(hold, false, "device A begins a transaction, and ends it within a minute")     \
  SIM_EVENT(rest, false, "time passes, up to days")                                        \
  /* who is linked to whom */                                                              \
  SIM_EVENT(link, false, "A and B want to be linked")                                      \
  SIM_EVENT(unlink, false, "A and B no longer want to be linked")                          \
  SIM_EVENT(join, false, "a new device comes, and links to B")                             \
  SIM_EVENT(leave, false, "A drops all its links")                                         \
  SIM_EVENT(gone, true, "A leaves for ever, with all that it has")                         \
  /* links */                                                                              \
  SIM_EVENT(cut, true, "the link of A and B breaks; what is on its way is lost")           \
  SIM_EVENT(cut_inside, true, "the link of A and B breaks inside the next frame")          \
  SIM_EVENT(delay, true, "the next frame from A to B takes seconds")                       \
  SIM_EVENT(partition, true, "nothing passes between two halves of the world for a while") \
  SIM_EVENT(one_way, true, "nothing passes from A to others for a while")                  \
  SIM_EVENT(lose, true, "the next frame from A to B is lost")                              \
  SIM_EVENT(duplicate, true, "the next frame from A to B comes twice")                     \
  SIM_EVENT(reorder, true, "the next frame from A to B comes behind the one after it")     \
  SIM_EVENT(damage, true, "a bit of the next frame from A to B flips")                     \
  SIM_EVENT(slow, true, "A takes a frame a second for a while")                            \
  /* deltas by hand */                                                                     \
  SIM_EVENT(blob, false, "B gets a blob of what it lacks of A")                            \
  SIM_EVENT(old_blob, true, "A gets a blob that somebody got before")                      \
  /* processes and files */                                                                \
  SIM_EVENT(crash, true, "the process of A dies")                                          \
  SIM_EVENT(crash_inside, true, "the process of A dies inside a transaction")              \
  SIM_EVENT(crash_in_batch, true, "hub A dies with its next batch, before the commit")     \
  SIM_EVENT(clone, true, "a copy of the file of A becomes another device")                 \
  SIM_EVENT(backup, false, "the file of A is copied away")                                 \
  SIM_EVENT(restore, true, "the last copy of A is put back")                               \
  SIM_EVENT(trim, true, "A forgets its log")                                               \
  /* schemas */                                                                            \
  SIM_EVENT(add_column, true, "A gets a column that others may not have yet")              \
  SIM_EVENT(add_table, true, "A gets a table that others may not have yet")                \
  /* clocks */                                                                             \
  SIM_EVENT(clock_ahead, true, "the clock of A is ahead, by seconds to years")             \
  SIM_EVENT(clock_behind, true, "the clock of A is behind, by seconds to years")           \
  SIM_EVENT(clock_frozen, true, "the clock of A stands still")                             \
  SIM_EVENT(clock_backwards, true, "the clock of A runs backwards")                        \
  SIM_EVENT(clock_right, false, "the clock of A is set right")                             \
  SIM_EVENT(clock_dead, true, "the clock of hub A shows a time before its code")

enum class Kind : std::uint8_t {
#define SIM_EVENT(name, fault, text) k_##name,
  SIM_EVENTS(SIM_EVENT)
#undef SIM_EVENT
};

inline constexpr std::size_t kKinds = 0
#define SIM_EVENT(name, fault, text) +1
    SIM_EVENTS(SIM_EVENT)
#undef SIM_EVENT
    ;

std::string_view NameOf(Kind kind);
std::string_view TextOf(Kind kind);
bool IsFault(Kind kind);
std::optional<Kind> KindNamed(std::string_view name);

struct Event {
  std::uint64_t after_ms = 0;  // the event before it
  Kind kind = Kind::k_write;
  std::uint32_t a = 0;  // nodes, by number modulo how many there are
  std::uint32_t b = 0;
  std::uint64_t choice = 0;  // everything else

  friend bool operator==(const Event&, const Event&) = default;
};

// after_ms kind a b choice
std::string LineOf(const Event& event);
Result<Event> EventOf(const std::string& line);

}  // namespace rejoin::sim
