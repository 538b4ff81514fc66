#include "tests/faults/device.h"

#include "bindings/sqlite/guard.h"
#include "store/rows/row_store.h"
#include "store/sqlite/capture_table.h"
#include "tests/store/part_exchange.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {
namespace {

constexpr std::size_t kDeltaMaxBytes = std::size_t{1} << 26;
constexpr std::size_t kPartBytes = std::size_t{4} << 20;
// A file that takes a new identity refuses the part that told it so, once.
constexpr int kRounds = 4;
constexpr char kColumns[] =
    "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND "
    "t.name NOT GLOB 'rejoin__*' AND t.name <> 'untracked' ORDER BY 1, 2";

}  // namespace

Result<std::unique_ptr<Device>> Device::Open(Drive& drive, const DeviceOptions& options) {
  std::unique_ptr<Device> device(new Device(options.seed));
  const int opened = sqlite3_open_v2(kDevicePath, &device->db_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, drive.vfs.name());
  if (device->db_ == nullptr) return Fail(Code::kNoMemory, "out of memory");
  if (opened != SQLITE_OK) return tl::unexpected(SqliteError(device->db_, "main", opened, "opening it"));
  sqlite3_extended_result_codes(device->db_, 1);
  const Environment environment{&device->clock, &device->random_, &drive.files};
  device->engine_ = NewEngine(device->db_, "main", environment);
  const int registered = RegisterCaptureModule(
      device->db_, [engine = device->engine_](sqlite3*, const std::string&) { return engine; });
  if (registered != SQLITE_OK) return Fail(Code::kNoMemory, "out of memory");
  if (options.limit) options.limit(device->engine_->limits);
  device->store_ = std::make_unique<SqliteStore>(device->engine_);
  REJOIN_TRY(device->Exec(options.pragmas));
  return device;
}

Device::~Device() {
  if (engine_ != nullptr) engine_->db.FinalizeAll();
  store_.reset();
  engine_.reset();
  if (sqlite3_close(db_) != SQLITE_OK) std::abort();  // a statement was left open
}

Status Device::Exec(const std::string& sql) {
  char* words = nullptr;
  const int result = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &words);
  const std::unique_ptr<char, void (*)(void*)> message(words, sqlite3_free);
  if (result == SQLITE_OK) return {};
  Error error = SqliteError(db_, "main", result, "the application's SQL");
  if (words != nullptr) error.message = words;
  return tl::unexpected(std::move(error));
}

void Device::RollBack() {
  if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<Bytes> Device::Delta(const VersionVector& since) {
  BytesSink sink(kDeltaMaxBytes);
  REJOIN_TRY(store_->ExtractSince(since, sink));
  return sink.Take();
}

Status Device::Merge(const Bytes& delta) {
  ViewSource source(delta);
  REJOIN_TRY(store_->Merge(source));
  return {};
}

std::string Device::Picture(bool shared) {
  std::string picture;
  const auto add = [&picture](const std::vector<std::string>& rows) {
    for (const std::string& row : rows) picture += row + "\n";
  };
  const std::vector<std::string> tables = ExactRows(
      db_, std::string("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'rejoin__*'") +
               (shared ? " AND name <> 'untracked'" : "") + " ORDER BY 1");
  if (!shared) {
    add(tables);
    for (const int option : {SQLITE_DBCONFIG_ENABLE_FKEY, SQLITE_DBCONFIG_ENABLE_TRIGGER}) {
      int on = 0;
      sqlite3_db_config(db_, option, -1, &on);
      picture += on != 0 ? "on\n" : "off\n";
    }
  }
  for (const std::string& table : tables) {
    if (table.rfind("error", 0) == 0) return picture;
    const std::string name = table.substr(1, table.find(" |") - 1);
    std::vector<std::string> rows = ExactRows(db_, "SELECT * FROM " + QuoteName(name));
    std::sort(rows.begin(), rows.end());
    picture += name + ":\n";
    add(rows);
  }
  return picture;
}

std::string Device::Digest() {
  const auto digest = store_->StateDigest(std::nullopt);
  return digest ? digest->Hex() : digest.error().message;
}

std::string FaultsOf(Device& device) {
  const std::vector<std::string> integrity = ExactRows(device.handle(), "PRAGMA integrity_check");
  if (integrity != std::vector<std::string>{"tok"}) return "integrity_check: " + integrity.front();
  // Any use follows a schema that has changed; Check repairs nothing.
  const auto vector = device.store().Vector();
  if (!vector && vector.error().code != Code::kNotSetUp) return "rejoin_vv(): " + vector.error().message;
  const auto findings = device.store().Check();
  if (!findings) return "Check: " + findings.error().message;
  if (!findings->empty()) return findings->front().table + ": " + findings->front().problem;
  const auto everything = device.Delta({});
  if (!everything) {
    return everything.error().code == Code::kNotSetUp ? "" : "rejoin_delta(): " + everything.error().message;
  }
  FakeRandom random(7);
  RowStoreOptions options;
  options.random = &random;
  const auto fresh = RowStore::Open(":memory:", options);
  if (!fresh) return fresh.error().message;
  ViewSource source(*everything);
  const auto merged = (*fresh)->Merge(source);
  if (!merged) return "merging everything: " + merged.error().message;
  const auto digest = (*fresh)->StateDigest(std::nullopt);
  if (!digest || digest->Hex() != device.Digest()) return "its digest is not that of its rejoin_delta()";
  return "";
}

std::string Converge(Device& a, Device& b) {
  std::string error;
  for (int round = 0; round < kRounds; ++round) {
    error.clear();
    for (const bool to_b : {true, false}) {
      Device& to = to_b ? b : a;
      Device& from = to_b ? a : b;
      const auto pulled = PullParts(to.store(), from.store(), kPartBytes);
      if (pulled) continue;
      error = "exchange: " + pulled.error().message;
      if (pulled.error().code != Code::kNotCovered) return error;
    }
    if (error.empty() && a.Digest() == b.Digest()) break;
  }
  if (!error.empty()) return error;
  if (a.Digest() != b.Digest()) return "the digests differ after an exchange";
  // Where one has columns that the other lacks yet, only what is replicated can be compared.
  if (ExactRows(a.handle(), kColumns) != ExactRows(b.handle(), kColumns)) return "";
  const std::string of_a = a.Picture(true);
  const std::string of_b = b.Picture(true);
  return of_a == of_b ? "" : "the tables differ after an exchange:\n" + of_a + "---\n" + of_b;
}

}  // namespace rejoin::testing
