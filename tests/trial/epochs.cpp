// A program to try: it does one thing, by its name, beside allocating in epochs.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace {

constexpr int epochs = 3000;
constexpr std::size_t blocks_of_epoch = 20;

[[gnu::noinline]] void* get(std::size_t bytes) {
  void* p = std::malloc(bytes);
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

// Blocks that die together.
[[gnu::noinline]] void handle(int number) {
  void* blocks[blocks_of_epoch];
  for (std::size_t i = 0; i < blocks_of_epoch; ++i) {
    blocks[i] = get(16 + (i * 7 + static_cast<std::size_t>(number)) % 40);
    *static_cast<volatile char*>(blocks[i]) = 1;
  }
  for (void* const block : blocks)
    std::free(block);
}

[[gnu::noinline]] bool is_under_trial() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  bool found = false;
  for (char line[4096]; std::fgets(line, sizeof line, maps) != nullptr;)
    found = found || std::strstr(line, "liballot_trial.so") != nullptr;
  std::fclose(maps);
  return found;
}

long bytes_of_input() {
  long n = 0;
  while (std::getchar() != EOF)
    ++n;
  return n;
}

} // namespace

int main(int count, char** arguments) {
  const char* const what = count > 1 ? arguments[1] : "";
  for (int i = 0; i < epochs; ++i)
    handle(i);
  if (std::strcmp(what, "input") == 0)
    std::printf("%ld bytes\n", bytes_of_input());
  else if (std::strcmp(what, "process") == 0)
    std::printf("%d\n", static_cast<int>(::getpid()));
  else if (std::strcmp(what, "looks") == 0)
    std::printf("%s\n", is_under_trial() ? "watched" : "alone");
  else if (std::strcmp(what, "aborts") == 0 && is_under_trial())
    std::abort();
  std::puts("done");
  return std::strcmp(what, "fails") == 0 ? 3 : 0;
}
