// What is decided by chance in the market: the same numbers in every run.
#pragma once

#include <cstdint>

class Random {
public:
  /// From 0 up to `bound`, which is not among them.
  std::uint64_t below(std::uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ >> 8) % bound;
  }

private:
  std::uint64_t state_ = 88172645463325252;
};
