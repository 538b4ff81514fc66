#include "transport/live_client.h"

#include <algorithm>
#include <chrono>

#include "base/os.h"
#include "transport/delay.h"

namespace rejoin {
namespace {

void Add(SessionReport& sum, const SessionReport& report) {
  sum.bytes_sent += report.bytes_sent;
  sum.bytes_received += report.bytes_received;
  sum.rows_sent += report.rows_sent;
  sum.rows_received += report.rows_received;
  sum.conflicts += report.conflicts;
  sum.quarantined = report.quarantined;
  if (report.compared) sum.compared = report.compared;
  if (report.peer == ReplicaId()) return;
  sum.peer = report.peer;
  sum.peer_name = report.peer_name;
  sum.peer_ahead_ms = report.peer_ahead_ms;
}

bool IsAt(const std::optional<Cursor>& acknowledged, const Cursor& head) {
  return acknowledged && acknowledged->epoch == head.epoch && acknowledged->position >= head.position;
}

}  // namespace

LiveClient::LiveClient(Network& network, Url url, SyncStore& store, SessionOptions options, StoreTurn* turn)
    : network_(network), url_(std::move(url)), store_(store), options_(std::move(options)), turn_(turn) {}

void LiveClient::Step(std::uint64_t wait_ms) {
  if (client_ == nullptr) {
    const std::uint64_t now = SystemClock().SteadyMs();
    if (now < rest_until_ms_) return Rest(std::min(wait_ms, rest_until_ms_ - now));
    Begin();
  }
  Status done = Pursue();
  const bool waits_for_turn = aim_ && !aim_->set && client_->IsOpen();
  if (done) done = client_->Step(waits_for_turn ? std::min(wait_ms, Session::kRetryMs) : wait_ms);
  if (done) done = Pursue();
  if (!done) return End(done.error());
  if (!IsLive()) return;
  error_.reset();
  next_rest_ms_ = kFirstRestMs;
}

void LiveClient::Begin() {
  auto client = std::make_unique<Client>(network_, url_, store_, options_, turn_);
  const std::lock_guard lock(mutex_);
  client_ = std::move(client);
}

void LiveClient::End(const Error& why) {
  std::unique_ptr<Client> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = std::move(client_);
  }
  const SessionReport& report = ended->session().report();
  if (report.peer != ReplicaId()) ++conversations_;
  Add(before_, report);
  error_ = why;
  if (aim_) aim_->set = false;
  const std::uint64_t half = next_rest_ms_ / 2;
  rest_until_ms_ = SystemClock().SteadyMs() + half + SystemRandom().Draw64() % (half + 1);
  next_rest_ms_ = std::min(2 * next_rest_ms_, kLongestRestMs);
}

void LiveClient::Rest(std::uint64_t wait_ms) {
  std::unique_lock lock(mutex_);
  wakes_.wait_for(lock, Delay(wait_ms), [this] { return woken_; });
  woken_ = false;
}

void LiveClient::Wake() {
  const std::lock_guard lock(mutex_);
  if (client_ != nullptr) return client_->Wake();
  woken_ = true;
  wakes_.notify_all();
}

void LiveClient::OnChange() {
  if (client_ != nullptr) client_->session().OnChange();
}

void LiveClient::Aim() {
  aim_ = Target();
  OnChange();
}

// Both ways begin with the Ask and its answer; before that there is nothing to aim at.
Status LiveClient::Pursue() {
  if (!aim_ || aim_->reached) return {};
  const Session& session = client_->session();
  if (session.report().peer == ReplicaId() || session.closed()) return {};
  if (!aim_->set) REJOIN_TRY(SetTarget());
  if (!aim_->set) return {};
  const bool mine = session.Echoed() >= aim_->probe;
  const bool theirs = IsAt(session.Acknowledged(true), aim_->head);
  aim_->reached = mine && theirs;
  return {};
}

Status LiveClient::SetTarget() {
  if (turn_ != nullptr && !turn_->Take()) return {};
  const TurnTaken taken(turn_);
  const Result<Cursor> head = store_.Head();
  if (!head && head.error().code == Code::kBusy) return {};
  if (!head) return tl::unexpected(head.error());
  // It may have moved by what came meanwhile, of which nothing else makes the session look.
  OnChange();
  aim_->head = *head;
  aim_->probe = client_->session().SendProbe();
  aim_->set = true;
  return {};
}

bool LiveClient::IsLive() const {
  return client_->session().ReceivedAll() && client_->session().WasAnswered();
}

LiveStatus LiveClient::GetStatus() const {
  LiveStatus status;
  status.report = before_;
  status.error = error_;
  status.conversations = conversations_;
  if (client_ == nullptr) {
    const std::uint64_t now = SystemClock().SteadyMs();
    status.phase = conversations_ == 0 && !error_ ? LiveStatus::Phase::kConnecting : LiveStatus::Phase::kResting;
    status.rest_ms = now < rest_until_ms_ ? rest_until_ms_ - now : 0;
    return status;
  }
  const SessionReport& report = client_->session().report();
  Add(status.report, report);
  if (report.peer == ReplicaId()) return status;
  ++status.conversations;
  status.phase = IsLive() ? LiveStatus::Phase::kLive : LiveStatus::Phase::kCatchingUp;
  return status;
}

}  // namespace rejoin
