// What Rejoin costs next to plain SQLite, the session extension, and other sync engines that
// the machine has (peers.h): all of them in one process, in turn, several rounds; CPU time of
// the process, medians with their spread, and ratios to plain SQLite. Prints Markdown tables.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/os.h"
#include "bench/figures.h"
#include "bench/replicas.h"
#include "bench/sides.h"
#include "crdt/delta_format.h"

namespace {

using namespace rejoin::bench;

constexpr int kAutocommits = 2'000;
constexpr int kLastChanges = 100;
constexpr int kEditors = 1'000;

struct Settings {
  std::int64_t rows = 200'000;
  int rounds = 5;
  std::uint64_t seed = 7;
  FileOptions files{std::filesystem::temp_directory_path().string(), 2};
  std::vector<std::string> tables;
  std::vector<std::string> sides;
  std::string json;
};

// One round of one side.
class Round {
 public:
  Round(const Settings& settings, const TableKind& kind, const SideKind& side, Database& source, Figures& figures)
      : settings_(settings),
        kind_(kind),
        side_(side),
        source_(source),
        figures_(figures),
        rows_(kind.RowsOf(settings.rows)) {}

  void Run() {
    Writes();
    Exchange();
    if (std::string(side_.name) == "rejoin") ManyEdit();
  }

 private:
  void Add(const std::string& phase, const std::string& unit, double value) {
    figures_.Add(phase, unit, side_.name, value);
  }
  template <class Work>
  void Cpu(const std::string& phase, const Work& work) {
    Add(phase, "s", Time(work).cpu);
  }
  bool is_plain() const { return std::string(side_.name) == "plain"; }

  std::string InsertFrom(std::int64_t after, std::int64_t upto) const {
    return "INSERT INTO t SELECT " + ColumnNames(kind_) + " FROM s.source WHERE i > " + std::to_string(after) +
           " AND i <= " + std::to_string(upto);
  }

  // A prepared statement for each key, in one transaction.
  void ForEach(Side& side, const Keys& keys, const std::string& sql) {
    Prepared statement(side.db().handle(), sql);
    side.db().Exec("BEGIN");
    for (const std::string& key : keys) {
      BindKey(kind_, statement.raw(), 1, key);
      statement.Run();
    }
    side.db().Exec("COMMIT");
  }

  // Local writes, and what they leave behind.
  void Writes() {
    const auto side = side_.make(settings_.files, kind_, side_.name);
    Database& db = side->db();
    db.Attach(source_.path(), "s");
    side->BeginRecording();
    Cpu("bulk insert, one statement", [&] { db.Exec(InsertFrom(0, rows_)); });
    Add("file after inserts", "bytes", static_cast<double>(db.FileBytes()));
    Cpu("read all rows", [&] { db.Query("SELECT sum(length(id) + " + UpdatedColumn(kind_) + ") FROM t"); });
    Inserts(*side);
    const Keys updated = PickKeys(source_, rows_, rows_ / 2);
    Cpu("update 1 column of half the rows, at random", [&] {
      ForEach(*side, updated, "UPDATE t SET " + UpdatedColumn(kind_) + " = " + UpdatedColumn(kind_) + " + 1 WHERE id = ?1");
    });
    const Keys deleted = PickKeys(source_, rows_, rows_ / 4);
    Cpu("delete a quarter, at random", [&] { ForEach(*side, deleted, "DELETE FROM t WHERE id = ?1"); });
    if (!is_plain()) Cpu("what writing left for later", [&] { side->CatchUp(); });
    const auto file_bytes = static_cast<double>(db.FileBytes());
    const double log_bytes = side->LogBytes();
    // Who has a log keeps what was deleted, so that an edit elsewhere can bring it back.
    const double kept_bytes = log_bytes > 0 ? BytesOf(deleted) : 0;
    Add("file after all of it", "bytes", file_bytes);
    if (!is_plain()) Add("of it the log", "bytes", log_bytes);
    Add("file without the log and the deleted rows' values", "bytes", file_bytes - log_bytes - kept_bytes);
    db.Exec("DETACH s");
  }

  // What so many rows hold, by the average of all.
  double BytesOf(const Keys& keys) {
    std::string row = "length(id)";
    for (int i = 0; i < ColumnCount(kind_); ++i) row += " + length(c" + std::to_string(i) + ")";
    return std::stod(source_.Query("SELECT avg(" + row + ") FROM source")) * static_cast<double>(keys.size());
  }

  void Inserts(Side& side) {
    Database& db = side.db();
    std::string payload;
    {
      Prepared read(source_.handle(), "SELECT " + ColumnNames(kind_) + " FROM source WHERE i > " + std::to_string(rows_));
      Serialise(read, payload);
    }
    Prepared insert(db.handle(), "INSERT INTO t VALUES(" + Parameters(kind_) + ")");
    Cpu("autocommit inserts, " + std::to_string(kAutocommits),
        [&] { RunForEach(payload, ColumnCount(kind_) + 1, insert); });
    db.Exec("DELETE FROM t WHERE id IN (SELECT id FROM s.source WHERE i > " + std::to_string(rows_) + ")");
    db.Exec("BEGIN");
    Cpu("prepared inserts, " + std::to_string(kAutocommits) + " in one transaction", [&] {
      RunForEach(payload, ColumnCount(kind_) + 1, insert);
      db.Exec("COMMIT");
    });
  }

  // From one replica to another.
  void Exchange() {
    const auto sender = side_.make(settings_.files, kind_, std::string(side_.name) + "-sender");
    const auto receiver = side_.make(settings_.files, kind_, std::string(side_.name) + "-receiver");
    sender->db().Attach(source_.path(), "s");
    sender->BeginRecording();
    const Spent written = Time([&] { sender->db().Exec(InsertFrom(0, rows_)); });
    std::string everything;
    const Spent first = Time([&] { everything = sender->Everything(); });
    Add("insert, fold and extract everything", "s", written.cpu + first.cpu);
    Cpu("extract everything", [&] { everything = sender->Everything(); });
    Payload(everything);
    Cpu("apply to an empty replica", [&] { receiver->ApplyEverything(everything); });
    Cpu("apply again, row by row", [&] { receiver->ApplyEverything(everything); });
    Cpu("ask for news, where there is none", [&] { receiver->AskAgain(*sender, everything); });
    sender->BeginRecording();
    const std::string negative = "UPDATE t SET " + UpdatedColumn(kind_) + " = -1 - " + UpdatedColumn(kind_) + " WHERE id = ?1";
    ForEach(*sender, PickKeys(source_, rows_, rows_ / 2), negative);
    std::string changes;
    Cpu("extract the updates of half the rows", [&] { changes = sender->Changes(); });
    Add("payload of these", "bytes a row", static_cast<double>(changes.size()) / (static_cast<double>(rows_) / 2));
    receiver->BeginRecording();
    Cpu("apply the updates of half the rows", [&] { receiver->ApplyChanges(changes); });
    if (is_plain()) return;
    sender->BeginRecording();
    ForEach(*sender, PickKeys(source_, rows_, kLastChanges), negative);
    changes = sender->Changes();
    Add("extract the last 100 changes", "ms (wall)", 1e3 * Time([&] { changes = sender->Changes(); }).wall);
  }

  // One row, by one replica after the other.
  void ManyEdit() {
    const auto side = side_.make(settings_.files, kind_, std::string(side_.name) + "-edited");
    constexpr int kCounted = 100;
    for (int editor = 0; editor < kEditors; editor += kCounted) {
      std::vector<std::string> edits;
      for (int i = editor; i < editor + kCounted; ++i) edits.push_back(DeltaOfOneEdit(kind_, i));
      const Spent spent = Time([&] {
        for (const std::string& edit : edits) side->ApplyChanges(edit);
      });
      const bool told = editor == 0 || editor + kCounted == kEditors;
      const std::string which = std::to_string(editor + 1) + "-" + std::to_string(editor + kCounted);
      if (told) Add("merge an edit of one row, by replicas " + which, "ms each", 1e3 * spent.cpu / kCounted);
    }
  }

  void Payload(const std::string& everything) {
    Add("payload of everything", "bytes", static_cast<double>(everything.size()));
    if (!is_plain()) return;
    const std::string raw = ColumnBytes(everything, ColumnCount(kind_) + 1);
    std::string packed;
    const Spent spent = Time([&] { packed = rejoin::Compress(raw, rejoin::kDeltaZstdLevel); });
    figures_.Add("zstd of the column bytes alone", "s", "plain", spent.cpu);
    figures_.Add("its size", "bytes", "plain", static_cast<double>(packed.size()));
  }

  const Settings& settings_;
  const TableKind& kind_;
  const SideKind& side_;
  Database& source_;
  Figures& figures_;
  std::int64_t rows_;
};

bool Wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::string Compare(const Settings& settings, const TableKind& kind) {
  const std::int64_t rows = kind.RowsOf(settings.rows);
  const auto source = MakeSource(settings.files, kind, rows + kAutocommits, settings.seed);
  Figures figures;
  std::vector<std::string> sides;
  for (const SideKind& side : SideKinds()) {
    if (Wanted(settings.sides, side.name)) sides.emplace_back(side.name);
  }
  for (int round = 0; round < settings.rounds; ++round) {
    for (const SideKind& side : SideKinds()) {
      if (Wanted(settings.sides, side.name)) Round(settings, kind, side, *source, figures).Run();
    }
  }
  figures.Print(std::string(kind.name) + ", " + std::to_string(rows) + " rows", sides);
  return figures.Json(kind.name);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("What Rejoin costs next to plain SQLite, the session extension and other engines: CPU time of the process, medians "
               "(lowest–highest), and ratios to plain SQLite in bold.",
               "rejoin-bench");
  app.add_option("--rows", settings.rows, "Rows of a table; fewer where they are large")
      ->check(CLI::Range(std::int64_t{1'000}, std::int64_t{10'000'000}))->capture_default_str();
  app.add_option("--rounds", settings.rounds, "Rounds; medians are told")->check(CLI::Range(1, 1'000))->capture_default_str();
  app.add_option("--cache-mb", settings.files.cache_mb, "Page cache of every database, MB")
      ->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--replicas", settings.files.replicas, "Replicas in Rejoin's version vector")
      ->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--seed", settings.seed, "Of the rows")->capture_default_str();
  app.add_option("--folder", settings.files.folder, "Where the databases are made")->check(CLI::ExistingDirectory)->capture_default_str();
  app.add_option("--table", settings.tables, "Only tables of these kinds, by their names in the output");
  app.add_option("--side", settings.sides, "Only these sides: plain, session, rejoin, cr-sqlite, 'SQLite Sync' (the last two where\n"
                 "REJOIN_PEER_CRSQLITE or REJOIN_PEER_SQLITE_SYNC name the extension's file)");
  app.add_option("--json", settings.json, "Write all figures to this file, too");
  CLI11_PARSE(app, argc, argv);

  const RunFolder folder(settings.files.folder);
  settings.files.folder = folder.path();
  std::printf("SQLite %s, page cache %d MB, %d rounds, seed %llu; CPU time of the process.\n", sqlite3_libversion(),
              settings.files.cache_mb, settings.rounds, static_cast<unsigned long long>(settings.seed));
  std::string json;
  for (const TableKind& kind : TableKinds()) {
    if (!Wanted(settings.tables, kind.name)) continue;
    json += (json.empty() ? "[" : ",\n") + Compare(settings, kind);
  }
  if (json.empty()) Die("there is no table of that kind");
  if (!settings.json.empty() && !(std::ofstream(settings.json) << json << "]\n")) Die("cannot write " + settings.json);
  return 0;
}
