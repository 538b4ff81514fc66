#include "tests/faults/workload.h"
#include "tests/store/part_exchange.h"

namespace rejoin::testing {
namespace {

constexpr char kSchema[] = R"sql(
BEGIN;
CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, tag TEXT UNIQUE);
CREATE TABLE num(id INTEGER PRIMARY KEY, n INTEGER, pad BLOB);
CREATE TABLE pair(a TEXT, b INTEGER, n INTEGER, PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE untracked(id INTEGER PRIMARY KEY, n);
COMMIT;
)sql";
constexpr const char* kTables[] = {"note", "num", "pair"};

constexpr char kFill[] = R"sql(
BEGIN;
WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < 12)
INSERT INTO note SELECT 'k' || i, printf('body %d', i), 't' || i FROM i;
WITH RECURSIVE i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < 12)
INSERT INTO num SELECT i, i * i, printf('%.*c', 40, 'x') FROM i;
INSERT INTO pair VALUES('a', 1, 1), ('a', 2, 2), ('b', 1, 3), ('b', 2, 4);
COMMIT;
)sql";

Status TrackAll(Device& device) {
  for (const char* const table : kTables) REJOIN_TRY(device.store().Track(table, {}));
  return {};
}

// The device tells the peer, which has it whatever becomes of the device.
Status Tell(World& world) {
  REJOIN_TRY(PullParts(world.peer->store(), world.device->store(), kTestDeltaMaxBytes));
  return {};
}

// Both have the same rows, and know of each other.
Status Shared(World& world) {
  for (Device* const each : {world.device.get(), world.peer.get()}) {
    REJOIN_TRY(each->Exec(kSchema));
    REJOIN_TRY(TrackAll(*each));
  }
  REJOIN_TRY(world.device->Exec(kFill));
  REJOIN_TRY(Tell(world));
  REJOIN_TRY(PullParts(world.device->store(), world.peer->store(), kTestDeltaMaxBytes));
  return {};
}

Step Sql(const char* name, const char* sql) {
  return {name, [sql](World& world) { return world.device->Exec(sql); }, {}};
}

Step Telling() { return {"tell", Tell, {}}; }

Step MergeBlob(const char* name, const char* peer_sql) {
  return {name,
          [](World& world) -> Status {
            REJOIN_ASSIGN(const VersionVector vector, world.device->store().Vector());
            REJOIN_ASSIGN(const Bytes delta, world.peer->Delta(vector));
            return world.device->Merge(delta);
          },
          [peer_sql](World& world) { return world.peer->Exec(peer_sql); }};
}

Step MergeOnePart(const char* name, const char* peer_sql, std::size_t bytes) {
  return {name,
          [bytes](World& world) -> Status {
            REJOIN_TRY(PullParts(world.device->store(), world.peer->store(), bytes, 1));
            return {};
          },
          [peer_sql](World& world) { return world.peer->Exec(peer_sql); }};
}

constexpr char kTransaction[] = R"sql(
BEGIN;
INSERT INTO note VALUES('n1', 'new', 'tn1'), ('n2', 'new', 'tn2');
UPDATE num SET n = n + 1000 WHERE id % 2 = 0;
SAVEPOINT one;
DELETE FROM note WHERE id IN ('k3', 'k4');
INSERT INTO pair VALUES('c', 1, 5);
ROLLBACK TO one;
DELETE FROM note WHERE id = 'k5';
SAVEPOINT two;
REPLACE INTO note VALUES('k1', 'replaced', 't2');
UPDATE pair SET n = n + 10;
RELEASE two;
RELEASE one;
INSERT INTO untracked(n) VALUES(1);
COMMIT;
)sql";

constexpr char kLarge[] = R"sql(
BEGIN;
WITH RECURSIVE i(i) AS (VALUES(100) UNION ALL SELECT i + 1 FROM i WHERE i < 160)
INSERT INTO num SELECT i, i, printf('%.*c', 200, 'y') FROM i;
DELETE FROM num WHERE id < 6;
INSERT INTO untracked(n) VALUES(2);
COMMIT;
)sql";

constexpr char kPeerClash[] =
    "INSERT INTO note VALUES('p0', 'by the peer', 'tn1'), ('p1', 'by the peer', 'u1'); UPDATE note SET tag = 'u2' WHERE id = 'k9';"
    "DELETE FROM note WHERE id = 'k10'; DELETE FROM num WHERE id IN (1, 2); REPLACE INTO num VALUES(3, -3, NULL);"
    "INSERT INTO pair VALUES('p', 1, 1)";

Workload SettingUp() {
  return {"set_up", {},
          {Sql("schema", kSchema), Sql("rows", kFill),
           {"track note", [](World& w) -> Status { REJOIN_TRY(w.device->store().Track("note", {})); return {}; }, {}},
           {"track num", [](World& w) -> Status { REJOIN_TRY(w.device->store().Track("num", {})); return {}; }, {}},
           {"track pair", [](World& w) -> Status { REJOIN_TRY(w.device->store().Track("pair", {})); return {}; }, {}},
           Sql("first write", "INSERT INTO note VALUES('first', 'one', NULL); "),
           {"tell", Tell, [](World& w) -> Status {
              REJOIN_TRY(w.peer->Exec(kSchema));
              return TrackAll(*w.peer);
            }}},
          {}, {}};
}

Workload Writing() {
  return {"write", Shared,
          {Sql("transaction", kTransaction), Telling(),
           Sql("one row", "UPDATE note SET body = 'again' WHERE id = 'n1'"),
           Sql("large", kLarge), Sql("key", "UPDATE note SET id = 'moved' WHERE id = 'k6'"),
           {"fold", [](World& w) -> Status { REJOIN_TRY(w.device->store().Check()); return {}; }, {}},
           {"rejoin_delta", [](World& w) -> Status { REJOIN_TRY(w.device->Delta({})); return {}; }, {}},
           Telling(), Sql("last", "DELETE FROM pair WHERE a = 'b'")},
          {}, {}};
}

Workload Merging() {
  return {"merge", Shared,
          {Sql("local", "BEGIN; UPDATE note SET tag = 'u2' WHERE id = 'k8'; UPDATE note SET body = 'mine' WHERE id = 'k10';"
                        "INSERT INTO note VALUES('q1', 'mine', 'u1'); COMMIT"),
           MergeBlob("clash", kPeerClash), Sql("free", "DELETE FROM note WHERE id = 'p1'"),
           MergeBlob("clash again", "INSERT INTO note VALUES('p2', 'by the peer', 'tn2'); DELETE FROM pair"), Telling(),
           Sql("last", "UPDATE note SET tag = NULL WHERE id = 'p2'")},
          {}, {}};
}

Workload Parts() {
  const auto prepare = [](World& world) -> Status {
    REJOIN_TRY(Shared(world));
    REJOIN_TRY(world.peer->Exec(kLarge));
    // A device that begins anew: what the peer has comes as a first sync, cut into parts.
    world.device.reset();
    for (const auto& [name, bytes] : world.drive.disk.Image()) world.drive.disk.Delete(name);
    REJOIN_TRY(world.OpenDevice(2));
    world.device->clock.wall_ms = world.peer->clock.wall_ms;
    REJOIN_TRY(world.device->Exec(kSchema));
    return TrackAll(*world.device);
  };
  return {"parts", prepare,
          {MergeOnePart("part 1", "", 600), MergeOnePart("part 2", "DELETE FROM num WHERE id = 101", 600),
           Sql("local", "INSERT INTO note VALUES('mine', 'between parts', 'u1')"),
           MergeOnePart("part 3", "", 2'000), MergeOnePart("part 4", kPeerClash, 1'000'000),
           MergeOnePart("part 5", "", 1'000'000), Telling(), MergeOnePart("nothing new", "", 1'000'000),
           Sql("last", "UPDATE num SET n = 0")},
          {}, {}};
}

Workload CorrectingTime() {
  constexpr std::uint64_t kDayMs = std::uint64_t{24} * 3600 * 1000;
  const auto prepare = [](World& world) -> Status {
    REJOIN_TRY(Shared(world));
    world.device->clock.wall_ms += kDayMs;
    REJOIN_TRY(world.device->Exec(kTransaction));
    world.device->clock.wall_ms += 10;
    return world.device->Exec("UPDATE note SET body = 'tomorrow' WHERE id = 'n1'");
  };
  const auto correct = [](World& world) -> Status {
    REJOIN_ASSIGN(const VersionVector peer_has, world.peer->store().Vector());
    const TimeCorrection correction{world.device->clock.wall_ms, -static_cast<std::int64_t>(kDayMs), peer_has};
    REJOIN_TRY(world.device->store().CorrectTime(correction));
    return {};
  };
  return {"correct_time", prepare,
          {{"correct", correct, {}}, Sql("write", "UPDATE note SET body = 'today' WHERE id = 'n2'"), Telling(),
           MergeBlob("merge", "UPDATE note SET body = 'peer' WHERE id IN ('n1', 'n2')")},
          {}, {}};
}

Workload Copied() {
  const auto prepare = [](World& world) -> Status {
    REJOIN_TRY(Shared(world));
    return world.device->Exec(kTransaction);
  };
  return {"copied", prepare,
          {Sql("first write of a copy", "UPDATE note SET body = 'by the copy' WHERE id = 'n1'"),
           MergeBlob("merge", kPeerClash), Telling(), Sql("last", "DELETE FROM note WHERE id = 'n2'")},
          {}, [](DiskImage& image) { image.erase(std::string(kDevicePath) + "-rejoin"); }};
}

Workload Compacting() {
  const auto prepare = [](World& world) -> Status {
    REJOIN_TRY(Shared(world));
    return world.device->Exec(kLarge);
  };
  return {"compact", prepare,
          {Sql("write 1", "UPDATE num SET pad = printf('%.*c', 150, 'a') WHERE id > 5"),
           Sql("write 2", "UPDATE num SET pad = printf('%.*c', 150, 'b') WHERE id > 50"),
           Sql("write 3", "DELETE FROM num WHERE id > 130; "), Telling(),
           Sql("write 4", "UPDATE num SET pad = NULL, n = 7"), Sql("vacuum", "VACUUM"),
           MergeBlob("merge", kPeerClash), Telling()},
          [](Limits& limits) {
            limits.log_min_bytes = 2'000;
            limits.log_file_percent = 1;
            limits.log_body_bytes = 1'000;
            limits.fold_batch_bytes = 2'000;
          },
          {}};
}

Workload ChangingSchema() {
  return {"schema", Shared,
          {Sql("ADD COLUMN", "ALTER TABLE note ADD COLUMN color TEXT DEFAULT 'red'"),
           Sql("write it", "BEGIN; UPDATE note SET color = 'blue' WHERE id = 'k1'; INSERT INTO note(id, color) VALUES('c', 'green'); COMMIT"),
           MergeBlob("merge", "ALTER TABLE note ADD COLUMN color TEXT DEFAULT 'red'; UPDATE note SET color = 'white' WHERE id = 'k2'"),
           Sql("rebuild", "BEGIN; CREATE TABLE pair2(a TEXT, b INTEGER, n INTEGER, PRIMARY KEY(a, b)) WITHOUT ROWID;"
                          "INSERT INTO pair2 SELECT * FROM pair; DROP TABLE pair; ALTER TABLE pair2 RENAME TO pair; COMMIT"),
           Telling(), Sql("last", "UPDATE note SET color = 'gray', body = NULL")},
          {}, {}};
}

Status ExpectForeignKeys(World& world) {
  const Status done = world.device->Exec("INSERT INTO entry VALUES(9, 9, 'nowhere')");
  if (done) return Fail(Code::kInternal, "foreign keys are not enforced");
  return sqlite3_extended_errcode(world.device->handle()) == SQLITE_CONSTRAINT_FOREIGNKEY ? Status() : done;
}

// Rows that depend on others, and triggers of the user: those of `entry` fire on merges, too.
Workload Related() {
  static constexpr char kRelated[] = R"sql(
BEGIN;
CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT);
CREATE TABLE entry(id INTEGER PRIMARY KEY, n INTEGER, note TEXT REFERENCES note ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE untracked(id INTEGER PRIMARY KEY, n);
CREATE TRIGGER note_changes AFTER UPDATE ON note BEGIN INSERT INTO untracked(n) VALUES('note ' || NEW.id); END;
CREATE TRIGGER entry_comes AFTER INSERT ON entry BEGIN INSERT INTO untracked(n) VALUES('comes ' || NEW.id); END;
CREATE TRIGGER entry_changes AFTER UPDATE ON entry BEGIN INSERT INTO untracked(n) VALUES('changes ' || NEW.id); END;
CREATE TRIGGER entry_goes AFTER DELETE ON entry BEGIN INSERT INTO untracked(n) VALUES('goes ' || OLD.id); END;
COMMIT;
)sql";
  const auto prepare = [](World& world) -> Status {
    TrackOptions fires;
    fires.fire_triggers = true;
    for (Device* const each : {world.device.get(), world.peer.get()}) {
      REJOIN_TRY(each->Exec(kRelated));
      REJOIN_TRY(each->store().Track("note", {}));
      REJOIN_TRY(each->store().Track("entry", fires));
    }
    REJOIN_TRY(world.device->Exec("INSERT INTO note VALUES('a', ''), ('b', ''), ('c', ''), ('d', '');"
                                  "INSERT INTO entry VALUES(1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd'), (5, 5, 'd')"));
    return Tell(world);
  };
  return {"related", prepare,
          {Sql("cascades", "BEGIN; DELETE FROM note WHERE id = 'a'; UPDATE note SET id = 'bb' WHERE id = 'b';"
                           "REPLACE INTO note VALUES('c', 'again'); INSERT INTO entry VALUES(6, 6, 'd'); COMMIT"),
           MergeBlob("orphans", "BEGIN; DELETE FROM note WHERE id = 'd'; UPDATE note SET body = 'peer' WHERE id = 'b';"
                                "UPDATE entry SET n = 20 WHERE id = 2; INSERT INTO entry VALUES(7, 7, 'b'); COMMIT"),
           Sql("write them", "BEGIN; UPDATE entry SET n = n + 1; INSERT INTO note VALUES('d', 'mine'); COMMIT"), Telling(),
           {"a row without its note", ExpectForeignKeys, {}}, MergeBlob("nothing left", "DELETE FROM entry; DELETE FROM note"), Telling()},
          {}, {}, "PRAGMA foreign_keys = ON"};
}

}  // namespace

const std::vector<Workload>& DeviceWorkloads() {
  static const std::vector<Workload> workloads = {SettingUp(), Writing(),    Merging(),        Parts(),  CorrectingTime(),
                                                  Copied(),    Compacting(), ChangingSchema(), Related()};
  return workloads;
}

}  // namespace rejoin::testing
