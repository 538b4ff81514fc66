// One conversation with one peer, as a state machine over frames.
//
// It opens no socket, starts no thread and reads no clock: frames and time come in as
// arguments, frames go out through NextFrame(). So the simulator, the hub, the browser
// and a device run this one code. The store is written in OnFrame and Resume only, and
// no transaction is open between calls: one that the application holds open on the store's
// connection is waited for as another's lock is.
//
// Both sides do the same: each says Hello, then Ask, and streams what the other's Ask
// lacks for as long as the conversation lasts. A part that arrives is gathered whole,
// joined in one transaction together with the point it ends at, and acknowledged after
// the commit. When a conversation breaks, at any byte, the next one goes on from the
// points that the stores remember. docs/protocol.md has the messages.
//
// As the last net, once in a conversation the side that connected asks the other whether
// both, who cover the same changes, hold the same state: not more often than once in
// kCompareIntervalMs for a peer. If not, each gets all of the other once, and it is asked
// once more. It takes a look at every row, which the owner of the session lets it have in
// slices when there is nothing better to do (Slice); whatever moves meanwhile ends it or
// begins it anew, so it never tells of two moments.
//
// Thread-compatible. The store may be used by others between calls.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/os.h"
#include "replica/message.h"
#include "replica/spool.h"

namespace rejoin {

struct Instant {
  std::uint64_t steady_ms = 0;  // grows only; for intervals
  std::uint64_t wall_ms = 0;    // Unix time
};

// When this code was committed.
extern const std::uint64_t kBuiltMs;

struct SessionOptions {
  std::string name;       // of this replica, for people
  std::string software;
  bool durable = true;    // the store's commits survive a power cut
  // The peer connected to this side, which makes the room where neither has one. It knows
  // all who come; were it one of them, two that come at once would make two rooms.
  bool is_server = false;
  // Of a first sync, in either direction: what this side sends at most, and asks for. A
  // part is one transaction here, and as long holds the store's lock.
  std::size_t part_bytes = std::size_t{4} << 20;
  // Of a part that arrives: a peer is not to fill the disk. A real transaction does not
  // come near it.
  std::uint64_t max_part_bytes = std::uint64_t{4} << 30;
  // Others may correct their clocks by this side's (a hub's). Nobody corrects it.
  bool keeps_time = false;
  // Told the time where a peer that keeps it has another than `now`, which then has to
  // be of this clock. nullptr: nobody is to be told.
  CorrectedClock* clock = &SystemClock();
  // A clock that is behind this is dead.
  std::uint64_t earliest_ms = kBuiltMs;
  // Of a digest, that are looked at in one slice: some milliseconds.
  std::uint64_t slice_rows = 2000;
};

struct SessionReport {
  ReplicaId peer;               // zeros before its Hello
  std::string peer_name;
  std::int64_t peer_ahead_ms = 0;  // its clock against ours, at its Hello
  std::uint64_t bytes_sent = 0;    // of frames
  std::uint64_t bytes_received = 0;
  std::uint64_t rows_sent = 0;
  std::uint64_t rows_received = 0;  // of them, those that changed something here
  // Of what there was to send and to receive, roughly, when the last part went by.
  std::uint64_t sent_permille = 0;
  std::uint64_t received_permille = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t quarantined = 0;
  // Do both hold the same? nullopt: they were not compared.
  std::optional<bool> compared;
  std::string finding;  // what was found of that last, for people
};

// How far a peer is, by its own word.
struct PeerAcknowledgement {
  ResumePoint point;
  VersionVector vector;
  bool durable = false;  // a power cut does not take it back
};

class Session {
 public:
  // `store` and `random` outlive it. `random` makes the id of a new room.
  Session(SyncStore& store, Random& random, SessionOptions options);

  // The next frame arrived. Error: the conversation is over; what NextFrame still has
  // tells the peer why, then close. Not to be called while blocked().
  Status OnFrame(ByteView frame, Instant now);
  // Call until nullopt, whenever there is room to send. Error: as OnFrame. May wait for the
  // disk (SyncStore::MakeDurable).
  Result<std::optional<Bytes>> NextFrame(Instant now);
  // NextFrame would now read or write the store, and not only wait for its disk.
  bool NeedsStore() const;
  // Does that part of NextFrame alone: for who holds a lock meanwhile.
  Status UseStore(Instant now);

  // The store was locked by another: call Resume from kRetryMs on, until it is false.
  static constexpr std::uint64_t kRetryMs = 10;
  bool blocked() const { return pending_ != Pending::kNothing; }
  Status Resume(Instant now);

  // The store may hold something new: a local commit, or another session's join.
  void OnChange() { may_have_news_ = true; }

  // The states are to be compared, or are being compared; false once that is over.
  bool Comparing() const;
  // A piece of that can be done now: call Slice, again and again, with frames in between.
  // False: the store was locked by another, try again from kRetryMs on. Error: as OnFrame.
  bool WantsSlice() const;
  Result<bool> Slice(Instant now);
  // States are compared with a peer so often at most; if no answer came, or the repair was
  // broken off, sooner.
  static constexpr std::uint64_t kCompareIntervalMs = std::uint64_t{24} * 3600 * 1000;
  static constexpr std::uint64_t kCompareAgainMs = std::uint64_t{3600} * 1000;

  // The conversation ended by an error or a Bye; nothing but the frames that are left.
  bool closed() const { return closed_; }
  // The peer has everything that was here when this turned true, and said so; false
  // again when there is more.
  bool SentAll() const;
  // Asks the peer for an Echo behind all that it has when it hears this. Echoed() is at
  // least the number returned as soon as all that is here.
  std::uint64_t SendProbe();
  std::uint64_t Echoed() const { return echoed_; }
  // All that was here when the peer asked is on its way, or was acknowledged.
  bool WasAnswered() const { return answered_; }
  // Everything that the peer had when it answered our Ask is here.
  bool ReceivedAll() const { return received_all_; }
  // Up to where in our order the peer has acknowledged everything (durably, if `durable`).
  std::optional<Cursor> Acknowledged(bool durable) const { return durable ? acked_durably_ : acked_; }
  // nullopt while something is on its way, or before anything was.
  std::optional<PeerAcknowledgement> PeerHas() const;
  const SessionReport& report() const { return report_; }

 private:
  // Parts on their way that are not acknowledged. More would only fill queues.
  static constexpr std::size_t kMaxUnacknowledged = 8;
  // Re-asking is for peers that came back from the past; an endless one is a mistake.
  static constexpr int kMaxAsks = 4;
  // A peer that wishes smaller parts has to live with these.
  static constexpr std::size_t kMinPartBytes = std::size_t{16} << 10;
  // Positions that a peer's point may lag behind while there is nothing for it: to
  // move it is a transaction there, to leave it a longer way through the log here.
  static constexpr std::uint64_t kMaxLag = 1000;

  // A digest begins anew so often where the state moves.
  static constexpr int kMaxRestarts = 2;

  enum class Stage : std::uint8_t {
    kUndecided,  // to be asked, if it is time; the other side: not asked yet
    kDue,        // to be asked as soon as both sides have caught up
    kMarking,    // computing a digest, to ask
    kAsked,      // waiting for the answer
    kAnswering,  // computing a digest, to answer
    kRepairing,  // each gets all of the other
    kOver,
  };

  // What was to be done when the store was locked, and is done when it is not: all else
  // waits for it.
  enum class Pending : std::uint8_t {
    kNothing,
    kBegin,     // to agree on the room, and to ask
    kCorrect,   // to correct the times that a wrong clock gave
    kAsk,       // to ask again
    kQuestion,  // to look whether the question of the peer can be answered
    kJoin,      // the part that was gathered
  };

  // An outgoing part.
  struct Sent {
    std::uint64_t part = 0;
    Cursor head;
  };

  // session.cc
  Status Close(Error error);
  Status Handle(const Message& message, Instant now);
  Status Do(Pending what, Instant now);
  // A locked store is no error: `what` waits for it.
  Status WaitIfLocked(Pending what, const Status& done);
  Status OnHello(const Hello& hello, Instant now);
  Status Begin();
  Status RefuseItself();
  Status AgreeOnRoom(const RoomId& theirs);
  Status OnBye(const Bye& bye);
  Result<Hello> MakeHello(Instant now);
  Status Answer(bool for_everything);  // our Ask
  Status SayHello(Instant now);
  void Queue(const Message& message);

  // session_clock.cc
  std::uint64_t BoundMs() const;
  Result<bool> MayJudge(Instant now);
  void LearnTime(const Hello& hello, Instant now);
  Status CorrectStore(Instant now);
  tl::unexpected<Error> RefuseTooNew(const TooNew& too_new, Instant now) const;

  // session_receive.cc
  Status OnChunk(const Chunk& chunk, Instant now);
  Status TakeChunk(const Chunk& chunk, Instant now);
  Status Gather(ByteView bytes);
  Status Join(Instant now);
  Status AfterJoin(const Result<MergeReport>& joined, Instant now);
  Status AskAgain(const Error& why);
  Status AskAnew();
  Status OnEcho(const Echo& echo);

  // session_compare.cc
  bool CaughtUp() const;
  bool MayGoOnComparing() const;
  Status GoOnComparing(Instant now);
  Status Decide(Instant now);
  Status BeginMarking();
  Result<bool> HasMoved();
  Status Mark(Instant now);
  Status AskWhether(const Compare& ours, Instant now);
  Status AnswerWhether(const Compare& ours);
  Status GiveUp(const std::string& why, Instant now);
  Status OnCompare(const Compare& compare);
  Status OnQuestion(const Compare& compare);
  Status BeginAnswering();
  Status Conclude(bool equal);
  Status Repair();
  Status Find(const std::string& what);

  // session_send.cc
  Status OnAsk(const Ask& ask, Instant now);
  Status OnAck(const Ack& ack);
  Status OnProbe(const Probe& probe);
  void EchoIfSent();
  bool MayExtract() const;
  Status Extract();
  void TakePart(PartReport part, bool is_answer);
  Result<Bytes> NextChunk();

  SyncStore& store_;
  Random& random_;
  SessionOptions options_;
  ReplicaId self_;
  bool said_hello_ = false;
  bool closed_ = false;
  bool unsettled_ = false;  // a frame that waits says what may not be on the disk yet
  Pending pending_ = Pending::kNothing;
  RoomId room_told_;  // by the peer
  std::deque<Bytes> queue_;  // small messages; a few of each kind, whatever the peer does
  bool ends_with_ack_ = false;  // so does the queue
  SessionReport report_;

  // The peer's clock, where it keeps time.
  std::uint64_t said_hello_ms_ = 0;  // by steady time
  bool peer_keeps_time_ = false;
  TimeCorrection correction_;

  // Whether both hold the same.
  Stage stage_ = Stage::kUndecided;
  bool repaired_ = false;
  bool peer_asked_all_ = false;  // since then
  int restarts_ = 0;
  Cursor compared_head_;
  std::uint64_t compared_parts_ = 0;  // that had been sent when it began
  Compare compared_;                  // the question: ours, or the peer's
  std::uint64_t asked_ms_ = 0;
  // To be written when the store is not locked.
  std::optional<Comparison> remember_;
  std::string finding_;

  // In: the part that is being gathered or joined.
  int asks_ = 0;
  bool asked_for_everything_ = false;
  std::uint64_t parts_received_ = 0;
  bool gathering_ = false;
  bool ignoring_ = false;  // it answers an Ask that is no longer ours
  std::uint64_t gathered_ask_ = 0;
  bool more_ = false;
  bool received_all_ = false;
  PartOrigin origin_;
  Spool incoming_;
  std::uint64_t probes_ = 0;
  std::uint64_t first_valid_probe_ = 1;  // Echoes of those before are of an Ask that is over
  std::uint64_t echoed_ = 0;

  // Out.
  std::optional<Ask> asked_;  // what the peer asked
  bool answered_ = false;     // a part that is not followed by another went out since
  bool may_have_news_ = true;
  std::optional<Cursor> seen_head_;  // at the last extraction
  ResumePoint peer_at_;
  // Up to here, or to peer_at_, there was nothing for the peer: not worth telling it, nor to
  // be looked at again.
  ResumePoint looked_to_;
  VersionVector peer_has_;
  std::uint64_t parts_sent_ = 0;
  std::optional<PartReport> sending_;
  std::uint64_t sending_ask_ = 0;  // the Ask that it answers
  ResumePoint sending_from_;
  bool sending_first_ = false;
  Spool outgoing_;
  std::deque<Sent> unacknowledged_;
  std::optional<Cursor> acked_;
  std::optional<Cursor> acked_durably_;
  std::size_t part_bytes_;
  // A Probe of the peer that waits for its Echo, and how far it then has to be here.
  std::optional<Probe> probe_;
  Cursor probe_head_;
  std::optional<Cursor> told_;  // up to here the peer was sent what it lacks, if anything
};

}  // namespace rejoin
