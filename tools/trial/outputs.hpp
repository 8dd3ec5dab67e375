// Whether the program does each time what it did at first.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "runs.hpp"

namespace trial {

/// What a trial says is worth nothing, as the program does something else in it; the text says why.
class Worthless : public std::runtime_error {
  using runtime_error::runtime_error;
};

class Outputs {
public:
  /// `again` runs the program once more as it is: that is done at once, and when something differs,
  /// to see whether it differs from itself. What does isn't compared from then on.
  Outputs(Run first, std::function<Run()> again);

  /// Throws Worthless, also std::system_error. `with` is a part of its text.
  void expect_same(const Run& run, const std::string& with);
  bool differs(const Run& run);

  void remark(std::string sentence) { remarks_.push_back(std::move(sentence)); }
  /// Sentences for the user.
  const std::vector<std::string>& remarks() const { return remarks_; }

private:
  struct Aspect {
    const char* name;
    bool compared;
  };
  bool same(std::size_t aspect, const Run& run) const;
  /// Notes in what it differs from itself.
  void run_again();
  /// What differs, in words; empty if nothing does.
  std::string difference(const Run& run);

  Run first_;
  std::function<Run()> again_;
  Aspect aspects_[3] = {{"how the program ends", true},
                        {"what it writes to standard output", true},
                        {"what it writes to standard error", true}};
  std::vector<std::string> remarks_;
};

} // namespace trial
