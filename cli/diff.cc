#include <limits>

#include "bindings/sqlite/json_text.h"
#include "cli/command.h"
#include "cli/diff_tables.h"
#include "cli/query.h"

namespace rejoin::cli {
namespace {

struct DiffArguments {
  std::string a;
  std::string b;
  bool all = false;
  bool json = false;
  std::uint64_t limit = 1000;
};

constexpr char kEncoding[] = "PRAGMA encoding";
constexpr std::size_t kShownCellBytes = 60;

// Counts, and hands each difference on as a line until the limit is reached.
class Report : public DiffReport {
 public:
  explicit Report(const DiffArguments& arguments) : arguments_(arguments) {}

  void TableOnlyIn(Side side, const std::string& table) override {
    ++schema;
    Say(side, table, "table", {});
  }
  void KeysDiffer(const std::string& table) override {
    ++schema;
    if (!Within()) return;
    if (arguments_.json) {
      Item(table, "keys", "");
    } else {
      PrintLine(table + ": the primary keys have different columns, so rows cannot be compared");
    }
  }
  void ColumnOnlyIn(Side side, const std::string& table, const std::string& column) override {
    ++schema;
    Say(side, table, "column", column);
  }
  void RowOnlyIn(Side side, const std::string& table, const Key& key) override {
    ++(side == Side::kA ? rows_only_in_a : rows_only_in_b);
    Say(side, table, "row", KeyToJson(key));
  }
  void CellsDiffer(const std::string& table, const Key& key,
                   const std::vector<CellDifference>& differences) override {
    ++rows_differ;
    cells += differences.size();
    if (arguments_.json) {
      if (Within()) Item(table, "cells", CellsJson(key, differences));
      return;
    }
    for (const CellDifference& cell : differences) {
      if (!Within()) continue;
      PrintLine(table + ' ' + KeyToJson(key) + ' ' + cell.column + ": " + Shown(cell.a) + " in " +
                arguments_.a + ", " + Shown(cell.b) + " in " + arguments_.b);
    }
  }

  bool Equal() const { return schema + rows_only_in_a + rows_only_in_b + rows_differ == 0; }
  std::uint64_t NotPrinted() const { return found_ - printed_; }

  std::uint64_t schema = 0;
  std::uint64_t rows_only_in_a = 0;
  std::uint64_t rows_only_in_b = 0;
  std::uint64_t rows_differ = 0;
  std::uint64_t cells = 0;

 private:
  bool Within() {
    ++found_;
    if (arguments_.limit != 0 && printed_ >= arguments_.limit) return false;
    ++printed_;
    return true;
  }

  void Say(Side side, const std::string& table, const char* what, const std::string& name) {
    if (!Within()) return;
    if (arguments_.json) {
      const std::string kind = std::string(what) + (side == Side::kA ? "_only_in_a" : "_only_in_b");
      std::string rest;
      if (what == std::string("row")) rest = ",\"key\":" + name;
      if (what == std::string("column")) {
        rest = ",\"column\":";
        AppendJsonText(rest, name);
      }
      Item(table, kind, rest);
      return;
    }
    const std::string file = side == Side::kA ? arguments_.a : arguments_.b;
    if (what == std::string("row")) {
      PrintLine(table + ' ' + name + ": only in " + file);
    } else {
      PrintLine(table + ": " + what + (name.empty() ? "" : " " + name) + " only in " + file);
    }
  }

  static std::string Shown(const Value& value) {
    std::string text;
    AppendJsonValue(text, value, kShownCellBytes);
    return text;
  }

  static std::string CellsJson(const Key& key, const std::vector<CellDifference>& differences) {
    std::string rest = ",\"key\":" + KeyToJson(key) + ",\"cells\":[";
    for (const CellDifference& cell : differences) {
      if (rest.back() != '[') rest += ',';
      rest += "{\"column\":";
      AppendJsonText(rest, cell.column);
      rest += ",\"a\":";
      AppendJsonValue(rest, cell.a, std::numeric_limits<std::size_t>::max());
      rest += ",\"b\":";
      AppendJsonValue(rest, cell.b, std::numeric_limits<std::size_t>::max());
      rest += '}';
    }
    return rest + ']';
  }

  // One element of the array, on a line of its own: written as it is found.
  void Item(const std::string& table, const std::string& kind, const std::string& rest) {
    std::string line = first_ ? "  {\"table\":" : "  ,{\"table\":";
    first_ = false;
    AppendJsonText(line, table);
    PrintLine(line + ",\"kind\":\"" + kind + '"' + rest + '}');
  }

  const DiffArguments& arguments_;
  bool first_ = true;
  std::uint64_t found_ = 0;
  std::uint64_t printed_ = 0;
};

struct Totals {
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
};

Result<Totals> CompareAll(DatabaseFile& a, DatabaseFile& b, const DiffTables& tables,
                          Report& report) {
  Totals totals;
  for (const auto& [name, in_a] : tables.in_a) {
    const auto in_b = tables.in_b.find(name);
    if (in_b == tables.in_b.end()) {
      report.TableOnlyIn(Side::kA, name);
      continue;
    }
    REJOIN_ASSIGN(const std::uint64_t rows,
                  CompareTable(name, a.sql(), in_a, b.sql(), in_b->second, report));
    ++totals.tables;
    totals.rows += rows;
  }
  for (const auto& [name, in_b] : tables.in_b) {
    if (tables.in_a.count(name) == 0) report.TableOnlyIn(Side::kB, name);
  }
  return totals;
}

void PrintEnd(const DiffArguments& arguments, const DiffTables& tables, const Totals& totals,
              const Report& report) {
  if (arguments.json) {
    const Json end = {{"equal", report.Equal()},
                      {"tables", totals.tables},
                      {"rows", totals.rows},
                      {"rows_only_in_a", report.rows_only_in_a},
                      {"rows_only_in_b", report.rows_only_in_b},
                      {"rows_differ", report.rows_differ},
                      {"cells_differ", report.cells},
                      {"not_listed", report.NotPrinted()},
                      {"left_out", tables.left_out}};
    const std::string text = end.dump(-1, ' ', false, Json::error_handler_t::replace);
    PrintLine("]," + text.substr(1));
    return;
  }
  for (const std::string& reason : tables.left_out) PrintLine("left out: " + reason);
  if (report.NotPrinted() > 0) {
    PrintLine("... and " + std::to_string(report.NotPrinted()) + " more (--limit 0 lists all)");
  }
  std::string line = Count(totals.tables, "table") + ", " + Count(totals.rows, "row") + ": ";
  if (report.Equal()) {
    PrintLine(line + "equal");
    return;
  }
  line += Count(report.rows_differ, "row") + " with " + Count(report.cells, "cell") + " that differ, " +
          Count(report.rows_only_in_a, "row") + " only in " + arguments.a + ", " +
          Count(report.rows_only_in_b, "row") + " only in " + arguments.b;
  if (report.schema > 0) line += ", " + Count(report.schema, "difference") + " of schema";
  PrintLine(line);
}

Status RequireUtf8(DatabaseFile& file, const std::string& path) {
  REJOIN_ASSIGN(const std::string encoding, QueryText(file.sql(), kEncoding));
  if (encoding == "UTF-8") return {};
  return Fail(Code::kUnsupported, path + ": its text is " + encoding +
                                      ", and diff compares databases with UTF-8 text");
}

// Each file is read in one transaction, so each is looked at as of one moment.
Result<Exit> Diff(const DiffArguments& arguments) {
  REJOIN_ASSIGN(DatabaseFile a, DatabaseFile::Open(arguments.a, OpenMode::kRead));
  REJOIN_ASSIGN(DatabaseFile b, DatabaseFile::Open(arguments.b, OpenMode::kRead));
  REJOIN_TRY(RequireUtf8(a, arguments.a));
  REJOIN_TRY(RequireUtf8(b, arguments.b));
  REJOIN_TRY(a.sql().Exec("BEGIN"));
  REJOIN_TRY(b.sql().Exec("BEGIN"));
  REJOIN_ASSIGN(const DiffTables tables, FindDiffTables(a, b, arguments.all));
  if (arguments.json) {
    std::string head = "{\"a\":";
    AppendJsonText(head, arguments.a);
    head += ",\"b\":";
    AppendJsonText(head, arguments.b);
    PrintLine(head + ",\"differences\":[");
  }
  Report report(arguments);
  REJOIN_ASSIGN(const Totals totals, CompareAll(a, b, tables, report));
  PrintEnd(arguments, tables, totals, report);
  return report.Equal() ? Exit::kOk : Exit::kFound;
}

}  // namespace

void AddDiff(CLI::App& app, Chosen& chosen) {
  const auto [command, options] = AddCommand<DiffArguments>(
      app, chosen, "diff",
      "Name the rows and cells in which two files differ; exit status 1 where they do.",
      "rejoin diff phone.db laptop.db", Diff);
  command->add_option("A", options->a, "One database; it is only read")->required();
  command->add_option("B", options->b, "The other one; it is only read")->required();
  command->add_flag("--all", options->all, "Also tables that are not tracked");
  command->add_option("--limit", options->limit, "Differences to list; 0 lists all")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace rejoin::cli
