#include "bindings/sqlite/link_status.h"

#include "transport/process.h"

namespace rejoin {
namespace {

const char* StateName(const LinkState& state) {
  const bool rests = state.live.phase == LiveStatus::Phase::kResting;
  if (state.elsewhere && (rests || state.live.phase == LiveStatus::Phase::kConnecting)) return "in another process";
  switch (state.live.phase) {
    case LiveStatus::Phase::kConnecting:
      return "connecting";
    case LiveStatus::Phase::kCatchingUp:
      return "catching up";
    case LiveStatus::Phase::kLive:
      return "live";
    case LiveStatus::Phase::kResting:
      return "resting";
  }
  return "resting";
}

const char* ModeName(LinkState::Mode mode) {
  switch (mode) {
    case LinkState::Mode::kBackground:
      return "background";
    case LinkState::Mode::kStep:
      return "step";
    case LinkState::Mode::kOtherProcess:
      return "other process";
  }
  return "background";
}

}  // namespace

nlohmann::ordered_json LinkJson(const LinkState& state) {
  using Json = nlohmann::ordered_json;
  const LiveStatus& live = state.live;
  Json link{{"url", state.url.Text()}, {"mode", ModeName(state.mode)}, {"state", StateName(state)}};
  if (state.mode == LinkState::Mode::kOtherProcess) link["process"] = ProcessId();
  link["error"] = live.error ? Json(live.error->message) : Json();
  if (live.phase == LiveStatus::Phase::kResting) link["retry_in_ms"] = live.rest_ms;
  link["peer"] = live.report.peer == ReplicaId() ? Json() : Json(live.report.peer.Hex());
  link["peer_name"] = live.report.peer_name;
  link["conversations"] = live.conversations;
  link["compared"] = live.report.compared ? Json(*live.report.compared) : Json();
  link["rows_sent"] = live.report.rows_sent;
  link["rows_received"] = live.report.rows_received;
  link["bytes_sent"] = std::to_string(live.report.bytes_sent);
  link["bytes_received"] = std::to_string(live.report.bytes_received);
  return link;
}

std::string LinkStanding(const LiveStatus& live) {
  return std::to_string(static_cast<int>(live.phase)) + live.report.peer.Hex() + live.report.peer_name +
         (live.error ? live.error->message : "");
}

}  // namespace rejoin
