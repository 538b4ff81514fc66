// The program `rejoin`.
#include <cstdio>
#include <exception>
#include <iostream>

#include "base/version.h"
#include "cli/command.h"

namespace rejoin::cli {
namespace {

constexpr char kDescription[] =
    "Rejoin " REJOIN_VERSION ": SQLite tables that are written apart and become one again.";
constexpr char kFooter[] =
    "Exit status: 0 done, 1 diff or doctor found something, 2 wrong command line, 3 error.\n"
    "`rejoin COMMAND --help` tells more, with an example. --json prints for scripts.";

int Fails(const Error& error) {
  std::cout.flush();
  std::cerr << "rejoin: " << error.message << '\n';
  return static_cast<int>(Exit::kError);
}

int Main(int count, const char* const* arguments) {
  CLI::App app(kDescription, "rejoin");
  app.footer(kFooter);
  app.set_version_flag("--version", REJOIN_VERSION " (" REJOIN_COMMIT ")");
  app.require_subcommand(1);
  Chosen chosen;
  AddTrack(app, chosen);
  AddStatus(app, chosen);
  AddDiff(app, chosen);
  AddDoctor(app, chosen);
  AddExport(app, chosen);
  AddImport(app, chosen);
  AddHub(app, chosen);
  AddServe(app, chosen);
  AddSync(app, chosen);
  AddDemo(app, chosen, arguments[0]);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& problem) {
    const bool asked = app.exit(problem) == 0;  // --help, --version
    return static_cast<int>(asked ? Exit::kOk : Exit::kUsage);
  }
  const Result<Exit> done = chosen.run();
  if (!done) return Fails(done.error());
  if (!std::cout.flush()) return Fails({Code::kIo, "cannot write to the standard output"});
  return static_cast<int>(*done);
}

}  // namespace
}  // namespace rejoin::cli

int main(int count, char** arguments) {
  try {
    return rejoin::cli::Main(count, arguments);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "rejoin: %s\n", fault.what());
    return static_cast<int>(rejoin::cli::Exit::kError);
  }
}
