// Staying in sync: links that last.
#include <algorithm>

#include "base/version.h"
#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/live_links.h"
#include "bindings/sqlite/network_call.h"
#include "bindings/sqlite/options.h"

namespace rejoin {
namespace {

constexpr char kStepAdvice[] =
    "; say {\"step\": true} and call rejoin_step(ms) from time to time: then everything is done on this "
    "connection";

Result<std::uint64_t> Milliseconds(Call& call, int at) {
  REJOIN_ASSIGN(const std::int64_t given, call.Integer(at, "the time in milliseconds"));
  if (given < 0) return call.Refuse("the time is below 0");
  return static_cast<std::uint64_t>(given);
}

// A thread of ours could open the file beside this connection.
Status RequireFileForTwo(Call& call) {
  sqlite3* const db = call.connection().handle();
  const auto refuse = [&call](const std::string& why) -> Status { return call.Refuse(why + kStepAdvice); };
  const char* const file = sqlite3_db_filename(db, "main");
  if (file == nullptr || *file == '\0') return refuse("this database is in memory, where a thread cannot reach it");
  if (sqlite3_threadsafe() == 0) return refuse("this SQLite was built for a single thread");
  if (sqlite3_db_readonly(db, "main") == 1) {
    return Fail(Code::kReadOnly, std::string(file) + ": can only be read, and syncing writes to it");
  }
  REJOIN_ASSIGN(Statement mode, call.connection().Main()->db.Prepare("PRAGMA {s}.locking_mode"));
  REJOIN_TRY(mode.Step());
  if (mode.Text(0) == "exclusive") return refuse("locking_mode = EXCLUSIVE keeps the file for one connection");
  return {};
}

std::string VfsOf(sqlite3* db) {
  sqlite3_vfs* vfs = nullptr;
  const int found = sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  return found == SQLITE_OK && vfs != nullptr ? vfs->zName : "";
}

Result<std::shared_ptr<LiveLink>> MakeLink(Call& call, const Url& url, const ConnectOptions& options) {
  Connection& connection = call.connection();
  SessionOptions session;
  session.name = options.name;
  session.software = "rejoin " REJOIN_VERSION;
  SqliteStore store = connection.Store();
  REJOIN_TRY(store.Replica());
  if (options.step) {
    REJOIN_ASSIGN(session.durable, IsDurable(store.engine()));
    REJOIN_ASSIGN(auto network, SharedNetwork());
    return std::make_shared<SteppedLink>(std::move(network), url, std::move(store), std::move(session));
  }
  REJOIN_TRY(RequireFileForTwo(call));
  BackgroundSpec spec;
  spec.file = sqlite3_db_filename(connection.handle(), "main");
  spec.vfs = VfsOf(connection.handle());
  spec.url = url;
  spec.session = std::move(session);
  return LinkInBackground(spec);
}

Status Connect(Call& call) {
  REJOIN_ASSIGN(const Url url, UrlOf(call));
  REJOIN_ASSIGN(const auto json, call.OptionalText(1, "the options"));
  ConnectOptions options;
  if (json) {
    Result<ConnectOptions> parsed = ParseConnectOptions(*json);
    if (!parsed) return call.Refuse(parsed.error().message);
    options = std::move(*parsed);
  }
  REJOIN_TRY(RequireNoTransaction(call));
  auto& links = call.connection().links();
  const bool known = std::any_of(links.begin(), links.end(),
                                 [&url](const auto& link) { return link->url().Text() == url.Text(); });
  if (!known) {
    REJOIN_ASSIGN(auto link, MakeLink(call, url, options));
    links.push_back(std::move(link));
  }
  call.Return(std::int64_t{known ? 0 : 1});
  return {};
}

Status Disconnect(Call& call) {
  std::optional<Url> only;
  if (call.count() > 0) {
    REJOIN_ASSIGN(only, UrlOf(call));
  }
  auto& links = call.connection().links();
  const auto ends = [&only](const auto& link) { return !only || link->url().Text() == only->Text(); };
  const auto before = static_cast<std::int64_t>(links.size());
  {
    const HostConnection::Waiting waiting(call.connection().host());
    links.erase(std::remove_if(links.begin(), links.end(), ends), links.end());
  }
  call.Return(before - static_cast<std::int64_t>(links.size()));
  return {};
}

Status RequireLinks(Call& call) {
  if (!call.connection().links().empty()) return {};
  return call.Refuse("there is no link; call rejoin_connect('ws://host:8787/room') first");
}

Status WaitSynced(Call& call) {
  REJOIN_ASSIGN(const std::uint64_t timeout_ms, Milliseconds(call, 0));
  REJOIN_TRY(RequireLinks(call));
  REJOIN_TRY(RequireNoTransaction(call));
  const std::uint64_t begun_ms = SystemClock().SteadyMs();
  bool synced = true;
  for (const auto& link : call.connection().links()) {
    const std::uint64_t passed_ms = SystemClock().SteadyMs() - begun_ms;
    const std::uint64_t left_ms = passed_ms < timeout_ms ? timeout_ms - passed_ms : 0;
    synced = link->WaitSynced(call.connection().host(), left_ms) && synced;
  }
  call.Return(std::int64_t{synced ? 1 : 0});
  return {};
}

Status StepLinks(Call& call) {
  REJOIN_ASSIGN(const std::uint64_t time_ms, Milliseconds(call, 0));
  REJOIN_TRY(RequireLinks(call));
  REJOIN_TRY(RequireNoTransaction(call));
  bool done = true;
  for (const auto& link : call.connection().links()) done = link->Step(time_ms) && done;
  call.Return(std::int64_t{done ? 1 : 0});
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_connect", "rejoin_connect(url [, options])", 1, 2, FunctionSpec::Kind::kEffect, Connect},
    {"rejoin_disconnect", "rejoin_disconnect([url])", 0, 1, FunctionSpec::Kind::kEffect, Disconnect},
    {"rejoin_wait_synced", "rejoin_wait_synced(timeout_ms)", 1, 1, FunctionSpec::Kind::kEffect, WaitSynced},
    {"rejoin_step", "rejoin_step(ms)", 1, 1, FunctionSpec::Kind::kEffect, StepLinks},
};

}  // namespace

std::span<const FunctionSpec> LinkFunctions() { return kFunctions; }

}  // namespace rejoin
