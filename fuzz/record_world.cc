#include "fuzz/record_world.h"

#include "fuzz/require.h"

namespace rejoin::fuzz {
namespace {

constexpr std::size_t kColumns = 6;

constexpr char kSchema[] =
    "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, a BLOB, b TEXT, c NUMERIC, d INTEGER, e REAL, f);"
    "CREATE TABLE wide(id INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h, i, j)";

// Written on both: rows that merge, that are deleted on one side, that two make apart.
constexpr char kBoth[] =
    "INSERT INTO item VALUES('milk', x'00ff', 'two', 3, 4, 5.5, NULL), ('eggs', 1, 2, '3', 'x', 1, 'y');"
    "INSERT INTO item(id, b) VALUES('tea', 'green'), ('rice', NULL), ('oat', ''), ('salt', 'sea')";
constexpr char kOne[] =
    "UPDATE item SET a = zeroblob(20), e = 1e300 WHERE id = 'milk'; DELETE FROM item WHERE id = 'eggs';"
    "INSERT INTO item(id, f) VALUES('made', 1); INSERT INTO item VALUES('left', 1, 2, 3, 4, 5, 6);"
    "UPDATE item SET id = 'moved' WHERE id = 'oat'; INSERT INTO wide(id, j) VALUES(1, 'j'), (2, 'k')";
constexpr char kOther[] =
    "UPDATE item SET b = 'three' WHERE id = 'milk'; UPDATE item SET f = 9 WHERE id = 'eggs';"
    "INSERT INTO item(id, d) VALUES('made', -7); DELETE FROM item WHERE id = 'tea';"
    "REPLACE INTO item(id, c) VALUES('rice', 1.25); INSERT INTO wide(id, a) VALUES(1, x'')";
constexpr char kAfterwards[] =
    "UPDATE item SET c = 10 WHERE id = 'made'; INSERT INTO item(id, b) VALUES('tea', 'black');"
    "DELETE FROM item WHERE id = 'salt'; UPDATE wide SET g = 1";

void Begin(TrackedDatabase& device) {
  device.Exec(kSchema);
  device.Track("item");
  device.Track("wide");
}

}  // namespace

RecordWorld::RecordWorld() : device_(1), random_(3) {
  TrackedDatabase other(2);
  Begin(device_);
  Begin(other);
  device_.Exec(kBoth);
  Require(other.Pull(device_).has_value(), "they sync");
  device_.Exec(kOne);
  other.clock().wall_ms += 5'000;
  other.Exec(kOther);
  Require(device_.Pull(other).has_value(), "both ways");
  device_.clock().wall_ms += 60'000;
  device_.Exec(kAfterwards);
  Require(device_.store().Check().has_value(), "the world is in order");  // folds, too

  Catalog& catalog = device_.engine().catalog;
  Require(catalog.Refresh().has_value(), "its catalog can be read");
  item_ = catalog.FindLocal("item");
  Require(item_ != nullptr, "it has the table");
  // All that may come up, so that a run leaves nothing behind for the next one.
  for (unsigned chosen = 0; chosen < 1u << kColumns; ++chosen) {
    std::vector<ColumnId> columns;
    for (ColumnId i = 0; i < kColumns; ++i) {
      if (((chosen >> i) & 1) != 0) columns.push_back(i);
    }
    Require(catalog.InternColset(item_->number, columns).has_value(), "column sets can be named");
  }

  auto opened = RowFile::Open(":memory:", random_, false);
  Require(opened.has_value(), "a hub's file opens");
  hub_ = std::move(*opened);
  Require(hub_->catalog.Refresh().has_value(), "its catalog can be read");
  for (std::size_t i = 0; i < 3; ++i) {
    Require(hub_->catalog.Intern(TestReplicaId(i)).has_value(), "replicas get numbers");
  }
  const auto made = hub_->catalog.Intern(DeltaTable{"item", {}, 1, {"a", "b", "c", "d", "e", "f"}});
  Require(made.has_value(), "a room has tables");
  room_table_ = *made;
}

std::vector<Bytes> RecordWorld::Blobs(const std::string& sql) {
  std::vector<Bytes> found;
  auto statement = device_.engine().db.Prepare(sql);
  Require(statement.has_value(), "metadata can be read");
  while (*statement->Step()) found.emplace_back(statement->Text(0));
  return found;
}

std::vector<Bytes> RecordWorld::Records() {
  const std::string row_table = item_->row_table();
  std::vector<Bytes> records = Blobs("SELECT record FROM main." + row_table);
  for (Bytes& record : Blobs("SELECT record FROM main." + item_->key_table())) {
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<Bytes> RecordWorld::LogBodies() {
  return Blobs("SELECT body FROM main.rejoin__log WHERE length(body) > 0 ORDER BY pos");
}

}  // namespace rejoin::fuzz
