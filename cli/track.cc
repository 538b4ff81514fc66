#include <vector>

#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "cli/query.h"

namespace rejoin::cli {
namespace {

constexpr char kAllTables[] =
    "SELECT name FROM {s}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE"
    " '\\' AND name NOT LIKE 'rejoin\\_\\_%' ESCAPE '\\' ORDER BY name";

struct TrackArguments {
  std::string file;
  std::vector<std::string> tables;
  bool all = false;
  std::string same_key;
  bool delete_wins = false;
  bool fire_triggers = false;
  std::string name;
  bool json = false;
};

struct Outcome {
  std::string table;
  std::uint64_t adopted = 0;
  std::string skipped;  // why; empty: it was tracked
};

TrackOptions OptionsOf(const TrackArguments& arguments) {
  TrackOptions options;
  if (arguments.same_key == "merge") options.same_key = SameKey::kMerge;
  if (arguments.same_key == "newest") options.same_key = SameKey::kNewest;
  if (arguments.delete_wins) options.delete_wins = true;
  if (arguments.fire_triggers) options.fire_triggers = true;
  if (!arguments.name.empty()) options.name = arguments.name;
  return options;
}

void PrintOutcomes(const std::vector<Outcome>& outcomes, bool as_json) {
  Json list = Json::array();
  for (const Outcome& outcome : outcomes) {
    if (!as_json) {
      PrintLine(outcome.table + ": " +
                (outcome.skipped.empty() ? Count(outcome.adopted, "row") + " adopted"
                                         : "left out: " + outcome.skipped));
    } else if (outcome.skipped.empty()) {
      list.push_back({{"table", outcome.table}, {"adopted", outcome.adopted}});
    } else {
      list.push_back({{"table", outcome.table}, {"left_out", outcome.skipped}});
    }
  }
  if (as_json) PrintJson({{"tables", list}});
}

// All of them or none: in one transaction. With --all, what cannot be tracked is
// left out and named.
Result<Exit> Track(const TrackArguments& arguments) {
  if (!arguments.name.empty() && arguments.tables.size() != 1) {
    return Fail(Code::kInvalidArgument, "--name is for one table");
  }
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  std::vector<std::string> tables = arguments.tables;
  if (arguments.all) {
    REJOIN_ASSIGN(tables, QueryTexts(file.sql(), kAllTables));
  }
  std::vector<Outcome> outcomes;
  REJOIN_ASSIGN(Savepoint transaction, Savepoint::Begin(file.sql()));
  for (const std::string& table : tables) {
    const Result<std::uint64_t> adopted = file.Store().Track(table, OptionsOf(arguments));
    if (adopted) {
      outcomes.push_back({table, *adopted, {}});
    } else if (arguments.all && adopted.error().code == Code::kNotTrackable) {
      outcomes.push_back({table, 0, adopted.error().message});
    } else {
      return tl::unexpected(adopted.error());
    }
  }
  REJOIN_TRY(transaction.Release());
  PrintOutcomes(outcomes, arguments.json);
  return Exit::kOk;
}

struct UntrackArguments {
  std::string file;
  std::vector<std::string> tables;
  bool all = false;
  bool json = false;
};

Result<Exit> Untrack(const UntrackArguments& arguments) {
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  if (arguments.all) {
    REJOIN_TRY(file.Store().Uninstall());
  } else {
    REJOIN_ASSIGN(Savepoint transaction, Savepoint::Begin(file.sql()));
    for (const std::string& table : arguments.tables) REJOIN_TRY(file.Store().Untrack(table));
    REJOIN_TRY(transaction.Release());
  }
  if (arguments.json) {
    PrintJson({{"untracked", arguments.tables}, {"uninstalled", arguments.all}});
  } else if (arguments.all) {
    PrintLine("nothing of Rejoin is left in " + arguments.file + "; all rows stay");
  } else {
    for (const std::string& table : arguments.tables) {
      PrintLine(table + ": no longer tracked; its rows stay");
    }
  }
  return Exit::kOk;
}

}  // namespace

void AddTrack(CLI::App& app, Chosen& chosen) {
  {
    const auto [command, options] = AddCommand<TrackArguments>(
        app, chosen, "track", "Share tables: note who writes what from now on; existing rows count.",
        "rejoin track shop.db product customer", Track);
    command->add_option("FILE", options->file, "The database")->required();
    auto* const tables = command->add_option("TABLE", options->tables, "Tables of it");
    auto* const all =
        command->add_flag("--all", options->all, "Every table that can be tracked; names the others");
    all->excludes(tables);
    command->add_option("--same-key", options->same_key,
                        "Where two devices insert one key: merge them column by column, or show the "
                        "newest whole")
        ->check(CLI::IsMember({"merge", "newest"}));
    command->add_flag("--delete-wins", options->delete_wins,
                      "A delete wins over an edit that it had not seen");
    command->add_flag("--fire-triggers", options->fire_triggers,
                      "Your own triggers on the table fire on merge");
    command->add_option("--name", options->name, "The table's name for the other devices");
    command->add_flag("--json", options->json, "Print JSON");
    command->parse_complete_callback([options = options] {
      if (options->tables.empty() && !options->all) throw CLI::RequiredError("TABLE or --all");
    });
  }
  const auto [command, options] = AddCommand<UntrackArguments>(
      app, chosen, "untrack", "Forget tables: triggers and metadata go, all rows stay.",
      "rejoin untrack shop.db product", Untrack);
  command->add_option("FILE", options->file, "The database")->required();
  auto* const tables = command->add_option("TABLE", options->tables, "Tables of it");
  command->add_flag("--all", options->all, "Remove everything of Rejoin from the file")
      ->excludes(tables);
  command->add_flag("--json", options->json, "Print JSON");
  command->parse_complete_callback([options = options] {
    if (options->tables.empty() && !options->all) throw CLI::RequiredError("TABLE or --all");
  });
}

}  // namespace rejoin::cli
