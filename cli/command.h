// What every command of the program `rejoin` shares: exit statuses, and how a
// command joins the command line. Told in docs/cli.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/print.h"

namespace rejoin::cli {

// The exit statuses, which scripts rely on.
enum class Exit : int {
  kOk = 0,
  kFound = 1,  // diff: they differ; doctor: something is wrong
  kUsage = 2,  // the command line is wrong
  kError = 3,  // anything else; the reason is on stderr
};

// Filled in while the command line is parsed; run afterwards.
struct Chosen {
  std::function<Result<Exit>()> run;
};

// Each adds one command, or more, to the program.
void AddTrack(CLI::App& app, Chosen& chosen);    // track, untrack
void AddStatus(CLI::App& app, Chosen& chosen);   // status, version
void AddDiff(CLI::App& app, Chosen& chosen);
void AddDoctor(CLI::App& app, Chosen& chosen);
void AddExport(CLI::App& app, Chosen& chosen);
void AddImport(CLI::App& app, Chosen& chosen);
void AddHub(CLI::App& app, Chosen& chosen);
void AddServe(CLI::App& app, Chosen& chosen);
void AddSync(CLI::App& app, Chosen& chosen);
// `program`: how the program was called, for commands to paste.
void AddDemo(CLI::App& app, Chosen& chosen, const std::string& program);

// Adds `name` to the program; its options are an `Options`, which `run` gets.
template <class Options>
std::pair<CLI::App*, Options*> AddCommand(CLI::App& app, Chosen& chosen, const char* name,
                                          const char* description, const char* example,
                                          Result<Exit> (*run)(const Options&)) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand(name, description);
  command->footer(std::string("Example:\n  ") + example + '\n');
  command->callback([&chosen, options, run] { chosen.run = [options, run] { return run(*options); }; });
  return {command, options.get()};
}

}  // namespace rejoin::cli
