#include <vector>

#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "cli/query.h"

namespace rejoin::cli {
namespace {

struct DoctorArguments {
  std::string file;
  bool quick = false;
  bool json = false;
};

constexpr char kForeignKeys[] =
    "SELECT \"table\", count(*), parent FROM pragma_foreign_key_check"
    " GROUP BY \"table\", fkid, parent ORDER BY 1, 3";
// SQLite's own check lists 100 faults at most.
constexpr char kIntegrity[] = "PRAGMA {s}.integrity_check";
constexpr char kQuick[] = "PRAGMA {s}.quick_check";
constexpr char kWaiting[] =
    "SELECT name || ': ' || quarantined || ' in quarantine, ' || conflicts || ' conflicts'"
    " FROM rejoin_tables WHERE quarantined + conflicts > 0 ORDER BY name";

constexpr char kMendFile[] =
    "copy the file with its -wal and -rejoin neighbours, then: sqlite3 FILE .recover | sqlite3 NEW.db";
constexpr char kMendForeignKey[] =
    "insert the missing parents or delete the children; merges never hide such rows";

Status CheckFile(DatabaseFile& file, bool quick, std::vector<Finding>& findings) {
  const Result<std::vector<std::string>> lines =
      QueryTexts(file.sql(), quick ? kQuick : kIntegrity);
  if (!lines && lines.error().code == Code::kCorrupt) {  // too damaged even for the check
    findings.push_back({"", lines.error().message, kMendFile});
    return {};
  }
  if (!lines) return tl::unexpected(lines.error());
  for (const std::string& line : *lines) {
    if (line != "ok") findings.push_back({"", line, kMendFile});
  }
  return {};
}

Status CheckForeignKeys(DatabaseFile& file, std::vector<Finding>& findings) {
  REJOIN_ASSIGN(Statement statement, file.sql().Prepare(kForeignKeys));
  for (;;) {
    REJOIN_ASSIGN(const bool more, statement.Step());
    if (!more) return {};
    findings.push_back({std::string(statement.Text(0)),
                        Count(statement.Unsigned(1), "row") + " without a parent in " +
                            std::string(statement.Text(2)),
                        kMendForeignKey});
  }
}

Status CheckMetadata(DatabaseFile& file, std::vector<Finding>& findings) {
  REJOIN_ASSIGN(const std::vector<Finding> found, file.Store().Check());
  findings.insert(findings.end(), found.begin(), found.end());
  return {};
}

void Print(const DoctorArguments& arguments, bool set_up, const std::vector<Finding>& findings,
           const std::vector<std::string>& notes) {
  if (arguments.json) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      list.push_back({{"table", finding.table.empty() ? Json() : Json(finding.table)},
                      {"problem", finding.problem},
                      {"cure", finding.cure},
                      {"repaired", finding.repaired}});
    }
    PrintJson({{"file", arguments.file}, {"set_up", set_up}, {"findings", list}, {"notes", notes}});
    return;
  }
  for (const Finding& finding : findings) {
    PrintLine((finding.table.empty() ? std::string() : finding.table + ": ") + finding.problem);
    PrintLine("  to mend: " + finding.cure);
  }
  for (const std::string& note : notes) PrintLine("no fault, but to look at: " + note);
  if (findings.empty()) {
    PrintLine(arguments.file + (set_up ? ": tables and metadata agree"
                                       : ": a sound database; no table is tracked"));
  }
}

// A damaged file is reported, not touched: its metadata is only looked at when
// SQLite finds the file sound.
Result<Exit> Examine(const DoctorArguments& arguments) {
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  std::vector<Finding> findings;
  std::vector<std::string> notes;
  REJOIN_TRY(CheckFile(file, arguments.quick, findings));
  bool set_up = false;
  if (findings.empty()) {
    REJOIN_TRY(CheckForeignKeys(file, findings));
    REJOIN_ASSIGN(set_up, file.Store().engine().catalog.Refresh());
    if (set_up) {
      REJOIN_TRY(CheckMetadata(file, findings));
      REJOIN_ASSIGN(notes, QueryTexts(file.sql(), kWaiting));
    }
  }
  Print(arguments, set_up, findings, notes);
  return findings.empty() ? Exit::kOk : Exit::kFound;
}

}  // namespace

void AddDoctor(CLI::App& app, Chosen& chosen) {
  const auto [command, options] = AddCommand<DoctorArguments>(
      app, chosen, "doctor", "Check the file, its foreign keys and Rejoin's metadata; repairs nothing.",
      "rejoin doctor shop.db", Examine);
  command->add_option("FILE", options->file, "The database")->required();
  command->add_flag("--quick", options->quick, "SQLite's quick_check in place of integrity_check");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace rejoin::cli
