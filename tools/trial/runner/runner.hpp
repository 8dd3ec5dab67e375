// What the runner tells of the program that it ran.
#pragma once

#include <cstdint>

namespace trial {

struct Ending {
  std::int32_t error;  ///< an errno: the program could not be started; else 0
  std::int32_t status; ///< as wait() has it
  std::uint64_t processor_us;
  std::uint64_t peak_bytes; ///< resident, of the largest of the program and what it waited for
};

} // namespace trial
