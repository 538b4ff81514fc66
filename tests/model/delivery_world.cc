#include "tests/model/delivery_world.h"

#include <algorithm>
#include <filesystem>

namespace rejoin {
namespace {

constexpr const char* kItem = "item";
constexpr char kSidecar[] = "-rejoin";
constexpr std::size_t kAuthor = 100;  // a seed that no replica has
using Knowledge = std::uint32_t;      // bit i: deed i

void RemoveSidecar(const ScratchPath& file) {
  std::error_code missing;
  std::filesystem::remove(file.text() + kSidecar, missing);
}

// The same file with the same identity somewhere else: only one of the two is used.
void MoveCopy(const ScratchPath& from, const ScratchPath& to) {
  CopyDatabase(from.text(), to.text());
  std::filesystem::copy_file(from.text() + kSidecar, to.text() + kSidecar,
                             std::filesystem::copy_options::overwrite_existing);
}

}  // namespace

std::vector<Course> AllCourses() {
  std::vector<Course> courses;
  Course course;
  do {
    const auto [first, second, third] = course.order;
    for (unsigned choice = 0; choice < 8; ++choice) {
      course.hears_of = {};
      if ((choice & 1) != 0) course.hears_of[second].insert(first);
      if ((choice & 2) != 0) course.hears_of[third].insert(first);
      if ((choice & 4) != 0) course.hears_of[third].insert(second);
      // What somebody knew comes with what he says.
      if ((choice & 1) != 0 && (choice & 4) != 0 && (choice & 2) == 0) continue;
      const bool known = std::any_of(courses.begin(), courses.end(),
                                     [&](const Course& other) { return other.hears_of == course.hears_of; });
      if (!known) courses.push_back(course);
    }
  } while (std::next_permutation(course.order.begin(), course.order.end()));
  return courses;
}

struct DeliveryWorlds::Template {
  ScratchPath file;
  std::map<std::string, TableDef> tables;
  Facts adopted;
  ~Template() { RemoveSidecar(file); }
};

// One script in one course.
class DeliveryWorlds::World {
 public:
  World(DeliveryWorlds& worlds, const Script& script, std::size_t kinds)
      : worlds_(worlds), script_(script), turn_(kinds) {
    for (std::size_t i = 0; i < kReplicas; ++i) Open(i, kinds + i);
  }
  ~World() {
    for (Replica& each : replicas_) {
      each.device.reset();
      RemoveSidecar(each.file);
    }
  }

  std::string Play(const Course& course);

 private:
  struct Replica {
    ScratchPath file;
    std::unique_ptr<TestReplica> device;
    ReplicaId id;
    Knowledge known = 0;
  };
  struct Message {
    std::size_t from = 0;
    VersionVector start;
    Bytes bytes;
    Knowledge deed = 0;
  };
  struct Expected {
    Picture picture;
    std::vector<DeltaBlock> blocks;  // all states
    std::string digest;
  };

  void Open(std::size_t number, std::size_t kind);
  void Act(std::size_t number, const Deed& deed);
  void Hear(std::size_t number, std::size_t of);
  void HearAll(std::size_t number);
  void Walk(std::size_t number);
  bool Deliver(std::size_t number, const Message& message);
  void DeliverAgain(std::size_t number);
  void Look(std::size_t number);
  void LookInside(std::size_t number);
  const Expected& ExpectedAt(Knowledge known);
  Facts FactsOf(Knowledge known) const;
  VersionVector VectorOf(std::size_t number) { return *replicas_[number].device->store().Vector(); }
  HybridTimestamp OwnTime(std::size_t number) { return VectorOf(number).Get(replicas_[number].id); }
  bool Lacks(std::size_t number, const Message& message) const {
    return message.from != number && (replicas_[number].known & message.deed) == 0;
  }
  void Fault(const std::string& what, std::size_t number);

  DeliveryWorlds& worlds_;
  const Script& script_;
  std::size_t turn_;  // chooses what comes again
  std::array<Replica, kReplicas> replicas_;
  std::vector<Facts> deeds_;
  std::vector<Message> messages_;
  std::map<Knowledge, Expected> expected_;
  std::vector<const Message*> way_;  // what has been delivered to get where the walk is
  std::string fault_;
};

void DeliveryWorlds::World::Open(std::size_t number, std::size_t kind) {
  Rows adopted;
  for (const Deed& deed : script_[number]) adopted.insert(deed.adopted.begin(), deed.adopted.end());
  const std::vector<SqliteKind> kinds = SqliteKindsOfOneConnection();
  kind %= kinds.size();
  const Template& from = worlds_.TemplateOf(number, kind, adopted);
  Replica& replica = replicas_[number];
  MoveCopy(from.file, replica.file);
  const std::uint64_t seed = kAuthor + ++worlds_.opened_;
  replica.device = OpenSqliteReplica(kinds[kind], {replica.file.text(), seed, from.tables}, worlds_.clock_);
  replica.id = *replica.device->store().Replica();
  if (adopted.empty()) return;
  Message message{number, worlds_.author_->store().Vector().value(), {}, Knowledge{1} << deeds_.size()};
  message.bytes = DeltaSince(*replica.device, message.start).value_or("");
  messages_.push_back(std::move(message));
  replica.known |= messages_.back().deed;
  deeds_.push_back(from.adopted);
}

std::string DeliveryWorlds::World::Play(const Course& course) {
  for (const std::size_t number : course.order) {
    for (const std::size_t of : course.order) {
      if (course.hears_of[number].count(of) > 0) Hear(number, of);
    }
    for (const Deed& deed : script_[number]) Act(number, deed);
  }
  for (std::size_t i = 0; i < kReplicas && fault_.empty(); ++i) {
    Look(i);
    Walk(i);
    HearAll(i);
    LookInside(i);
    const std::string damage = replicas_[i].device->Damage();
    if (!damage.empty()) Fault("the file is damaged: " + damage, i);
  }
  return fault_;
}

void DeliveryWorlds::World::Act(std::size_t number, const Deed& deed) {
  if (!deed.adopted.empty()) return;  // that was at the beginning
  Replica& replica = replicas_[number];
  const VersionVector before = VectorOf(number);
  Facts known = FactsOf(replica.known);
  Facts added;
  for (const Transaction& transaction : deed.transactions) {
    const HybridTimestamp was = OwnTime(number);
    (void)replica.device->Execute(transaction);  // one that fails changes nothing
    const HybridTimestamp is = OwnTime(number);
    const Facts news = worlds_.specification_.Write(known, transaction, {Rank::kWritten, is, replica.id});
    if (news.empty() != (was == is)) Fault("a transaction did something, or should have: " + deed.name, number);
    known.insert(known.end(), news.begin(), news.end());
    added.insert(added.end(), news.begin(), news.end());
  }
  if (VectorOf(number) == before) return;
  Message message{number, before, {}, Knowledge{1} << deeds_.size()};
  const auto delta = DeltaSince(*replica.device, before);
  if (!delta) return Fault("nothing can be told: " + delta.error().message, number);
  message.bytes = *delta;
  replica.known |= message.deed;
  messages_.push_back(std::move(message));
  deeds_.push_back(std::move(added));
}

void DeliveryWorlds::World::Hear(std::size_t number, std::size_t of) {
  for (const Message& message : messages_) {
    if (message.from == of && Lacks(number, message) && !Deliver(number, message)) {
      Fault("a change is refused though all before it is there", number);
    }
  }
  Look(number);
}

// For good. What is refused comes again when something else has come.
void DeliveryWorlds::World::HearAll(std::size_t number) {
  bool lacks = true;
  for (std::size_t pass = 0; lacks && pass < messages_.size(); ++pass) {
    lacks = false;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      const Message& message = messages_[(i + turn_) % messages_.size()];
      if (Lacks(number, message) && !Deliver(number, message)) lacks = true;
    }
  }
  if (lacks) Fault("it never has everything", number);
  Look(number);
}

// Everything that may come next, and from there on everything that may come then.
void DeliveryWorlds::World::Walk(std::size_t number) {
  Replica& replica = replicas_[number];
  for (const Message& message : messages_) {
    if (!fault_.empty() || !Lacks(number, message)) continue;
    const Knowledge before = replica.known;
    const Status begun = replica.device->SetSavepoint();
    if (!begun) return Fault(begun.error().message, number);
    way_.push_back(&message);
    if (Deliver(number, message)) {
      DeliverAgain(number);
      Walk(number);
    }
    way_.pop_back();
    replica.known = before;
    const Status ended = replica.device->RollBackToSavepoint();
    const Status released = replica.device->ReleaseSavepoint();
    if (!ended || !released) Fault("a savepoint cannot be rolled back", number);
  }
  // And all is forgotten again.
  Look(number);
}

// False: it is refused, since something before it is missing.
bool DeliveryWorlds::World::Deliver(std::size_t number, const Message& message) {
  Replica& replica = replicas_[number];
  const bool covered = VectorOf(number).Covers(message.start);
  ++worlds_.merges_;
  const auto merged = MergeBytes(*replica.device, message.bytes);
  if (merged && !covered) Fault("a change is taken without what came before it", number);
  if (!merged && (covered || merged.error().code != Code::kNotCovered)) Fault(merged.error().message, number);
  if (!merged) return false;
  if (merged->duplicate_dots > 0) Fault("one stamp has two values", number);
  replica.known |= message.deed;
  return true;
}

// One of those that have come.
void DeliveryWorlds::World::DeliverAgain(std::size_t number) {
  Replica& replica = replicas_[number];
  const Message& message = *way_[++turn_ % way_.size()];
  ++worlds_.merges_;
  const auto merged = MergeBytes(*replica.device, message.bytes);
  if (!merged) return Fault(merged.error().message, number);
  if (merged->rows_changed != 0 || merged->rows_shown != 0) Fault("a duplicate changed something", number);
  Look(number);
}

void DeliveryWorlds::World::Look(std::size_t number) {
  Replica& replica = replicas_[number];
  const Expected& expected = ExpectedAt(replica.known);
  if (replica.device->Shown(kItem) != expected.picture.shown) Fault("other rows are shown", number);
  if (replica.device->Conflicts() != expected.picture.clashes) Fault("other conflicts are listed", number);
  if (replica.device->Quarantine() != expected.picture.hidden) Fault("other rows are hidden", number);
}

void DeliveryWorlds::World::LookInside(std::size_t number) {
  FakeRandom random;
  MemoryStore copy(TestReplicaId(number), worlds_.clock_, random);
  const auto delta = DeltaSince(*replicas_[number].device, {});
  ViewSource source(delta ? ByteView(*delta) : ByteView());
  if (!delta || !copy.DefineTable(worlds_.def_) || !copy.Merge(source)) return Fault("all of it is not told", number);
  const Expected& expected = ExpectedAt(replicas_[number].known);
  if (copy.CollectSince({}).blocks != expected.blocks) Fault("its states are others", number);
  const auto digest = replicas_[number].device->store().StateDigest({});
  if (!digest || digest->Hex() != expected.digest) Fault("the digest is another one", number);
}

const DeliveryWorlds::World::Expected& DeliveryWorlds::World::ExpectedAt(Knowledge known) {
  const auto [at, first] = expected_.try_emplace(known);
  if (!first) return at->second;
  at->second.picture = worlds_.specification_.Look(FactsOf(known));
  FakeRandom random;
  MemoryStore model(TestReplicaId(kAuthor), worlds_.clock_, random);
  const auto give = [&](const Bytes& bytes) {
    ViewSource source(bytes);
    if (!model.Merge(source)) fault_ = "the memory store refuses what SQLite tells";
  };
  if (!model.DefineTable(worlds_.def_)) fault_ = "the table cannot be defined";
  give(worlds_.initial_);
  for (const Message& message : messages_) {
    if ((known & message.deed) != 0) give(message.bytes);
  }
  at->second.blocks = model.CollectSince({}).blocks;
  at->second.digest = model.StateDigest({})->Hex();
  return at->second;
}

Facts DeliveryWorlds::World::FactsOf(Knowledge known) const {
  Facts facts = worlds_.initial_facts_;
  for (std::size_t i = 0; i < deeds_.size(); ++i) {
    if ((known >> i & 1) != 0) facts.insert(facts.end(), deeds_[i].begin(), deeds_[i].end());
  }
  return facts;
}

void DeliveryWorlds::World::Fault(const std::string& what, std::size_t number) {
  if (!fault_.empty()) return;
  fault_ = what + " at replica " + std::to_string(number) + ", script " + Described(script_) + " delivered in this order:";
  for (const Message* message : way_) fault_ += " one of " + std::to_string(message->from);
}

// --- All worlds --------------------------------------------------------------------------

DeliveryWorlds::DeliveryWorlds(const TableDef& def, const Transaction& initial) : def_(def), specification_(def) {
  author_ = OpenSqliteReplica(SqliteKindsOfOneConnection().front(), {":memory:", kAuthor}, clock_);
  if (!author_->Define(def_, {}) || !author_->Execute(initial)) return;
  initial_ = DeltaSince(*author_, {}).value_or("");
  const ReplicaId id = *author_->store().Replica();
  initial_facts_ = specification_.Write({}, initial, {Rank::kWritten, author_->store().Vector()->Get(id), id});
}

DeliveryWorlds::~DeliveryWorlds() = default;

const DeliveryWorlds::Template& DeliveryWorlds::TemplateOf(std::size_t replica, std::size_t kind, const Rows& adopted) {
  auto& made = templates_[{replica, kind, adopted}];
  if (made != nullptr) return *made;
  made = std::make_unique<Template>();
  made->tables = {{def_.name, def_}};
  const std::uint64_t seed = kAuthor + ++opened_;
  const auto device = OpenSqliteReplica(SqliteKindsOfOneConnection()[kind], {made->file.text(), seed}, clock_);
  // Tracking draws the token of the identity, which is copied with the file.
  bool done = device->Define(def_, adopted).has_value();
  const ReplicaId id = *device->store().Replica();
  if (!adopted.empty()) {
    made->adopted = specification_.Adopt(adopted, {Rank::kAdopted, device->store().Vector()->Get(id), id});
  }
  done = done && MergeBytes(*device, initial_).has_value();
  if (!done) made->tables.clear();
  return *made;
}

std::string DeliveryWorlds::Play(const Script& script, const Course& course, std::size_t kinds) {
  return World(*this, script, kinds).Play(course);
}

}  // namespace rejoin
