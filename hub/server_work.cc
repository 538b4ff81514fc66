// What the server's thread does, round by round: take what has arrived, join it,
// commit, then acknowledge and tell the others.
#include <algorithm>

#include "base/os.h"
#include "hub/server.h"

namespace rejoin {
namespace {

// Between two looks at a file that has other writers, where the system tells of writes
// and where it does not: what a guest then waits for a change at most.
constexpr std::uint64_t kLookMs = 5;
constexpr std::uint64_t kPollMs = 50;
constexpr std::uint64_t kIdleMs = 10'000;

}  // namespace

Instant Server::Now() { return {SystemClock().SteadyMs(), SystemClock().WallMs()}; }

void Server::Tell(const std::string& line) const {
  if (options_.tell) options_.tell(line);
}

void Server::Work() {
  while (!stopping_) {
    std::vector<Event> events = mailbox_->Take(WaitMs());
    for (Event& event : events) Handle(event);
    Retry();
    Commit();
    LookForWrites();
    SendAll();
    CompareOne();
    for (const auto& guest : leaving_) Leave(guest, "");
    leaving_.clear();
    Commit();  // what was noted of them
  }
}

std::uint64_t Server::WaitMs() const {
  std::uint64_t wait = kIdleMs;
  for (const auto& [guest, visit] : visits_) {
    if (visit->session->blocked()) {
      wait = std::min(wait, Session::kRetryMs);
    } else if (!visit->waiting.empty()) {
      wait = std::min(wait, BreakLeftMs(*visit->room));
    }
    if (visit->room->looks) wait = std::min(wait, visit->room->looks->UntilNextMs(Now().steady_ms));
    if (visit->session->WantsSlice()) wait = std::min(wait, sliced_ ? 0 : Session::kRetryMs);
  }
  return wait;
}

void Server::Handle(Event& event) {
  if (event.kind == Event::Kind::kOpen) return Enter(event);
  const auto found = visits_.find(event.guest.get());
  if (found == visits_.end()) return;  // it was sent away
  Visit& visit = *found->second;
  if (event.kind == Event::Kind::kClosed) return Leave(event.guest, event.error->message);
  if (event.kind == Event::Kind::kWritable) return;  // SendAll does the rest
  if (visit.session->blocked() || !visit.waiting.empty() || BreakLeftMs(*visit.room) > 0) {
    visit.waiting.push_back(std::move(event.frame));
  } else {
    TakeFrame(visit, event.frame);
  }
}

void Server::Enter(Event& event) {
  const Visitor& visitor = event.guest->visitor();
  const Result<Room*> room = RoomOf(visitor.room);
  if (!room) {
    Tell(visitor.address + ": no room " + visitor.room + ": " + room.error().message);
    event.link->Close(CloseCode::kRefused, room.error().message);
    return;
  }
  SessionOptions options;
  options.name = options_.name;
  options.software = options_.software;
  options.durable = (*room)->store->durable();
  options.is_server = true;
  options.keeps_time = options_.keeps_time;
  auto visit = std::make_unique<Visit>();
  visit->guest = event.guest;
  visit->link = event.link;
  visit->room = *room;
  visit->session = std::make_unique<Session>((*room)->store->store(), SystemRandom(), std::move(options));
  (*room)->visits.push_back(visit.get());
  visits_[event.guest.get()] = std::move(visit);
}

Result<Server::Room*> Server::RoomOf(const std::string& name) {
  const auto known = rooms_.find(name);
  if (known != rooms_.end()) return known->second.get();
  if (rooms_.size() >= options_.max_rooms) {
    return Fail(Code::kLimit, "this hub has " + std::to_string(options_.max_rooms) +
                                  " rooms open already; try again later");
  }
  auto room = std::make_unique<Room>();
  room->name = name;
  REJOIN_ASSIGN(room->store, source_->Open(name));
  WatchFilesOf(*room);
  Room* const opened = room.get();
  rooms_[name] = std::move(room);
  return opened;
}

void Server::WatchFilesOf(Room& room) {
  std::vector<std::string> files = room.store->SharedFiles();
  if (files.empty()) return;
  room.written = std::make_shared<std::atomic<bool>>(true);
  room.watch = network_.Watch(std::move(files), [written = room.written, mailbox = mailbox_] {
    *written = true;
    mailbox->Wake();
  });
  room.looks.emplace(room.watch != nullptr, kLookMs, kPollMs);
  room.breaks.emplace();
}

template <class Function>
Status Server::Use(Room& room, Function work) {
  const std::uint64_t begin_ms = Now().steady_ms;
  const Status done = work();
  if (room.breaks) room.breaks->Used(begin_ms, Now().steady_ms);
  return done;
}

std::uint64_t Server::BreakLeftMs(const Room& room) {
  return room.breaks ? room.breaks->LeftMs(Now().steady_ms) : 0;
}

// Only now there is room for more of its frames: those that wait, for a session that is
// blocked or for the end of a break, hold the peer back.
void Server::TakeFrame(Visit& visit, const Bytes& frame) {
  visit.guest->Taken(frame.size());
  Room& room = *visit.room;
  const Status begun = BeginBatch(room);
  if (!begun) return Drop(visit, begun.error());
  const Status taken = Use(room, [&] { return visit.session->OnFrame(frame, Now()); });
  if (!taken) Tell(visit.guest->visitor().address + ": " + taken.error().message);
  const SessionReport& report = visit.session->report();
  if (visit.known || report.peer == ReplicaId()) return;
  visit.known = true;
  const Status greeted = room.store->Greet(report.peer, report.peer_name, Now().wall_ms);
  if (!greeted) Tell("room " + room.name + ": " + greeted.error().message);
  Tell(visit.guest->visitor().address + " is replica " + report.peer.Hex() +
       (report.peer_name.empty() ? "" : " (" + report.peer_name + ")") + " in room " + room.name);
}

// A room without guests is closed: its file is whole, and may be copied.
void Server::Leave(const std::shared_ptr<Guest>& guest, const std::string& why) {
  const auto found = visits_.find(guest.get());
  if (found == visits_.end()) return;
  if (!why.empty()) Tell(guest->visitor().address + ": " + why);
  Room& room = *found->second->room;
  NoteLeaving(*found->second);
  room.visits.erase(std::find(room.visits.begin(), room.visits.end(), found->second.get()));
  visits_.erase(found);
  if (room.visits.empty() && !room.in_batch) rooms_.erase(std::string(room.name));
}

void Server::NoteLeaving(const Visit& visit) {
  const std::optional<PeerAcknowledgement> has = visit.session->PeerHas();
  if (!has) return;
  Room& room = *visit.room;
  Status noted = BeginBatch(room);
  if (noted) noted = room.store->NoteLeaving(visit.session->report().peer, *has);
  if (!noted) Tell("room " + room.name + ": " + noted.error().message);
}

Status Server::BeginBatch(Room& room) {
  if (room.in_batch) return {};
  REJOIN_TRY(room.store->Begin());
  room.in_batch = true;
  return {};
}

// Blocked sessions first: they hold what came before.
void Server::Retry() {
  for (const auto& [guest, visit] : visits_) {
    Room& room = *visit->room;
    if (BreakLeftMs(room) > 0) continue;
    if (visit->session->blocked()) {
      const Status resumed = Use(room, [&visit = visit] { return visit->session->Resume(Now()); });
      if (!resumed) Tell(guest->visitor().address + ": " + resumed.error().message);
    }
    while (!visit->session->blocked() && !visit->waiting.empty() && BreakLeftMs(room) == 0) {
      const Bytes frame = std::move(visit->waiting.front());
      visit->waiting.pop_front();
      TakeFrame(*visit, frame);
    }
  }
}

// A batch that cannot be committed is as if it had never arrived: its guests are sent
// away before they hear that it had, and bring it again.
void Server::Commit() {
  for (auto at = rooms_.begin(); at != rooms_.end();) {
    Room& room = *at->second;
    ++at;
    if (!room.in_batch) continue;
    room.in_batch = false;
    const Status committed = room.store->Commit();
    for (Visit* const visit : room.visits) {
      if (committed) {
        visit->session->OnChange();
      } else {
        Drop(*visit, committed.error());
      }
    }
    if (!committed) Tell("room " + room.name + ": " + committed.error().message);
    if (room.visits.empty()) rooms_.erase(std::string(room.name));
  }
}

void Server::LookForWrites() {
  for (const auto& [name, room] : rooms_) {
    if (room->looks) LookForWritesTo(*room);
  }
}

void Server::LookForWritesTo(Room& room) {
  if (room.written->exchange(false)) room.looks->OnWritten();
  if (room.looks->UntilNextMs(Now().steady_ms) > 0) return;
  const Result<bool> written = room.store->WasWritten();
  room.looks->OnLooked(Now().steady_ms);
  if (written && !*written) return;
  for (Visit* const visit : room.visits) visit->session->OnChange();
}

void Server::SendAll() {
  for (const auto& [guest, visit] : visits_) Send(*visit);
}

void Server::Send(Visit& visit) {
  for (;;) {
    if (!visit.held) {
      Result<std::optional<Bytes>> frame = visit.session->NextFrame(Now());
      if (!frame) {
        Tell(visit.guest->visitor().address + ": " + frame.error().message);
        continue;  // it has a last word for the peer
      }
      if (!*frame) break;
      visit.held = std::make_shared<const Bytes>(std::move(**frame));
    }
    if (visit.link->Send(visit.held) == Sent::kFull) return;
    visit.held.reset();
  }
  if (!visit.session->closed()) return;
  visit.link->Close(CloseCode::kRefused, "see the last message");
  leaving_.push_back(visit.guest);
}

// One slice a round, and in turn, so that frames wait for no more than that.
void Server::CompareOne() {
  const auto begin = visits_.upper_bound(compared_);
  auto at = begin == visits_.end() ? visits_.begin() : begin;
  for (std::size_t i = 0; i < visits_.size(); ++i) {
    Visit& visit = *at->second;
    if (visit.session->WantsSlice()) {
      compared_ = at->first;
      const Result<bool> sliced = visit.session->Slice(Now());
      if (!sliced) Tell(visit.guest->visitor().address + ": " + sliced.error().message);
      sliced_ = !sliced || *sliced;
      TellFinding(visit);
      return Send(visit);
    }
    if (++at == visits_.end()) at = visits_.begin();
  }
}

void Server::TellFinding(Visit& visit) const {
  const std::string& finding = visit.session->report().finding;
  if (finding == visit.finding) return;
  visit.finding = finding;
  Tell("room " + visit.room->name + ": " + finding);
}

void Server::Drop(Visit& visit, const Error& why) {
  visit.link->Close(CloseCode::kTryLater, why.message, Unsent::kDrop);
  leaving_.push_back(visit.guest);
}

}  // namespace rejoin
