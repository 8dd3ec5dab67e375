// allot_trial_probe MODE STRATEGY: what a pair of getting and giving back a block takes here, in
// nanoseconds of the processor. MODE is `malloc`, which a trial may route, or `hand`, which calls
// the strategy as a change in the source would; STRATEGY is `region` or `pool`. With MODE `where`
// it prints, as an offset in its file, the return address of the call that asks for blocks.
#include <allot/block_pool.hpp>
#include <allot/region.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <link.h>
#include <time.h>

namespace {

constexpr std::size_t blocks_of_epoch = 64;
constexpr std::size_t epochs = 400; // timed at once
constexpr std::size_t block_bytes = 64;

// Behind pointers, so that the call that is measured is the very one whose address is told.
void* (*volatile request)(std::size_t) = std::malloc;
void (*volatile release)(void*) = std::free;

std::uintptr_t caller = 0;
void* note_caller(std::size_t) {
  caller = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  return nullptr;
}

[[gnu::noinline]] void* request_block(std::size_t bytes) {
  void* const block = request(bytes);
  asm volatile("" : : : "memory"); // no tail call: it is this function that is the caller
  return block;
}

double processor_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void touch(void* block) {
  *static_cast<volatile char*>(block) = 1;
}

struct Malloc {
  void* get(std::size_t bytes) { return request_block(bytes); }
  void give(void* block) { release(block); }
  void end_epoch() {}
};

struct HandRegion {
  allot::Region region{{.zero = false}};
  void* get(std::size_t bytes) { return region.allocate(bytes); }
  void give(void*) {}
  void end_epoch() { region.reset(); }
};

struct HandPool {
  allot::BlockPool pool{block_bytes, 4096, {.zero = false, .order = allot::Order::any}};
  void* get(std::size_t) { return pool.allocate(); }
  void give(void* block) { pool.deallocate(block); }
  void end_epoch() {}
};

/// Blocks of some sizes come, and then go, over and over.
void live_in_epochs(auto& memory) {
  static constexpr std::array<std::size_t, 8> sizes{32, 24, 64, 16, 48, 32, 80, 40};
  std::array<void*, blocks_of_epoch> blocks;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = memory.get(sizes[i % sizes.size()]);
      touch(blocks[i]);
    }
    for (void* const block : blocks)
      memory.give(block);
    memory.end_epoch();
  }
}

/// As many blocks of one size live all the time; the next one takes the place of any of them.
void live_in_any_order(auto& memory) {
  std::array<void*, 1024> blocks{};
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < epochs * blocks_of_epoch; ++i) {
    random = random * 1664525 + 1013904223;
    void*& block = blocks[random >> 22];
    if (block != nullptr)
      memory.give(block);
    block = memory.get(block_bytes);
    touch(block);
  }
  for (void* const block : blocks)
    if (block != nullptr)
      memory.give(block);
}

double median_ns(auto& memory, auto work) {
  std::array<double, 15> times;
  for (double& time : times) {
    const double begin = processor_ns();
    work(memory);
    time = (processor_ns() - begin) / (epochs * blocks_of_epoch);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

double measure(bool by_hand, bool pool) {
  Malloc malloc;
  const auto any_order = [](auto& memory) { live_in_any_order(memory); };
  const auto in_epochs = [](auto& memory) { live_in_epochs(memory); };
  if (!by_hand)
    return pool ? median_ns(malloc, any_order) : median_ns(malloc, in_epochs);
  if (pool) {
    HandPool memory;
    return median_ns(memory, any_order);
  }
  HandRegion memory;
  return median_ns(memory, in_epochs);
}

std::uintptr_t offset_of_caller() {
  request = note_caller;
  request_block(1);
  static std::uintptr_t bias = 0;
  ::dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void*) { // the first is this program
        bias = program->dlpi_addr;
        return 1;
      },
      nullptr);
  return caller - bias;
}

} // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  if (mode == "where")
    return std::printf("%zx\n", offset_of_caller()) < 0;
  const std::string_view strategy = count > 2 ? arguments[2] : "";
  if ((mode != "malloc" && mode != "hand") || (strategy != "region" && strategy != "pool"))
    return 2;
  return std::printf("%.3f\n", measure(mode == "hand", strategy == "pool")) < 0;
}
