// A line on a terminal that tells how far long work has come.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

class Progress {
public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Clears the line.
  ~Progress();

  /// Shows it once a second have passed, and not where standard error is no terminal.
  void show(std::string_view phase);

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_;
  bool visible_;
  std::size_t width_ = 0;
};
