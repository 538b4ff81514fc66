// What Rejoin costs, as ratios to plain SQLite: process CPU time, both sides in
// one process, in turn, several rounds, medians. Prints a Markdown table.
//
// usage: rejoin-bench [--rows N] [--rounds N] [--cache-mb N] [--folder DIR]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bindings/sqlite/register.h"

namespace {

struct Settings {
  int rows = 200'000;
  int rounds = 5;
  int cache_mb = 64;
  std::string folder = std::filesystem::temp_directory_path();
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "rejoin-bench: %s\n", what.c_str());
  std::exit(1);
}

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// One database file with the generator's rows at hand as table temp.source.
class Bench {
 public:
  Bench(const Settings& settings, const std::string& name) {
    path_ = settings.folder + "/rejoin-bench-" + name + ".db";
    Remove();
    if (sqlite3_open(path_.c_str(), &db_) != SQLITE_OK) Die("cannot open " + path_);
    if (rejoin::RegisterRejoin(db_) != SQLITE_OK) Die("cannot register");
    Exec("PRAGMA journal_mode = wal");
    Exec("PRAGMA synchronous = normal");
    Exec("PRAGMA cache_size = -" + std::to_string(settings.cache_mb * 1000));
    Exec("PRAGMA temp_store = memory");
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    sqlite3_close(db_);
    Remove();
  }

  void Exec(const std::string& sql) {
    char* message = nullptr;
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
      Die(sql.substr(0, 200) + ": " + message);
    }
  }
  std::string Query(const std::string& sql, const std::string& blob = {}) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      Die(sql + ": " + sqlite3_errmsg(db_));
    }
    sqlite3_bind_blob64(statement, 1, blob.data(), blob.size(), SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW) Die(sql + ": " + sqlite3_errmsg(db_));
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, 0));
    const std::string result(bytes == nullptr ? "" : bytes,
                             static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    sqlite3_finalize(statement);
    return result;
  }
  double Time(const std::function<void()>& work) {
    const double before = CpuSeconds();
    work();
    return CpuSeconds() - before;
  }
  double Time(const std::string& sql) {
    return Time([&] { Exec(sql); });
  }
  struct Freed {
    void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
  };
  using Row = std::vector<std::unique_ptr<sqlite3_value, Freed>>;

  std::vector<Row> Rows(const std::string& sql) {
    std::vector<Row> rows;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) Die(sqlite3_errmsg(db_));
    while (sqlite3_step(statement) == SQLITE_ROW) {
      Row& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        row.emplace_back(sqlite3_value_dup(sqlite3_column_value(statement, i)));
      }
    }
    sqlite3_finalize(statement);
    return rows;
  }
  // As an application does that has the rows in memory: prepared, in one transaction.
  void WriteEach(const std::string& sql, const std::vector<Row>& rows) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) Die(sqlite3_errmsg(db_));
    Exec("BEGIN");
    for (const Row& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        sqlite3_bind_value(statement, static_cast<int>(i) + 1, row[i].get());
      }
      if (sqlite3_step(statement) != SQLITE_DONE) Die(sqlite3_errmsg(db_));
      sqlite3_reset(statement);
    }
    Exec("COMMIT");
    sqlite3_finalize(statement);
  }
  // Rows as an application would write them: words, a number, a key by `kind`.
  void MakeSource(int rows) {
    Exec("CREATE TEMP TABLE source(i INTEGER PRIMARY KEY, id TEXT, title TEXT, body TEXT, n INTEGER)");
    std::mt19937_64 random(7);
    static const char* const kWords[] = {"milk",  "bread", "invoice", "north", "green", "meeting",
                                         "paper", "light", "seven",   "river", "call",  "blue"};
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db_, "INSERT INTO source VALUES(?,?,?,?,?)", -1, &insert, nullptr);
    Exec("BEGIN");
    for (int i = 1; i <= rows; ++i) {
      char id[40];
      std::snprintf(id, sizeof id, "%08llx-%04llx-4%03llx-8%03llx-%012llx",
                    static_cast<unsigned long long>(random() >> 32),
                    static_cast<unsigned long long>(random() >> 48),
                    static_cast<unsigned long long>(random() >> 52),
                    static_cast<unsigned long long>(random() >> 52),
                    static_cast<unsigned long long>(random() >> 16));
      std::string title = kWords[random() % 12];
      title += std::string(" ") + kWords[random() % 12];
      std::string body;
      while (body.size() < 60) body += std::string(kWords[random() % 12]) + " ";
      sqlite3_bind_int(insert, 1, i);
      sqlite3_bind_text(insert, 2, id, -1, SQLITE_TRANSIENT);
      sqlite3_bind_text(insert, 3, title.c_str(), -1, SQLITE_TRANSIENT);
      sqlite3_bind_text(insert, 4, body.c_str(), -1, SQLITE_TRANSIENT);
      sqlite3_bind_int(insert, 5, static_cast<int>(random() % 100'000));
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    Exec("COMMIT");
  }
  std::uintmax_t FileBytes() {
    Exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return std::filesystem::file_size(path_);
  }

 private:
  void Remove() {
    for (const char* const suffix : {"", "-wal", "-shm", "-rejoin"}) {
      std::filesystem::remove(path_ + suffix);
    }
  }

  std::string path_;
  sqlite3* db_ = nullptr;
};

struct Kind {
  const char* name;
  const char* create;
  const char* key;  // the source's column that is the key
};
constexpr Kind kKinds[] = {
    {"integer key", "CREATE TABLE t(id INTEGER PRIMARY KEY, title TEXT, body TEXT, n INTEGER)", "i"},
    {"text key", "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, n INTEGER)", "id"},
    {"WITHOUT ROWID",
     "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, n INTEGER) WITHOUT ROWID", "id"},
};

using Figures = std::map<std::string, std::vector<double>>;

// Local writes, the same on a plain and a tracked table.
void Write(Bench& bench, const Kind& kind, const Settings& settings, const std::string& side,
           Figures& figures) {
  const std::string rows = std::to_string(settings.rows);
  const std::string key(kind.key);
  bench.Exec(kind.create);
  bench.MakeSource(settings.rows + 2'000);
  if (side == "rejoin") bench.Exec("SELECT rejoin_track('t')");
  figures["1 bulk insert " + side].push_back(bench.Time(
      "INSERT INTO t SELECT " + key + ", title, body, n FROM source WHERE i <= " + rows));
  figures["7 file size after insert " + side].push_back(static_cast<double>(bench.FileBytes()));
  figures["2 autocommit insert " + side].push_back(bench.Time([&] {
    for (int i = 1; i <= 2'000; ++i) {
      bench.Exec("INSERT INTO t SELECT " + key + ", title, body, n FROM source WHERE i = " + rows +
                 " + " + std::to_string(i));
    }
  }));
  figures["3 update 1 column of half, at random " + side].push_back(bench.Time(
      "UPDATE t SET n = n + 1 WHERE id IN (SELECT " + key + " FROM source WHERE (i * 7919) % 2 = 0)"));
  figures["4 delete a quarter " + side].push_back(bench.Time(
      "DELETE FROM t WHERE id IN (SELECT " + key + " FROM source WHERE (i * 7919) % 4 = 1)"));
}

void Exchange(const Kind& kind, const Settings& settings, Figures& figures) {
  const std::string rows = std::to_string(settings.rows);
  const std::string fill = std::string("INSERT INTO t SELECT ") + kind.key +
                           ", title, body, n FROM source WHERE i <= " + rows;
  Bench sender(settings, "sender");
  sender.Exec(kind.create);
  sender.MakeSource(settings.rows);
  sender.Exec("SELECT rejoin_track('t')");
  sender.Exec(fill);
  std::string delta;
  figures["8 fold, and extract everything, s"].push_back(
      sender.Time([&] { delta = sender.Query("SELECT rejoin_delta()"); }));
  figures["5 extract everything rejoin"].push_back(
      sender.Time([&] { delta = sender.Query("SELECT rejoin_delta()"); }));
  figures["5 extract everything plain"].push_back(sender.Time([&] {
    sender.Query("SELECT count(*) FROM (SELECT id || title || body || n AS x FROM t) WHERE length(x) > 0");
  }));
  Bench receiver(settings, "receiver");
  receiver.Exec(kind.create);
  receiver.Exec("SELECT rejoin_track('t')");
  figures["6 merge into empty rejoin"].push_back(
      receiver.Time([&] { receiver.Query("SELECT rejoin_merge(?1)", delta); }));
  const double again = receiver.Time([&] { receiver.Query("SELECT rejoin_merge(?1)", delta); });
  Bench plain(settings, "plain");
  plain.Exec(kind.create);
  plain.MakeSource(settings.rows);
  const auto source = plain.Rows(std::string("SELECT ") + kind.key + ", title, body, n FROM source");
  figures["6 merge into empty plain"].push_back(plain.Time(
      [&] { plain.WriteEach("INSERT OR REPLACE INTO t VALUES(?1, ?2, ?3, ?4)", source); }));
  figures["9 merge again, s"].push_back(again);

  const std::string vector = receiver.Query("SELECT rejoin_vv()");
  sender.Exec("UPDATE t SET n = -1 WHERE id IN (SELECT id FROM t LIMIT 100)");
  const auto began = std::chrono::steady_clock::now();
  std::string changes = sender.Query("SELECT rejoin_delta(CAST(?1 AS TEXT))", vector);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  figures["9 last 100 changes, fold and extract, s"].push_back(took.count());
  const auto again_began = std::chrono::steady_clock::now();
  changes = sender.Query("SELECT rejoin_delta(CAST(?1 AS TEXT))", vector);
  const std::chrono::duration<double> extract = std::chrono::steady_clock::now() - again_began;
  figures["9 last 100 changes, extract, s"].push_back(extract.count());
  figures["9 payload bytes of everything"].push_back(static_cast<double>(delta.size()));
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Print(const Kind& kind, const Figures& figures) {
  std::printf("\n| %s | plain | Rejoin | ratio |\n|---|---|---|---|\n", kind.name);
  for (const auto& [name, values] : figures) {
    const std::string label = name.substr(2);
    const bool plain = label.size() > 6 && label.substr(label.size() - 6) == " plain";
    if (plain) {
      const std::string what = label.substr(0, label.size() - 6);
      const double rejoin = Median(figures.at(name.substr(0, name.size() - 5) + "rejoin"));
      std::printf("| %s | %.4g | %.4g | **%.2f** |\n", what.c_str(), Median(values), rejoin,
                  rejoin / Median(values));
    } else if (label.size() < 7 || label.substr(label.size() - 7) != " rejoin") {
      std::printf("| %s | | %.4g | |\n", label.c_str(), Median(values));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help" || i + 1 == argc) {
      std::printf("usage: rejoin-bench [--rows N] [--rounds N] [--cache-mb N] [--folder DIR]\n");
      return name == "--help" ? 0 : 2;
    }
    const char* const value = argv[++i];
    if (name == "--rows") settings.rows = std::atoi(value);
    if (name == "--rounds") settings.rounds = std::atoi(value);
    if (name == "--cache-mb") settings.cache_mb = std::atoi(value);
    if (name == "--folder") settings.folder = value;
  }
  std::printf("SQLite %s, %d rows, %d rounds, page cache %d MB; CPU seconds of the process, medians.\n",
              sqlite3_libversion(), settings.rows, settings.rounds, settings.cache_mb);
  for (const Kind& kind : kKinds) {
    Figures figures;
    for (int round = 0; round < settings.rounds; ++round) {
      for (const std::string side : {"plain", "rejoin"}) {
        Bench bench(settings, side);
        Write(bench, kind, settings, side, figures);
      }
      Exchange(kind, settings, figures);
    }
    Print(kind, figures);
    std::fflush(stdout);
  }
  return 0;
}
