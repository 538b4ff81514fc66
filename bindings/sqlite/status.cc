#include "bindings/sqlite/status.h"

#include <nlohmann/json.hpp>

#include "base/version.h"
#include "bindings/sqlite/json_text.h"
#include "bindings/sqlite/link_status.h"
#include "bindings/sqlite/live_links.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/extract.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/log.h"
#include "transport/link_lock.h"

namespace rejoin {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kCountHidden[] = "SELECT count(*) FROM {s}.rejoin__hidden";
constexpr char kCountClashes[] = "SELECT count(*) FROM {s}.rejoin__clash";
constexpr char kLogHeld[] =
    "SELECT (SELECT total FROM {s}.rejoin__log ORDER BY pos DESC LIMIT 1)"
    " - total + length(body) FROM {s}.rejoin__log ORDER BY pos LIMIT 1";

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::int64_t> Number(Engine& engine, const char* sql) {
  REJOIN_ASSIGN(Statement statement, engine.db.Prepare(sql));
  REJOIN_ASSIGN(const bool row, statement.Step());
  return row ? statement.Integer(0) : 0;
}

Json TimeOrNull(HybridTimestamp time) {
  return time.value == 0 ? Json() : Json(TimeText(time.wall_ms()));
}

Json VersionOf() {
  return Json{{"version", REJOIN_VERSION},
              {"commit", REJOIN_COMMIT},
              {"format", REJOIN_FORMAT},
              {"protocol", REJOIN_PROTOCOL}};
}

Status AddTables(Json& json, Engine& engine) {
  int tracked = 0;
  int carried = 0;
  for (const auto& table : engine.catalog.tables()) ++(table->local ? tracked : carried);
  json["tables"] = tracked;
  json["carried_tables"] = carried;
  REJOIN_ASSIGN(json["conflicts"], Number(engine, kCountClashes));
  REJOIN_ASSIGN(json["quarantined"], Number(engine, kCountHidden));
  REJOIN_ASSIGN(json["incomplete"], IsIncomplete(engine));
  return {};
}

Status AddLog(Json& json, Engine& engine) {
  REJOIN_ASSIGN(const VersionVector vector, ReadVector(engine));
  json["replicas"] = vector.entries().size();
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  json["last_own_change"] = TimeOrNull(head.own);
  json["last_change"] = TimeOrNull(head.clock);
  REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine));
  REJOIN_ASSIGN(const std::int64_t held, Number(engine, kLogHeld));
  json["log"] = Json{{"position", std::to_string(head.cursor.position)},
                     {"bytes", std::to_string(held)},
                     {"unfolded_bytes", std::to_string(pending)}};
  return {};
}

Json LinksOf(Connection& connection, const std::string& file) {
  Json links = Json::array();
  for (const LinkState& state : StatesOfLinks(file)) links.push_back(LinkJson(state));
  for (const auto& link : connection.links()) {
    const LinkState state = link->GetState();
    if (state.mode == LinkState::Mode::kStep) links.push_back(LinkJson(state));
  }
  if (file.empty()) return links;
  for (const std::string& status : StatusesOfOthers(file)) {
    Json link = Json::parse(status, nullptr, false);
    if (link.is_object()) links.push_back(std::move(link));
  }
  return links;
}

}  // namespace

std::string VersionJson() { return Dump(VersionOf()); }

Result<std::string> StatusJson(Connection& connection) {
  Json json = VersionOf();
  const char* const file = sqlite3_db_filename(connection.handle(), "main");
  json["file"] = file == nullptr ? "" : file;
  json["read_only"] = sqlite3_db_readonly(connection.handle(), "main") == 1;
  const Result<bool> set_up = connection.IsSetUp();
  const bool newer = !set_up && set_up.error().code == Code::kNewerFormat;
  if (!set_up && !newer) return tl::unexpected(set_up.error());
  json["set_up"] = newer || *set_up;
  if (!newer && !*set_up) return Dump(json);
  const std::shared_ptr<Engine> engine = connection.Main();
  REJOIN_ASSIGN(const auto format, engine->Meta("format"));
  json["file_format"] = format ? format->integer() : 0;
  if (newer) return Dump(json);  // whatever else is there may mean something else
  REJOIN_ASSIGN(const ReplicaId replica, ReadReplica(*engine));
  json["replica"] = replica.Hex();
  REJOIN_TRY(AddTables(json, *engine));
  REJOIN_TRY(AddLog(json, *engine));
  json["links"] = LinksOf(connection, file == nullptr ? "" : file);
  return Dump(json);
}

}  // namespace rejoin
