// A row store's open file, and the transactions on it.
//
// Thread-compatible.
#pragma once

#include <optional>
#include <string>

#include "base/os.h"
#include "store/rows/row_catalog.h"
#include "store/sqlite/sqlite_file.h"

namespace rejoin {

struct RowFile {
  // Opens or makes the file. kInvalidArgument for another program's, kNewerFormat
  // for a newer version's; such a file is left as it is.
  static Result<std::unique_ptr<RowFile>> Open(const std::string& path, Random& random, bool durable);

  Database& db() { return file.sql(); }

  RowFile(SqliteFile the_file, Random& the_random)
      : file(std::move(the_file)), random{the_random}, catalog(file.sql()) {}

  SqliteFile file;
  Random& random;
  RowCatalog catalog;
  // Prepared beforehand, for memory may be what is lacking then.
  Statement roll_back;
  bool in_batch = false;
  // This opening's epoch is in the file: committed, or in the open transaction.
  bool epoch_begun = false;
};

// One consistent view of the file; within a batch, of what it has done so far.
class RowReading {
 public:
  static Result<RowReading> Begin(RowFile& file);
  RowReading(RowReading&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  RowReading& operator=(RowReading&&) = delete;
  ~RowReading();

 private:
  explicit RowReading(RowFile* file) : file_(file) {}
  RowFile* file_;  // nullptr: there is nothing to end
};

// A change: a transaction of its own, or a part of the open batch. Undone by its
// destructor unless committed; catalog and epoch are then as before.
class RowWriting {
 public:
  static Result<RowWriting> Begin(RowFile& file);
  RowWriting(RowWriting&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)),
        savepoint_(std::move(other.savepoint_)),
        epoch_was_begun_(other.epoch_was_begun_) {}
  RowWriting& operator=(RowWriting&&) = delete;
  ~RowWriting();

  // Call before the first position is given out.
  Status EnsureEpoch();
  Status Commit();

 private:
  RowWriting(RowFile* file, std::optional<Savepoint> savepoint)
      : file_(file), savepoint_(std::move(savepoint)), epoch_was_begun_(file->epoch_begun) {}

  RowFile* file_;                       // nullptr: done
  std::optional<Savepoint> savepoint_;  // in a batch
  bool epoch_was_begun_;
};

}  // namespace rejoin
