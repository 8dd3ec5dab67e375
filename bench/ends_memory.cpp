// The ends of the range that can be counted: bytes held, bytes resident, calls of an upstream.
//
// Where zeroing would change no count it is off, so that counting is quick.
#include "cells.hpp"
#include "ends.hpp"

#include <allot/allocator.hpp>
#include <allot/arena.hpp>
#include <allot/base/size.hpp>
#include <allot/hooks.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/object_pool.hpp>
#include <allot/region.hpp>
#include <allot/scratch.hpp>

#include <algorithm>
#include <fstream>
#include <new>
#include <random>
#include <unistd.h>
#include <utility>
#include <vector>

namespace bench::ends {

using namespace allot;

namespace {

double in_mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(1_MiB);
}

double times(std::size_t bytes, std::size_t unit) {
  return static_cast<double>(bytes) / static_cast<double>(unit);
}

class CountingUpstream {
public:
  explicit CountingUpstream(std::size_t bound = max_size) : bound_(bound) {}
  void* allocate(std::size_t bytes, std::size_t alignment) {
    ++calls_;
    if (bytes > bound_ - held_)
      throw std::bad_alloc();
    held_ += bytes;
    most_ = std::max(most_, held_);
    return ::operator new(bytes, std::align_val_t(alignment));
  }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) {
    held_ -= bytes;
    ::operator delete(p, std::align_val_t(alignment));
  }
  [[nodiscard]] std::size_t calls() const { return calls_; } ///< that asked for memory
  [[nodiscard]] std::size_t held() const { return held_; }   ///< bytes
  [[nodiscard]] std::size_t most() const { return most_; }   ///< bytes held at any time

private:
  std::size_t bound_;
  std::size_t calls_ = 0;
  std::size_t held_ = 0;
  std::size_t most_ = 0;
};

// ------------------------------------------------------------------------------------------ growth

/// Grows one array by 4 KiB at a time: what the region holds then, and the most it ever held.
template <class Grow>
Rows growing(const Scale& scale, const std::string& by, Grow grow) {
  const std::size_t step = 4_KiB;
  const std::size_t final_size = scale.of(1024) * step;
  CountingUpstream upstream;
  Region region({.zero = false, .upstream = &upstream});
  void* p = nullptr;
  for (std::size_t size = 0; size != final_size; size += step)
    touch(p = grow(region, p, size, size + step), size);
  return {{"a buffer grown by 4 KiB to 4 MiB through " + by + ", held at the end", "x its size",
           text(times(region.capacity(), final_size)), "2"},
          {"the same, the most held at any time", "x its size",
           text(times(upstream.most(), final_size)), ""}};
}

/// Scopes whose allocations become larger: what the region holds in the end, the most it needed.
struct Temporaries {
  std::size_t held = 0;
  std::size_t needed = 0;
};

Temporaries rising_temporaries(std::size_t scopes) {
  Region region({.zero = false});
  Temporaries result;
  for (std::size_t i = 0; i != scopes; ++i) {
    const std::size_t bytes = 64 + i * (230'000 - 64) / (scopes - 1);
    const auto scope = region.scope();
    for (std::size_t n = 2 + i % 2; n != 0; --n)
      touch(region.allocate(bytes), i);
    result.needed = std::max(result.needed, region.used());
  }
  result.held = region.capacity();
  return result;
}

std::size_t held_after_spike(const RegionOptions& options) {
  Region region(options);
  const auto round = [&region](std::size_t bytes) {
    for (std::size_t left = bytes; left >= 1000; left -= 1000)
      touch(region.allocate(1000), left);
    region.reset();
  };
  round(64_MiB);
  for (int i = 0; i != 20; ++i)
    round(100'000);
  return region.capacity();
}

// A word to come, asked for as in ends_heap.cpp. The constant is not in a template, where clang 14
// would call what is consteval.
constexpr std::size_t retained = 1_MiB;

template <class Options>
concept CanRetain = requires(Options options) { options.retain = retained; };

template <class Options>
std::string held_with_retain() {
  Options options{};
  if constexpr (CanRetain<Options>) {
    options.retain = retained;
    return text(in_mebibytes(held_after_spike(options)));
  }
  return no_figure;
}

// ------------------------------------------------------------------------------------- given back

struct alignas(64) Line {
  std::byte bytes[64];
};

/// Two vectors a round, the second one aligned, which go as they came: given back as an Allocator
/// does, but taken so that a refusal can be counted.
template <class S>
Row aligned_pairs(const Scale& scale, const char* name, S strategy) {
  std::size_t refused = 0;
  for (std::size_t round = scale.of(10'000); round != 0; --round) {
    auto* const plain = static_cast<char*>(strategy.try_allocate(100, alignof(char)));
    auto* const lines = static_cast<Line*>(strategy.try_allocate(3 * sizeof(Line), alignof(Line)));
    if (lines != nullptr)
      Allocator<Line, S>(strategy).deallocate(lines, 3);
    if (plain != nullptr)
      Allocator<char, S>(strategy).deallocate(plain, 100);
    refused += (plain == nullptr ? 1U : 0U) + (lines == nullptr ? 1U : 0U);
  }
  const std::string also = refused == 0 ? "" : ", " + text(refused) + " refused";
  return {std::string("an aligned vector and another, 10,000 times, used in the end: ") + name,
          "bytes", text(strategy.used()) + also, "0"};
}

void take_and_give_back_in_reverse(Region& region) {
  Allocator<char, Region> allocator(region);
  std::vector<char*> blocks(1024);
  for (char*& p : blocks)
    touch(p = allocator.allocate(1024), 1);
  while (!blocks.empty()) {
    allocator.deallocate(blocks.back(), 1024);
    blocks.pop_back();
  }
}

/// Of what a pool held for so many objects, what it holds for the 16 that are left.
double held_after_shrinking(std::size_t count) {
  CountingUpstream upstream;
  ObjectPool<Line> pool(16, {.upstream = &upstream});
  std::vector<Line*> lines(count);
  for (Line*& line : lines)
    line = &pool.acquire();
  std::shuffle(lines.begin(), lines.end(), std::mt19937(1));
  for (Line* const line : lines)
    pool.give_back(*line);
  const std::size_t before = upstream.held();
  pool.shrink();
  return 100 * times(upstream.held(), before);
}

// -------------------------------------------------------------------------------- rounding, arenas

std::vector<std::size_t> request_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t power = 8; power <= 16_MiB; power *= 2)
    sizes.insert(sizes.end(), {power, power + 8, power / 4 * 3});
  for (const double part : {0.55, 0.35, 0.26})
    sizes.push_back(static_cast<std::size_t>(part * static_cast<double>(64_KiB)));
  return sizes;
}

/// Bytes held for each that is used, of requests of one size; 64 MiB, but not fewer than 100.
double held_for_used(const Scale& scale, std::size_t bytes) {
  Region region({.zero = false});
  for (std::size_t n = std::max(scale.of(64_MiB) / bytes, scale.of(100)); n != 0; --n)
    keep(region.allocate(bytes));
  return times(region.capacity(), region.used());
}

// ------------------------------------------------------------------------------------- used up

/// Requests of mixed sizes until one is refused, since upstream or a limit has only `bytes`: how
/// many percent of them were served, in the worst of three rounds with a reset between.
double served_of(std::size_t bytes, std::size_t largest, bool by_limit) {
  CountingUpstream upstream(by_limit ? max_size : bytes);
  Region region({.zero = false, .limit = by_limit ? bytes : max_size, .upstream = &upstream});
  std::mt19937 random(1);
  double worst = 100;
  for (int round = 0; round != 3; ++round) {
    std::size_t sum = 0;
    for (std::size_t n = 8; region.try_allocate(n) != nullptr;) {
      sum += n;
      const std::size_t most = random() % 20 == 0 ? largest : 1024;
      n = 8 + random() % (most - 7);
    }
    worst = std::min(worst, 100 * times(sum, bytes));
    region.reset();
  }
  return worst;
}

// --------------------------------------------------------------------------------------- residency

std::size_t resident_bytes() {
  std::ifstream pages("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  pages >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Not in the template either.
constexpr std::size_t array_size = 1_GiB;

template <class S>
Row zero_array(const Scale& scale, const char* name, S strategy) {
  const std::size_t bytes = scale.of(array_size);
  const std::size_t before = resident_bytes();
  keep(hooks::allocate_array<S>(&strategy, bytes, std::size_t{1}));
  const std::size_t after = resident_bytes();
  return {std::string("`hooks::allocate_array` of 1 GiB, untouched, made resident: ") + name, "MiB",
          text(in_mebibytes(after - std::min(before, after))), "about 0"};
}

} // namespace

Rows growing_rows(const Scale& scale) {
  Rows rows;
  const auto add = [&](const char* by, auto grow) {
    for (Row& row : growing(scale, by, grow))
      rows.push_back(std::move(row));
  };
  add("`Region::reallocate`", [](Region& region, void* p, std::size_t from, std::size_t to) {
    return region.reallocate(p, from, to);
  });
  add("`hooks::reallocate`", [](Region& region, void* p, std::size_t, std::size_t to) {
    return hooks::reallocate<Region>(&region, p, to);
  });
  add("`hooks::resize`", [](Region& region, void* p, std::size_t from, std::size_t to) {
    return hooks::resize<Region>(&region, p, from, to);
  });
  return rows;
}

Rows container_rows(const Scale& scale) {
  Region region;
  for (std::size_t i = scale.of(100); i != 0; --i)
    keep(std::vector<char, Allocator<char, Region>>(1_MiB, region).data());
  return {{"100 vectors of 1 MiB in a Region, one after another, held at the end", "MiB",
           text(in_mebibytes(region.capacity())), "3"}};
}

Rows temporaries_rows(const Scale& scale) {
  const Temporaries result = rising_temporaries(scale.of(3000));
  const std::size_t to_reach = 2 * result.needed + 64_KiB;
  return {{"temporaries that rise from 64 B to 230 KB in 3,000 scopes, held at the end", "MiB",
           text(in_mebibytes(result.held)), text(in_mebibytes(to_reach))},
          {"the same", "x the most used", text(times(result.held, result.needed)),
           text(times(to_reach, result.needed))}};
}

Rows spike_rows(const Scale&) {
  return {{"a round of 64 MiB, then 20 of 100 KB, held at the end", "MiB",
           text(in_mebibytes(held_after_spike({}))), ""},
          {"the same with `.retain = 1_MiB`", "MiB", held_with_retain<RegionOptions>(), "1"}};
}

Rows aligned_pair_rows(const Scale& scale) {
  return {aligned_pairs(scale, "Arena(1_MiB)", Arena(1_MiB)),
          aligned_pairs(scale, "Region", Region()),
          aligned_pairs(scale, "Scratch(1_MiB)", Scratch(1_MiB)),
          aligned_pairs(scale, "MappedArena(1_MiB)", MappedArena(1_MiB))};
}

Rows reverse_order_rows(const Scale& scale) {
  Region region;
  take_and_give_back_in_reverse(region);
  const std::size_t used = region.used();
  for (std::size_t i = scale.of(100); i > 1; --i)
    take_and_give_back_in_reverse(region);
  return {{"1 MiB in blocks of 1 KiB given back in reverse to a Region, used after it", "KiB",
           text(used / 1_KiB), "0"},
          {"the same 100 times, held at the end", "MiB", text(in_mebibytes(region.capacity())),
           "about 1"}};
}

Rows idle_rows(const Scale& scale) {
  return {{"ObjectPool, 100,000 idle at random shrunk to 16, held", "% of before",
           text(held_after_shrinking(scale.of(100'000))), "below 1"}};
}

Rows rounding_rows(const Scale& scale) {
  double worst = 0;
  std::size_t where = 0;
  for (const std::size_t bytes : request_sizes())
    if (const double held = held_for_used(scale, bytes); held > worst) {
      worst = held;
      where = bytes;
    }
  return {{"a Region for requests of one size, the worst of 69 from 8 B to 16 MiB",
           "held for each byte used", text(worst) + " (of " + text(where) + " B)", "1.33"}};
}

Rows doubling_rows(const Scale& scale) {
  CountingUpstream upstream;
  Region region(
      {.zero = false, .arena_size = 4096, .max_arena_size = 1_MiB, .upstream = &upstream});
  for (std::size_t i = scale.of(10'000); i != 0; --i)
    keep(region.allocate(5000));
  return {{"arenas that double from 4 KiB to 1 MiB, 10,000 requests of 5,000 bytes",
           "calls of upstream", text(upstream.calls()), "about 60"}};
}

Rows served_rows(const Scale&) {
  const auto row = [](const char* of, double served, const char* to_reach = "85") {
    return Row{std::string("three rounds of requests of 8 to 1,024 B, ") + of +
                   ", served before one is refused, the worst",
               "%", text(served), to_reach};
  };
  return {row("a Region over an upstream of 1 MiB", served_of(1_MiB, 1_KiB, false)),
          row("one over 256 KiB", served_of(256_KiB, 1_KiB, false)),
          row("one over 1 MiB, each 20th of up to 60 KiB", served_of(1_MiB, 60_KiB, false), ""),
          row("one with a limit of 1 MiB", served_of(1_MiB, 1_KiB, true))};
}

Rows resident_rows(const Scale& scale) {
  return {zero_array(scale, "MappedArena(2_GiB)", MappedArena(2 * array_size)),
          zero_array(scale, "Region", Region())};
}

} // namespace bench::ends
