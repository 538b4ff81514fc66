#include "tests/faults/hub_world.h"

#include "store/sqlite/sqlite_file.h"
#include "tests/store/part_exchange.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr std::size_t kPartBytes = std::size_t{4} << 20;
constexpr std::size_t kSmallPartBytes = 1'500;
constexpr std::uint64_t kStartMs = 1'700'000'000'000;
constexpr std::uint64_t kStepMs = 1'000;
constexpr int kRounds = 3;
constexpr char kDevicePragmas[] = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF";

constexpr char kSchema[] =
    "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, tag TEXT UNIQUE);"
    "CREATE TABLE num(id INTEGER PRIMARY KEY, n INTEGER, pad BLOB)";

Status Fill(Device& device, const std::string& name, int rows) {
  const std::string to = std::to_string(rows);
  const std::string base = name == "a" ? "1000" : "2000";
  REJOIN_TRY(device.Exec(kSchema));
  REJOIN_TRY(device.store().Track("note", {}));
  REJOIN_TRY(device.store().Track("num", {}));
  return device.Exec("WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < " + to +
                     ") INSERT INTO note SELECT '" + name + "' || i, 'body ' || i, 't' || i FROM i;"
                     "WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < " + to +
                     ") INSERT INTO num SELECT " + base + " + i, i, printf('%.*c', 100, 'x') FROM i");
}

// One part of what the device has for the hub.
Status Take(HubWorld& world, Device& from, std::size_t bytes = kPartBytes) {
  REJOIN_TRY(PullParts(*world.hub, from.store(), bytes, 1));
  return {};
}

// What has to come together, as a hub commits what came meanwhile.
template <class Work>
Status InBatch(HubWorld& world, Work work) {
  REJOIN_TRY(world.hub->BeginBatch());
  Status done = work();
  if (done) done = world.hub->CommitBatch();
  if (!done) world.hub->RollbackBatch();
  return done;
}

Status BatchOfBoth(HubWorld& world) {
  return InBatch(world, [&world]() -> Status {
    REJOIN_ASSIGN(const ReplicaId id, world.a->store().Replica());
    REJOIN_TRY(world.hub->SawPeer(id, "a", 1));
    REJOIN_TRY(Take(world, *world.a));
    // A call that is refused undoes itself only.
    ViewSource rubbish("this is no delta");
    if (world.hub->Merge(rubbish)) return Fail(Code::kInternal, "it merged rubbish");
    return Take(world, *world.b);
  });
}

Status Acknowledge(HubWorld& world) {
  BytesSink sink(kTestDeltaMaxBytes);
  REJOIN_ASSIGN(const PartReport part, world.hub->ExtractPart({{}, {}, kPartBytes}, sink));
  REJOIN_ASSIGN(const ReplicaId id, world.a->store().Replica());
  REJOIN_ASSIGN(const VersionVector vector, world.a->store().Vector());
  return world.hub->Acknowledged(id, part.until, vector, true);
}

Status GiveToB(HubWorld& world) {
  REJOIN_TRY(PullParts(world.b->store(), *world.hub, kPartBytes));
  return {};
}

Status OfA(HubWorld& world, const char* sql) { return world.a->Exec(sql); }

}  // namespace

const std::vector<HubStep>& HubSteps() {
  static const std::vector<HubStep> steps = {
      {"first part", [](HubWorld& w) { return Take(w, *w.a, kSmallPartBytes); }, {}},
      {"second part", [](HubWorld& w) { return Take(w, *w.a, kSmallPartBytes); }, {}},
      {"the rest", [](HubWorld& w) { return Take(w, *w.a); }, {}},
      {"a batch", BatchOfBoth,
       [](HubWorld& w) { return OfA(w, "UPDATE note SET tag = 'new' || id; DELETE FROM num WHERE n < 5"); }},
      {"acknowledged", Acknowledge, {}},
      {"b hears of it", GiveToB, {}},
      {"deletes", [](HubWorld& w) { return Take(w, *w.a); },
       [](HubWorld& w) { return OfA(w, "DELETE FROM note WHERE id IN ('a3', 'a4'); REPLACE INTO num VALUES(2001, 7, NULL)"); }},
      {"edits of b", [](HubWorld& w) { return Take(w, *w.b); },
       [](HubWorld& w) { return w.b->Exec("UPDATE num SET pad = zeroblob(3000); INSERT INTO note VALUES('x', 'y', 'newa5')"); }},
      {"nothing new", [](HubWorld& w) { return Take(w, *w.b); }, {}},
  };
  return steps;
}

HubWorld::HubWorld(const HubStart& start) : a_drive(start.a), b_drive(start.b), hub_drive(start.hub, true), random(5) {}

Status HubWorld::OpenHub(std::uint64_t generation) {
  hub.reset();
  random = FakeRandom(9'000 + generation);
  RowStoreOptions options;
  options.random = &random;
  options.durable = durable;
  REJOIN_ASSIGN(hub, RowStore::Open(kRoomPath, options));
  return {};
}

Status HubWorld::OpenDevices(std::uint64_t generation) {
  REJOIN_ASSIGN(a, Device::Open(a_drive, {kDevicePragmas, 10'000 + generation, {}}));
  REJOIN_ASSIGN(b, Device::Open(b_drive, {kDevicePragmas, 20'000 + generation, {}}));
  return {};
}

void HubWorld::SetClocks(std::size_t step) {
  a->clock.wall_ms = kStartMs + (step + 1) * kStepMs;
  b->clock.wall_ms = a->clock.wall_ms + kStepMs / 2;
}

std::string HubWorld::Picture() {
  const auto digest = hub->StateDigest(std::nullopt);
  if (!digest) return digest.error().message;
  std::string picture = "digest " + digest->Hex() + "\n";
  const auto vector = hub->Vector();
  if (!vector) return vector.error().message;
  for (const auto& [replica, time] : vector->entries()) {
    picture += replica.Hex() + " up to " + std::to_string(time.value) + "\n";
  }
  for (Device* const device : {a.get(), b.get()}) {
    const auto id = device->store().Replica();
    const auto point = id ? hub->PointOf(*id) : Result<ResumePoint>(tl::unexpected(id.error()));
    if (!point) return point.error().message;
    picture += "point " + BytesText(*point) + "\n";
  }
  return picture;
}

std::string HubWorld::Faults() {
  auto file = SqliteFile::Open(kRoomPath, 0);
  if (!file) return file.error().message;
  const std::vector<std::string> integrity =
      ExactRows(file->sql().handle(), "PRAGMA integrity_check");
  return integrity == std::vector<std::string>{"tok"} ? "" : "integrity_check: " + integrity.front();
}

std::string HubWorld::Converge() {
  for (int round = 0; round < kRounds; ++round) {
    for (Device* const device : {a.get(), b.get()}) {
      const auto sent = PullParts(*hub, device->store(), kPartBytes);
      if (!sent) return "to the hub: " + sent.error().message;
      const auto got = PullParts(device->store(), *hub, kPartBytes);
      if (!got) return "from the hub: " + got.error().message;
    }
  }
  const auto digest = hub->StateDigest(std::nullopt);
  if (!digest) return digest.error().message;
  if (digest->Hex() != a->Digest() || digest->Hex() != b->Digest()) return "the digests differ after an exchange";
  return a->Picture() == b->Picture() ? "" : "the tables differ after an exchange";
}

Result<HubStart> PrepareHub() {
  HubWorld world({});
  REJOIN_TRY(world.OpenDevices(1));
  world.SetClocks(0);
  REJOIN_TRY(Fill(*world.a, "a", 30));
  REJOIN_TRY(Fill(*world.b, "b", 10));
  // A room of others' rows, so that the first sync of `a` has to be cut.
  REJOIN_TRY(PullParts(world.a->store(), world.b->store(), kPartBytes));
  world.a.reset();
  world.b.reset();
  return HubStart{{}, world.a_drive.disk.Image(), world.b_drive.disk.Image()};
}

}  // namespace rejoin::testing
