// A database file under measurement, and the clocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "store/sqlite/sqlite_api.h"

namespace rejoin::bench {

// Ends the program with the message.
[[noreturn]] void Die(const std::string& what);

struct Spent {
  double cpu = 0;   // seconds of the process, all of its threads
  double wall = 0;  // seconds
};
Spent Time(const std::function<void()>& work);

struct FileOptions {
  std::string folder;
  int cache_mb = 2;
  int replicas = 1;  // that a sync engine's version vector has from the start
};

// Of this run alone, within another; goes with it and all that is in it.
class RunFolder {
 public:
  explicit RunFolder(const std::string& within);
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A prepared statement that ends the program on errors.
class Prepared {
 public:
  Prepared(sqlite3* db, const std::string& sql);
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared();

  sqlite3_stmt* raw() const { return statement_; }
  // True: a row is there.
  bool Step();
  // To the end, and ready for the next one.
  void Run();

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// A file of its own, made anew and removed at the end: WAL, synchronous=NORMAL.
class Database {
 public:
  Database(const FileOptions& options, const std::string& name);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  sqlite3* handle() const { return db_; }
  void Exec(const std::string& sql);
  // The first column of the first row, as bytes.
  std::string Query(const std::string& sql, const std::string& blob = {});
  void Attach(const std::string& path, const std::string& schema);
  // After a checkpoint.
  std::uint64_t FileBytes();
  const std::string& path() const { return path_; }

 private:
  void Remove() const;

  std::string path_;
  sqlite3* db_ = nullptr;
};

}  // namespace rejoin::bench
