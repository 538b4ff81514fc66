#include "store/rows/row_file.h"

#include <utility>

#include "store/rows/local_order.h"
#include "store/rows/row_schema.h"

namespace rejoin {
namespace {

// Nobody but a backup or a curious person shares a hub's file.
constexpr int kBusyTimeoutMs = 10'000;

// Measured on edits spread over 1,000,000 rows: a seventh less CPU than with SQLite's
// default of 2 MiB, and 64 MiB gain no more. Taken only as it is used.
constexpr char kCache[] = "PRAGMA {s}.cache_size = -8192";
// In pages. A delta of a few MB spread over the room writes to many; at SQLite's 1000
// each of its commits would copy them all at once (measured: a seventh more CPU).
constexpr char kCheckpoint[] = "PRAGMA wal_autocheckpoint = 4000";
constexpr char kWal[] = "PRAGMA {s}.journal_mode = WAL";
constexpr char kDurable[] = "PRAGMA {s}.synchronous = FULL";
constexpr char kFleeting[] = "PRAGMA {s}.synchronous = OFF";

constexpr char kWhose[] = "PRAGMA {s}.application_id";
constexpr char kIsEmpty[] = "SELECT count(*) = 0 FROM {s}.sqlite_schema";
constexpr char kReadFormat[] = "SELECT value FROM {s}.meta WHERE name = 'format'";
constexpr char kFirstMeta[] =
    "INSERT INTO {s}.meta(name, value) VALUES ('format', ?1), ('replica', ?2), ('head', 0), ('clock', 0)";

// True: it is a row store's. False: it is empty.
Result<bool> IsOurs(Database& db, const std::string& path) {
  REJOIN_ASSIGN(Statement whose, db.Prepare(kWhose));
  REJOIN_TRY(whose.Step());
  if (whose.Integer(0) == kRowApplicationId) return true;
  REJOIN_ASSIGN(Statement is_empty, db.Prepare(kIsEmpty));
  REJOIN_TRY(is_empty.Step());
  if (whose.Integer(0) == 0 && is_empty.Integer(0) != 0) return false;
  return Fail(Code::kInvalidArgument,
              path + ": this is an SQLite file, but not one of a hub's rooms; name another one");
}

Status CheckFormat(Database& db, const std::string& path) {
  REJOIN_ASSIGN(Statement read, db.Prepare(kReadFormat));
  REJOIN_ASSIGN(const bool found, read.Step());
  if (found && read.Integer(0) == kRowFormat) return {};
  if (found && read.Integer(0) > kRowFormat) {
    return Fail(Code::kNewerFormat,
                path + ": the file was written by a newer version of the hub; update it");
  }
  return Fail(Code::kCorrupt, path + ": the file does not say its format; restore it from a backup");
}

Status Make(Database& db, Random& random) {
  REJOIN_TRY(db.Exec("PRAGMA {s}.application_id = " + std::to_string(kRowApplicationId)));
  REJOIN_TRY(db.Exec(kCreateRowStoreSql));
  const std::uint64_t first = random.Draw64();
  const ReplicaId self = ReplicaId::Random(first, random.Draw64());
  REJOIN_ASSIGN(Statement meta, db.Prepare(kFirstMeta));
  meta.Bind(1, kRowFormat).BindBlob(2, self.View());
  REJOIN_TRY(meta.Run());
  return BeginEpoch(db, random, 0);
}

// Two programs may come to the empty file at once: who waited for the lock finds it made.
Status MakeUnlessMade(Database& db, Random& random, const std::string& path) {
  REJOIN_TRY(db.Exec("BEGIN IMMEDIATE"));
  Status made;
  const auto ours = IsOurs(db, path);
  if (!ours) {
    made = tl::unexpected<Error>(ours.error());
  } else if (!*ours) {
    made = Make(db, random);
  }
  if (made) made = db.Exec("COMMIT");
  if (!made) (void)db.Exec("ROLLBACK");  // where it fails there is nothing to take back
  return made;
}

Status BatchIsLost() {
  return Fail(Code::kIo,
              "the batch was taken back when the disk or the memory failed; roll it back and merge "
              "its parts again");
}

}  // namespace

Result<std::unique_ptr<RowFile>> RowFile::Open(const std::string& path, Random& random, bool durable) {
  REJOIN_ASSIGN(SqliteFile opened, SqliteFile::Open(path, kBusyTimeoutMs));
  auto file = std::make_unique<RowFile>(std::move(opened), random);
  Database& db = file->db();
  REJOIN_ASSIGN(file->roll_back, db.Prepare("ROLLBACK"));
  REJOIN_ASSIGN(const bool ours, IsOurs(db, path));
  if (ours) REJOIN_TRY(CheckFormat(db, path));
  REJOIN_TRY(db.Exec(kWal));
  REJOIN_TRY(db.Exec(durable ? kDurable : kFleeting));
  REJOIN_TRY(db.Exec(kCache));
  REJOIN_TRY(db.Exec(kCheckpoint));
  if (!ours) {
    REJOIN_TRY(MakeUnlessMade(db, random, path));
    REJOIN_TRY(CheckFormat(db, path));
  }
  return file;
}

// --- Transactions ------------------------------------------------------------------

Result<RowReading> RowReading::Begin(RowFile& file) {
  if (file.in_batch && !file.db().InTransaction()) REJOIN_TRY(BatchIsLost());
  if (!file.in_batch) REJOIN_TRY(file.db().Run("BEGIN"));
  RowReading reading(file.in_batch ? nullptr : &file);
  REJOIN_TRY(file.catalog.Refresh());
  return reading;
}

RowReading::~RowReading() {
  if (file_ != nullptr) file_->roll_back.TryRun();  // nothing was written
}

Result<RowWriting> RowWriting::Begin(RowFile& file) {
  std::optional<Savepoint> savepoint;
  if (file.in_batch) {
    if (!file.db().InTransaction()) REJOIN_TRY(BatchIsLost());
    REJOIN_ASSIGN(Savepoint opened, Savepoint::Begin(file.db()));
    savepoint.emplace(std::move(opened));
  } else {
    REJOIN_TRY(file.db().Run("BEGIN IMMEDIATE"));
  }
  RowWriting writing(&file, std::move(savepoint));
  REJOIN_TRY(file.catalog.Refresh());
  return writing;
}

Status RowWriting::EnsureEpoch() {
  if (file_->epoch_begun) return {};
  REJOIN_TRY(BeginEpoch(file_->db(), file_->random, file_->catalog.head()));
  file_->epoch_begun = true;
  return {};
}

Status RowWriting::Commit() {
  REJOIN_TRY(savepoint_ ? savepoint_->Release() : file_->db().Run("COMMIT"));
  file_ = nullptr;
  return {};
}

RowWriting::~RowWriting() {
  if (file_ == nullptr) return;
  if (!savepoint_) file_->roll_back.TryRun();
  file_->epoch_begun = epoch_was_begun_;
  file_->catalog.Invalidate();
}

}  // namespace rejoin
