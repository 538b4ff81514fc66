#include "base/version.h"
#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "cli/query.h"

namespace rejoin::cli {
namespace {

struct StatusArguments {
  std::string file;
  bool json = false;
};

constexpr char kStatus[] = "SELECT rejoin_status()";
constexpr char kTables[] =
    "SELECT json_object('table', tbl, 'name', name, 'rows', rows, 'same_key', same_key,"
    " 'delete_wins', delete_wins, 'fire_triggers', fire_triggers, 'columns', json(columns),"
    " 'unknown_columns', json(unknown_columns), 'firing', json(firing),"
    " 'quarantined', quarantined, 'conflicts', conflicts) FROM rejoin_tables ORDER BY name";
constexpr char kPeers[] =
    "SELECT json_object('replica', replica, 'is_self', is_self, 'applied_until', applied_until,"
    " 'stamp', stamp) FROM rejoin_peers ORDER BY replica";

std::string TextOf(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end() || at->is_null()) return "none";
  return at->is_string() ? at->get<std::string>() : at->dump();
}

void PrintTables(const Json& tables) {
  for (const Json& table : tables) {
    std::string line = "  " + TextOf(table, "name");
    if (table["table"].is_null()) {
      line += ": carried for others, not in this file";
    } else {
      if (table["table"] != table["name"]) line += " (here " + TextOf(table, "table") + ")";
      line += ": " + TextOf(table, "rows") + " rows";
    }
    for (const char* const count : {"quarantined", "conflicts"}) {
      if (table[count] != 0) line += ", " + TextOf(table, count) + " " + count;
    }
    if (!table["unknown_columns"].empty()) {
      line += ", columns not in this file: " + table["unknown_columns"].dump();
    }
    if (!table["firing"].empty()) line += ", fire on merge: " + table["firing"].dump();
    PrintLine(line);
  }
}

// What keeps the file in sync just now, in whichever process.
void PrintLinks(const Json& links) {
  if (links.empty()) return;
  PrintLine(Count(links.size(), "link") + ":");
  for (const Json& link : links) {
    std::string line = "  " + TextOf(link, "url") + ": " + TextOf(link, "state");
    if (!link["peer_name"].empty() && link["peer_name"] != "") line += " with " + TextOf(link, "peer_name");
    line += ", " + TextOf(link, "rows_sent") + " rows sent, " + TextOf(link, "rows_received") + " received";
    if (!link["error"].is_null()) line += "; " + TextOf(link, "error");
    PrintLine(line + " (process " + TextOf(link, "process") + ")");
  }
}

// What its tables and peers are stored as is then unknown here.
bool IsNewer(const Json& status) { return status["file_format"] > status["format"]; }

void Print(const Json& status) {
  PrintLine(TextOf(status, "file") + (status["read_only"] == true ? " (read-only)" : ""));
  if (status["set_up"] != true) {
    PrintLine("no table is tracked: rejoin track FILE TABLE");
    return;
  }
  if (IsNewer(status)) {
    PrintLine("written by a newer version of Rejoin (format " + TextOf(status, "file_format") +
              "): update this one to see more and to write; the tables can be read without it");
    return;
  }
  PrintLine("replica " + TextOf(status, "replica") + ", last own change " +
            TextOf(status, "last_own_change"));
  PrintLine("log " + TextOf(status["log"], "bytes") + " bytes, " +
            TextOf(status["log"], "unfolded_bytes") + " of them unfolded");
  if (status["incomplete"] == true) {
    PrintLine("incomplete: rows are missing after a table was rebuilt; merge a whole delta of a peer");
  }
  PrintLine(Count(status["table_list"].size(), "table") + ":");
  PrintTables(status["table_list"]);
  PrintLine(Count(status["peers"].size(), "replica") + " known:");
  for (const Json& peer : status["peers"]) {
    PrintLine("  " + TextOf(peer, "replica") + (peer["is_self"] == 1 ? " (this one)" : "") + " until " +
              TextOf(peer, "applied_until"));
  }
  PrintLinks(status["links"]);
}

Result<Exit> ShowStatus(const StatusArguments& arguments) {
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(arguments.file, OpenMode::kReadWrite));
  REJOIN_ASSIGN(Json status, QueryJson(file.sql(), kStatus));
  if (status["set_up"] == true && !IsNewer(status)) {
    REJOIN_ASSIGN(status["table_list"], QueryJsonList(file.sql(), kTables));
    REJOIN_ASSIGN(status["peers"], QueryJsonList(file.sql(), kPeers));
  }
  if (arguments.json) {
    PrintJson(status);
  } else {
    Print(status);
  }
  return Exit::kOk;
}

struct VersionArguments {
  bool json = false;
};

Result<Exit> ShowVersion(const VersionArguments& arguments) {
  if (arguments.json) {
    PrintJson({{"version", REJOIN_VERSION},
               {"commit", REJOIN_COMMIT},
               {"format", REJOIN_FORMAT},
               {"protocol", REJOIN_PROTOCOL}});
  } else {
    PrintLine("rejoin " REJOIN_VERSION " (commit " REJOIN_COMMIT "), format " +
              std::to_string(REJOIN_FORMAT) + ", protocol " + std::to_string(REJOIN_PROTOCOL));
  }
  return Exit::kOk;
}

}  // namespace

void AddStatus(CLI::App& app, Chosen& chosen) {
  {
    const auto [command, options] = AddCommand<StatusArguments>(
        app, chosen, "status", "Show what is tracked, what waits, who is known and how the links stand.",
        "rejoin status shop.db --json", ShowStatus);
    command->add_option("FILE", options->file, "The database")->required();
    command->add_flag("--json", options->json, "Print JSON");
  }
  const auto [command, options] = AddCommand<VersionArguments>(
      app, chosen, "version", "Show version, commit, format of files and protocol.",
      "rejoin version --json", ShowVersion);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace rejoin::cli
