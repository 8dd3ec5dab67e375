// Limits of the process, for tests of what the system refuses. Linux only.
#pragma once

#include "support.hpp"

#include <fstream>
#include <string>

#include <sys/resource.h>

namespace test {

/// Lowers a limit of the process while it lives.
class Limit {
public:
  Limit(__rlimit_resource which, rlim_t value) : which_(which), value_(value) {
    getrlimit(which_, &before_);
    const rlimit lower{value, before_.rlim_max};
    setrlimit(which_, &lower);
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() { setrlimit(which_, &before_); }
  [[nodiscard]] bool is_set() const {
    rlimit now{};
    getrlimit(which_, &now);
    return now.rlim_cur == value_;
  }

private:
  __rlimit_resource which_;
  rlim_t value_;
  rlimit before_{};
};

/// Whether memory can be limited: Valgrind does not pass limits on, QEMU ignores them.
inline bool limits_memory() {
  rlimit now{};
  getrlimit(RLIMIT_DATA, &now);
  return !under_valgrind() && Limit(RLIMIT_DATA, now.rlim_cur - 1).is_set();
}

/// What RLIMIT_DATA counts.
inline std::size_t private_writable_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmData:") {
      std::size_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes * 1024;
    }
  return 0;
}

} // namespace test
