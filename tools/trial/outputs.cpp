#include "outputs.hpp"

#include <iterator>
#include <utility>

#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>

namespace trial {
namespace {

std::string ending_in_words(int status) {
  return WIFSIGNALED(status)
             ? fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
             : fmt::format("exit code {}", WEXITSTATUS(status));
}

} // namespace

Outputs::Outputs(Run first, std::function<Run()> again)
    : first_(std::move(first)), again_(std::move(again)) {
  run_again();
  if (WIFSIGNALED(first_.ending.status))
    remark("as it is, the program is ended by " + ending_in_words(first_.ending.status));
  else if (WEXITSTATUS(first_.ending.status) != 0)
    remark("as it is, the program ends with " + ending_in_words(first_.ending.status));
}

bool Outputs::same(std::size_t aspect, const Run& run) const {
  switch (aspect) {
  case 0:
    return run.ending.status == first_.ending.status;
  case 1:
    return same_contents(run.out, first_.out);
  default:
    return same_contents(run.err, first_.err);
  }
}

void Outputs::run_again() {
  const Run run = again_();
  for (std::size_t i = 0; i < std::size(aspects_); ++i)
    if (aspects_[i].compared && !same(i, run)) {
      aspects_[i].compared = false;
      remark(fmt::format("{} differs from run to run, and was not compared", aspects_[i].name));
    }
}

std::string Outputs::difference(const Run& run) {
  constexpr int doubts = 3; // a program may seldom differ from itself
  for (std::size_t i = 0; i < std::size(aspects_); ++i) {
    if (!aspects_[i].compared || same(i, run))
      continue;
    for (int n = 0; n < doubts && aspects_[i].compared; ++n)
      run_again();
    if (!aspects_[i].compared)
      continue;
    std::string what = fmt::format("{} is not the same", aspects_[i].name);
    if (i == 0)
      what += fmt::format(": {} instead of {}", ending_in_words(run.ending.status),
                          ending_in_words(first_.ending.status));
    return what;
  }
  return {};
}

void Outputs::expect_same(const Run& run, const std::string& with) {
  if (const std::string what = difference(run); !what.empty())
    throw Worthless(with + ", " + what);
}

bool Outputs::differs(const Run& run) {
  return !difference(run).empty();
}

} // namespace trial
