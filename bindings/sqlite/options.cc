#include "bindings/sqlite/options.h"

#include <charconv>

#include <nlohmann/json.hpp>

namespace rejoin {
namespace {

using nlohmann::json;

// A vector of 100,000 replicas is 6 MB; parsing takes a multiple of it.
constexpr std::size_t kMaxJsonBytes = std::size_t{64} << 20;

constexpr char kOptionsAllowed[] =
    "allowed are same_key (\"merge\" or \"newest\"), delete_wins, fire_triggers (true or false) "
    "and name (text)";
constexpr char kSyncOptionsAllowed[] = "allowed are name (text) and timeout_ms (a number)";
constexpr char kConnectOptionsAllowed[] = "allowed are name (text) and step (true or false)";
constexpr char kVectorShape[] =
    "a vector is what rejoin_vv() returns: {\"<32 hexadecimal digits>\": \"<decimal number>\", ...}";

tl::unexpected<Error> Bad(std::string problem) {
  return Fail(Code::kInvalidArgument, std::move(problem));
}

// Objects with plain members only: what is nested is not built, so that a text of
// brackets costs no memory.
Result<json> ParseObject(std::string_view text, const char* what, const char* advice) {
  if (text.size() > kMaxJsonBytes) {
    return Bad(std::string(what) + " are larger than " + std::to_string(kMaxJsonBytes) + " bytes");
  }
  bool nested = false;
  const auto keep = [&nested](int depth, json::parse_event_t event, json&) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth > 0) nested = true;
    return !nested;
  };
  json parsed = json::parse(text.begin(), text.end(), keep, false);
  if (nested) return Bad(std::string(what) + " must not be nested; " + advice);
  if (parsed.is_discarded()) return Bad(std::string(what) + " are not JSON; " + advice);
  if (!parsed.is_object()) return Bad(std::string(what) + " must be a JSON object; " + advice);
  return parsed;
}

Result<bool> BoolOf(const std::string& name, const json& value) {
  if (!value.is_boolean()) {
    return Bad("option " + name + " must be true or false, not " + value.type_name());
  }
  return value.get<bool>();
}

Status TakeOption(TrackOptions& options, const std::string& name, const json& value) {
  if (name == "same_key") {
    const std::string word = value.is_string() ? value.get<std::string>() : std::string();
    if (word != "merge" && word != "newest") {
      return Bad("option same_key must be \"merge\" or \"newest\"");
    }
    options.same_key = word == "merge" ? SameKey::kMerge : SameKey::kNewest;
  } else if (name == "delete_wins") {
    REJOIN_ASSIGN(options.delete_wins, BoolOf(name, value));
  } else if (name == "fire_triggers") {
    REJOIN_ASSIGN(options.fire_triggers, BoolOf(name, value));
  } else if (name == "name") {
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      return Bad("option name must be text that is not empty");
    }
    options.name = value.get<std::string>();
  } else {
    return Bad("there is no option \"" + name + "\"; " + kOptionsAllowed);
  }
  return {};
}

}  // namespace

Result<TrackOptions> ParseTrackOptions(std::string_view text) {
  REJOIN_ASSIGN(const json parsed, ParseObject(text, "the options", kOptionsAllowed));
  TrackOptions options;
  for (const auto& [name, value] : parsed.items()) REJOIN_TRY(TakeOption(options, name, value));
  return options;
}

Result<SyncOptions> ParseSyncOptions(std::string_view text) {
  REJOIN_ASSIGN(const json parsed, ParseObject(text, "the options", kSyncOptionsAllowed));
  SyncOptions options;
  for (const auto& [name, value] : parsed.items()) {
    if (name == "name") {
      if (!value.is_string()) return Bad("option name must be text");
      options.name = value.get<std::string>();
    } else if (name == "timeout_ms") {
      if (!value.is_number_unsigned()) return Bad("option timeout_ms must be a whole number, 0 or more");
      options.timeout_ms = value.get<std::uint64_t>();
    } else {
      return Bad("there is no option \"" + name + "\"; " + kSyncOptionsAllowed);
    }
  }
  return options;
}

Result<ConnectOptions> ParseConnectOptions(std::string_view text) {
  REJOIN_ASSIGN(const json parsed, ParseObject(text, "the options", kConnectOptionsAllowed));
  ConnectOptions options;
  for (const auto& [name, value] : parsed.items()) {
    if (name == "name") {
      if (!value.is_string()) return Bad("option name must be text");
      options.name = value.get<std::string>();
    } else if (name == "step") {
      REJOIN_ASSIGN(options.step, BoolOf(name, value));
    } else {
      return Bad("there is no option \"" + name + "\"; " + kConnectOptionsAllowed);
    }
  }
  return options;
}

Result<VersionVector> ParseVector(std::string_view text) {
  REJOIN_ASSIGN(const json parsed, ParseObject(text, "the entries of the vector", kVectorShape));
  VersionVector vector;
  for (const auto& [name, value] : parsed.items()) {
    const std::optional<ReplicaId> replica = ReplicaId::FromHex(name);
    if (!replica) return Bad("\"" + name + "\" in the vector is not a replica; " + kVectorShape);
    std::uint64_t time = 0;
    bool good = value.is_string();
    if (good) {
      const std::string& digits = value.get_ref<const std::string&>();
      const char* const end = digits.data() + digits.size();
      const auto read = std::from_chars(digits.data(), end, time);
      good = read.ec == std::errc() && read.ptr == end && !digits.empty();
    }
    if (!good) {
      return Bad("the time of " + name + " in the vector is not a decimal number in a string; " +
                 kVectorShape);
    }
    vector.Set(*replica, HybridTimestamp{time});
  }
  return vector;
}

std::string VectorToJson(const VersionVector& vector) {
  std::string text = "{";
  for (const auto& [replica, time] : vector.entries()) {
    if (text.size() > 1) text += ',';
    text += '"' + replica.Hex() + "\":\"" + std::to_string(time.value) + '"';
  }
  return text + '}';
}

}  // namespace rejoin
