// The command `allot record` where there is no recorder: it says so.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "../command.hpp"
#include "record.hpp"

int record::run(const Options&, const std::vector<std::string>&) {
  std::fputs("allot: record: " ALLOT_RECORD_MISSING "\n", stderr);
  return exit_code::unusable;
}

Command add_record(CLI::App& allot, const std::vector<std::string>& program) {
  CLI::App* const app = allot.add_subcommand("record", "Not in this build: " ALLOT_RECORD_MISSING);
  return {app, [&program] { return record::run({}, program); }};
}
