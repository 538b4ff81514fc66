// The JSON that comes in through SQL: options of a table, of a sync and of a link, version
// vectors. What is accepted is within what the documentation allows, and printed and
// parsed again it is the same. The first byte says which of them the rest is.
#include <nlohmann/json.hpp>

#include "bindings/sqlite/json_text.h"
#include "bindings/sqlite/options.h"
#include "fuzz/choices.h"
#include "fuzz/require.h"

namespace rejoin::fuzz {
namespace {

std::string Member(const std::string& text, const char* name, const std::string& value) {
  std::string out = text.empty() ? "{" : text.substr(0, text.size() - 1) + ",";
  AppendJsonText(out, name);
  return out + ":" + value + "}";
}

std::string Quoted(const std::string& text) {
  std::string out;
  AppendJsonText(out, text);
  return out;
}

std::string OrEmpty(const std::string& text) { return text.empty() ? "{}" : text; }
const char* Word(bool yes) { return yes ? "true" : "false"; }

std::string Printed(const TrackOptions& options) {
  std::string out;
  if (options.same_key) {
    out = Member(out, "same_key", *options.same_key == SameKey::kMerge ? "\"merge\"" : "\"newest\"");
  }
  if (options.delete_wins) out = Member(out, "delete_wins", Word(*options.delete_wins));
  if (options.fire_triggers) out = Member(out, "fire_triggers", Word(*options.fire_triggers));
  if (options.name) out = Member(out, "name", Quoted(*options.name));
  return OrEmpty(out);
}

std::string Printed(const SyncOptions& options) {
  return Member(Member("", "name", Quoted(options.name)), "timeout_ms",
                std::to_string(options.timeout_ms));
}

std::string Printed(const ConnectOptions& options) {
  return Member(Member("", "name", Quoted(options.name)), "step", Word(options.step));
}

std::string Printed(const VersionVector& vector) { return VectorToJson(vector); }

bool AreEqual(const TrackOptions& a, const TrackOptions& b) {
  return a.same_key == b.same_key && a.delete_wins == b.delete_wins &&
         a.fire_triggers == b.fire_triggers && a.name == b.name;
}
bool AreEqual(const SyncOptions& a, const SyncOptions& b) {
  return a.name == b.name && a.timeout_ms == b.timeout_ms;
}
bool AreEqual(const ConnectOptions& a, const ConnectOptions& b) {
  return a.name == b.name && a.step == b.step;
}
bool AreEqual(const VersionVector& a, const VersionVector& b) { return a == b; }

void RequireLimits(const TrackOptions& options) {
  Require(!options.name || !options.name->empty(), "a name that is given is not empty");
}
void RequireLimits(const VersionVector& vector) {
  for (const auto& [replica, time] : vector.entries()) {
    Require(time.value != 0, "no entry of a vector is 0");
  }
}
template <class Other>
void RequireLimits(const Other& /*has_none*/) {}

template <class Parsed>
void Check(Result<Parsed> (*parse)(std::string_view), std::string_view text) {
  const Result<Parsed> parsed = parse(text);
  if (!parsed) {
    Require(parsed.error().code == Code::kInvalidArgument, "damage is an argument that is wrong");
    Require(!parsed.error().message.empty(), "and is told");
    return;
  }
  RequireLimits(*parsed);
  const Result<Parsed> back = parse(Printed(*parsed));
  Require(back.has_value(), "what was accepted is accepted again");
  Require(AreEqual(*parsed, *back), "and is the same");
}

// An infinity is printed as SQLite prints it, a number that this parser finds too large.
std::string WithoutInfinities(std::string text) {
  constexpr std::string_view kExponent = "e999";
  for (auto at = text.find(kExponent); at != text.npos; at = text.find(kExponent, at)) {
    text.erase(at, kExponent.size());
  }
  return text;
}

// What goes out as JSON is JSON, whatever bytes are in it.
void CheckText(ByteView bytes) {
  std::string out;
  AppendJsonText(out, bytes);
  const auto text = nlohmann::json::parse(out, nullptr, false);
  Require(text.is_string(), "text is printed as JSON");
  std::string again;
  AppendJsonText(again, text.get<std::string>());
  Require(again == out, "which is the same when it is printed again");

  const auto key = nlohmann::json::parse(WithoutInfinities(KeyToJson(bytes)), nullptr, false);
  const auto parts = DecodeKey(bytes);
  Require(key.is_array() == parts.has_value(), "a key is a list of its parts, what is none is a blob");
  if (parts) Require(key.size() == parts->size(), "all of them");
}

}  // namespace
}  // namespace rejoin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace rejoin;
  fuzz::Choices choices({reinterpret_cast<const char*>(bytes), size});
  const std::size_t which = choices.Below(5);
  const ByteView text = choices.Rest();
  switch (which) {
    case 0: fuzz::Check(&ParseTrackOptions, text); break;
    case 1: fuzz::Check(&ParseSyncOptions, text); break;
    case 2: fuzz::Check(&ParseConnectOptions, text); break;
    case 3: fuzz::Check(&ParseVector, text); break;
    default: fuzz::CheckText(text);
  }
  return 0;
}
