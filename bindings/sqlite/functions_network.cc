#include <nlohmann/json.hpp>

#include "base/version.h"
#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/network_call.h"
#include "bindings/sqlite/options.h"
#include "transport/client.h"

namespace rejoin {
namespace {

// How long one step waits for the peer, before the time limit is looked at.
constexpr std::uint64_t kStepMs = 100;

Status RunUntilDone(Client& client, const Url& url, std::uint64_t timeout_ms) {
  const std::uint64_t begun_ms = SystemClock().SteadyMs();
  while (!client.Done()) {
    REJOIN_TRY(client.Step(kStepMs));
    const std::uint64_t passed_ms = SystemClock().SteadyMs() - begun_ms;
    if (timeout_ms == 0 || passed_ms < timeout_ms || client.Done()) continue;
    return Fail(Code::kNetwork, url.Text() + ": not done after " + std::to_string(timeout_ms) +
                                    " ms (timeout_ms); what came is kept, call again to go on");
  }
  return {};
}

std::string ReportJson(const SessionReport& report) {
  using Json = nlohmann::ordered_json;
  return Json{{"sent", report.rows_sent},
              {"received", report.rows_received},
              {"conflicts", report.conflicts},
              {"quarantined", report.quarantined},
              {"compared", report.compared ? Json(*report.compared) : Json()}}
      .dump();
}

Status Sync(Call& call) {
  REJOIN_ASSIGN(const Url url, UrlOf(call));
  REJOIN_ASSIGN(const auto json, call.OptionalText(1, "the options"));
  SyncOptions options;
  if (json) {
    Result<SyncOptions> parsed = ParseSyncOptions(*json);
    if (!parsed) return call.Refuse(parsed.error().message);
    options = std::move(*parsed);
  }
  REJOIN_TRY(RequireNoTransaction(call));
  SqliteStore store = call.connection().Store();
  REJOIN_TRY(store.Replica());
  SessionOptions session;
  session.name = options.name;
  session.software = "rejoin " REJOIN_VERSION;
  REJOIN_ASSIGN(session.durable, IsDurable(store.engine()));
  REJOIN_ASSIGN(const auto network, Network::Start());
  Client client(*network, url, store, std::move(session));
  REJOIN_TRY(RunUntilDone(client, url, options.timeout_ms));
  call.Return(std::string_view(ReportJson(client.session().report())));
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_sync", "rejoin_sync(url [, options])", 1, 2, FunctionSpec::Kind::kEffect, Sync},
};

}  // namespace

std::span<const FunctionSpec> NetworkFunctions() { return kFunctions; }

}  // namespace rejoin
