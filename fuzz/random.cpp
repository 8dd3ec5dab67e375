// allot_models NAME [OPERATIONS [SEED]] runs a driver on random bytes until it has done so many
// operations; allot_models --list names the drivers.
#include "model.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

int main(int argc, char** argv) {
  const bool lists = argc == 2 && std::strcmp(argv[1], "--list") == 0;
  const model::Driver* driver = model::Driver::first();
  for (; driver != nullptr; driver = driver->next) {
    if (lists)
      std::puts(driver->name);
    else if (argc > 1 && std::strcmp(driver->name, argv[1]) == 0)
      break;
  }
  if (lists)
    return 0;
  if (driver == nullptr) {
    std::fputs("usage: allot_models --list | NAME [OPERATIONS [SEED]]\n", stderr);
    return 2;
  }
  const unsigned long long wanted = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100000;
  std::mt19937_64 random(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);

  const auto start = std::chrono::steady_clock::now();
  unsigned long long operations = 0;
  unsigned long long executions = 0;
  for (; operations < wanted; ++executions) {
    std::array<std::uint64_t, 512> words;
    for (std::uint64_t& word : words)
      word = random();
    model::operations().clear();
    model::Input input(reinterpret_cast<const std::uint8_t*>(words.data()),
                       static_cast<std::size_t>(random() % (sizeof words + 1)));
    driver->run(input);
    operations += model::operations().size();
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s: %llu operations in %llu executions, %.1f s\n", driver->name, operations,
              executions, seconds.count());
}
