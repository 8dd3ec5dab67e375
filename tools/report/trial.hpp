// What a trial found, read for a report.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <rapidjson/document.h>

#include "../advise/advice.hpp"
#include "../trace/reader.hpp"

namespace report {

/// A text that is no trial's JSON, or one of another program. Says what is wrong with it, without
/// the file's name.
class TrialError : public std::runtime_error {
  using runtime_error::runtime_error;
};

class Trial {
public:
  /// No trial.
  Trial() = default;
  /// Reads what `allot trial --json` or `allot advise --json` wrote about the recorded program.
  /// Throws TrialError.
  Trial(const std::string& text, const trace::Program& program, const advise::Advice& advice);

  /// Null where there was none.
  const rapidjson::Value& json() const { return json_; }
  /// Where in the JSON's "advice" an entry's trial is; -1: it had none.
  int of_entry(std::size_t entry) const { return entry < of_entry_.size() ? of_entry_[entry] : -1; }

private:
  void match(const advise::Advice& advice);

  rapidjson::Document json_;
  std::vector<int> of_entry_;
};

} // namespace report
