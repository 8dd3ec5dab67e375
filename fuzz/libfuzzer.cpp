// libFuzzer's way into the driver that is linked with it.
#include "model.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  model::operations().clear();
  model::Input input(bytes, count);
  model::Driver::first()->run(input);
  return 0;
}
