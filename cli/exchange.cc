#include <fstream>
#include <sstream>

#include <filesystem>

#include "bindings/sqlite/database_file.h"
#include "bindings/sqlite/options.h"
#include "cli/command.h"
#include "cli/delta_files.h"

namespace rejoin::cli {
namespace {

struct ExportArguments {
  std::string file;
  std::string output;
  std::string since;
  std::string receiver;
  bool force = false;
  bool json = false;
};

Result<VersionVector> VectorInFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return Fail(Code::kIo, path + ": cannot be read, or is empty");
  Result<VersionVector> vector = ParseVector(text.str());
  if (!vector) vector.error().message = path + ": " + vector.error().message;
  return vector;
}

Result<VersionVector> VectorOfReceiver(const std::string& path) {
  REJOIN_ASSIGN(DatabaseFile receiver, DatabaseFile::Open(path, OpenMode::kRead));
  Result<VersionVector> vector = receiver.Store().Vector();
  if (!vector && vector.error().code == Code::kNotSetUp) return VersionVector();
  return vector;
}

Result<VersionVector> Since(const ExportArguments& arguments) {
  if (!arguments.since.empty()) return VectorInFile(arguments.since);
  if (!arguments.receiver.empty()) return VectorOfReceiver(arguments.receiver);
  return VersionVector();
}

Result<Exit> Export(const ExportArguments& arguments) {
  std::error_code ignored;
  const bool to_stdout = arguments.output == "-";
  if (!to_stdout && !arguments.force && std::filesystem::exists(arguments.output, ignored)) {
    return Fail(Code::kInvalidArgument,
                arguments.output + ": is there already; --force overwrites it");
  }
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  REJOIN_ASSIGN(const VersionVector since, Since(arguments));
  REJOIN_ASSIGN(const auto sink, DeltaFileSink::Create(arguments.output));
  REJOIN_ASSIGN(const ExtractReport report, file.Store().ExtractSince(since, *sink));
  REJOIN_TRY(sink->Finish());
  if (to_stdout) return Exit::kOk;  // the delta is the output
  if (arguments.json) {
    PrintJson({{"delta", arguments.output}, {"rows", report.rows}, {"bytes", sink->size_bytes()}});
  } else {
    PrintLine(arguments.output + ": " + Count(report.rows, "row") + ", " +
              Count(sink->size_bytes(), "byte"));
  }
  return Exit::kOk;
}

struct ImportArguments {
  std::string file;
  std::vector<std::string> deltas;
  bool json = false;
};

Json JsonOf(const std::string& delta, const MergeReport& report) {
  return {{"delta", delta},
          {"rows_changed", report.rows_changed},
          {"rows_shown", report.rows_shown},
          {"conflicts", report.conflicts},
          {"quarantined", report.quarantined},
          {"duplicate_dots", report.duplicate_dots}};
}

void Print(const std::string& delta, const MergeReport& report) {
  std::string line = delta + ": " + Count(report.rows_changed, "row") + " changed";
  if (report.conflicts > 0) line += ", " + Count(report.conflicts, "conflict");
  if (report.quarantined > 0) line += ", " + std::to_string(report.quarantined) + " in quarantine";
  if (report.duplicate_dots > 0) {
    line += ", " + Count(report.duplicate_dots, "value") + " that two replicas gave one name";
  }
  PrintLine(line);
}

// Each delta is a transaction of its own: those before a bad one stay merged.
Result<Exit> Import(const ImportArguments& arguments) {
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  Json list = Json::array();
  for (const std::string& delta : arguments.deltas) {
    REJOIN_ASSIGN(const auto source, DeltaFileSource::Open(delta));
    Result<MergeReport> report = file.Store().Merge(*source);
    if (!report) {
      report.error().message = delta + ": " + report.error().message;
      return Forward(report);
    }
    if (arguments.json) {
      list.push_back(JsonOf(delta, *report));
    } else {
      Print(delta, *report);
    }
  }
  if (arguments.json) PrintJson({{"merged", list}});
  return Exit::kOk;
}

}  // namespace

void AddExport(CLI::App& app, Chosen& chosen) {
  const auto [command, options] = AddCommand<ExportArguments>(
      app, chosen, "export", "Write a delta of any size: everything, or what another replica lacks.",
      "rejoin export phone.db -o news.delta --for laptop.db", Export);
  command->add_option("FILE", options->file, "The database")->required();
  command->add_option("-o,--output", options->output, "The delta to make; - is the standard output")
      ->required();
  auto* const since = command->add_option(
      "--since", options->since, "A file with what SELECT rejoin_vv() gave on the receiver");
  command->add_option("--for", options->receiver, "The receiver's database, where it is at hand")
      ->excludes(since);
  command->add_flag("--force", options->force, "Overwrite the delta if it is there");
  command->add_flag("--json", options->json, "Print JSON");
}

void AddImport(CLI::App& app, Chosen& chosen) {
  const auto [command, options] =
      AddCommand<ImportArguments>(app, chosen, "import", "Merge deltas, in any order, as often as you like.",
                                  "rejoin import laptop.db news.delta", Import);
  command->add_option("FILE", options->file, "The database; it is not made")->required();
  command->add_option("DELTA", options->deltas, "Deltas; - is the standard input")->required();
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace rejoin::cli
