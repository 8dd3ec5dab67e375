#include "report.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "data.hpp"
#include "page.hpp"

namespace report {

void write_report(const std::string& path, const advise::Inputs& inputs,
                  const advise::Advice& advice, const std::string& trial) {
  const Trial found = trial.empty() ? Trial() : Trial(trial, inputs.trace.program(), advice);
  const std::string data = data_json(inputs, advice, found);

  std::FILE* const out = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  bool failed = out == nullptr;
  for (const std::string_view part : {page().before, std::string_view(data), page().after})
    failed = failed || std::fwrite(part.data(), 1, part.size(), out) != part.size();
  failed = failed || std::fflush(out) != 0;
  const int error = errno;
  if (out != nullptr && out != stdout)
    std::fclose(out);
  if (failed)
    throw std::system_error(error, std::generic_category(), path);
}

} // namespace report
