#include "tests/sim/event.h"

#include <sstream>

namespace rejoin::sim {
namespace {

struct About {
  std::string_view name;
  bool fault;
  std::string_view text;
};

constexpr About kAbout[] = {
#define SIM_EVENT(name, fault, text) {#name, fault, text},
    SIM_EVENTS(SIM_EVENT)
#undef SIM_EVENT
};

const About& AboutOf(Kind kind) { return kAbout[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view NameOf(Kind kind) { return AboutOf(kind).name; }
std::string_view TextOf(Kind kind) { return AboutOf(kind).text; }
bool IsFault(Kind kind) { return AboutOf(kind).fault; }

std::optional<Kind> KindNamed(std::string_view name) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kAbout[i].name == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::string LineOf(const Event& event) {
  std::ostringstream line;
  line << event.after_ms << ' ' << NameOf(event.kind) << ' ' << event.a << ' ' << event.b << ' ' << event.choice;
  return line.str();
}

Result<Event> EventOf(const std::string& line) {
  std::istringstream words(line);
  Event event;
  std::string name;
  if (!(words >> event.after_ms >> name >> event.a >> event.b >> event.choice)) {
    return Fail(Code::kInvalidArgument, "not an event (ms kind a b choice): " + line);
  }
  const auto kind = KindNamed(name);
  if (!kind) return Fail(Code::kInvalidArgument, "no kind of event: " + name);
  event.kind = *kind;
  return event;
}

}  // namespace rejoin::sim
