#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

Progress::Progress() : next_(Clock::now() + 1s), visible_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (width_ != 0)
    fmt::print(stderr, "\r{:{}}\r", "", width_);
}

void Progress::show(std::string_view phase) {
  if (!visible_ || Clock::now() < next_)
    return;
  next_ = Clock::now() + 100ms;
  const std::string line = fmt::format("allot: {} ...", phase);
  fmt::print(stderr, "\r{:{}}", line, width_);
  width_ = std::max(width_, line.size());
}
