// The ends of the range of what gives blocks back: pools, a Multipool, typed arenas, and the
// resources of std::pmr, counted, but for what is found behind many holes.
#include "cells.hpp"
#include "ends.hpp"

#include <allot/base/size.hpp>
#include <allot/multipool.hpp>
#include <allot/pmr.hpp>
#include <allot/typed_arena.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench::ends {

using namespace allot;

namespace {

// ---------------------------------------------------------------------------------- a typed arena

/// An object that makes one behind it and fails, if it is told to, leaves a hole.
struct Failing {
  Failing() = default;
  Failing(TypedArena<Failing>& arena, bool fails) {
    if (fails) {
      arena.create();
      throw std::runtime_error("a hole");
    }
  }
  std::size_t value[2] = {};
};

/// Seconds of finding the first object behind `holes` holes, often.
double finding(std::size_t holes) {
  TypedArena<Failing> arena(2 * holes + 2);
  arena.create();
  for (std::size_t i = 0; i != holes; ++i)
    try {
      arena.create(arena, true);
    } catch (const std::runtime_error&) {
    }
  return seconds([&arena] {
    for (int i = 0; i != 20'000; ++i)
      keep(&arena.at(0));
  });
}

// ------------------------------------------------------------------------------------ a Multipool

struct Memory {
  std::size_t addresses;
  std::size_t resident;
};

Memory memory_of_process() {
  std::ifstream pages("/proc/self/statm");
  Memory memory{};
  pages >> memory.addresses >> memory.resident;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {memory.addresses * page, memory.resident * page};
}

/// Small pools, each with a few blocks in use: resident bytes of each; how many there were before
/// the system refused one.
struct Pools {
  std::size_t count;
  std::size_t bytes;
};

Pools many_multipools(std::size_t count) {
  const std::size_t before = memory_of_process().resident;
  std::vector<Multipool> pools;
  pools.reserve(count);
  try {
    while (pools.size() != count) {
      Multipool& pool = pools.emplace_back(MultipoolOptions{.zero = false});
      for (std::size_t i = 0; i != 10; ++i)
        touch(pool.allocate(64), i);
    }
  } catch (const std::bad_alloc&) {
  }
  return {pools.size(), (memory_of_process().resident - before) / pools.size()};
}

/// Whether a pool of 16 MiB serves a block while the process may have just 256 MiB of addresses
/// more than it has.
bool fits_under_a_limit() {
  rlimit old{};
  getrlimit(RLIMIT_AS, &old);
  const rlimit narrow{memory_of_process().addresses + 256_MiB, old.rlim_max};
  setrlimit(RLIMIT_AS, &narrow);
  bool fits = true;
  try {
    Multipool pool(MultipoolOptions{.limit = 16_MiB});
    touch(pool.allocate(64), 1);
  } catch (const std::bad_alloc&) {
    fits = false;
  }
  setrlimit(RLIMIT_AS, &old);
  return fits;
}

/// Bytes that objects of `bytes`, 4 MiB of them or one, take of a limit, for each asked for.
double limit_taken(std::size_t bytes) {
  Multipool pool({.zero = false});
  const std::size_t count = std::max(std::size_t{1}, 4_MiB / bytes);
  for (std::size_t i = 0; i != count; ++i)
    keep(pool.allocate(bytes));
  return static_cast<double>(pool.committed()) / static_cast<double>(count * bytes);
}

// ------------------------------------------------------------------------------------ std::pmr

/// The part of 1 MiB that a resource over it served when it refused, at sizes from 8 to 1,024.
template <class Resource>
double served(std::size_t available, std::uint64_t seed) {
  std::vector<std::byte> memory(available);
  std::pmr::monotonic_buffer_resource upstream(memory.data(), memory.size(),
                                               std::pmr::null_memory_resource());
  Resource pools(&upstream);
  std::size_t bytes = 0;
  try {
    for (std::uint64_t state = seed;;) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      const std::size_t size = 8 + (state >> 33) % 1017;
      touch(pools.allocate(size, 8), size);
      bytes += size;
    }
  } catch (const std::bad_alloc&) {
  }
  return 100.0 * static_cast<double>(bytes) / static_cast<double>(available);
}

template <class Resource>
Row served_row(const Scale& scale, const char* name, std::size_t available, const char* bound) {
  std::vector<double> runs;
  for (std::uint64_t seed = 1; seed <= (scale.quick ? 3U : 20U); ++seed)
    runs.push_back(served<Resource>(available, seed));
  return {"random sizes of 8 to 1,024 from " + text(available / 1_KiB) + " KiB and nothing else, " +
              name + ", served; the lowest of 20 runs",
          "%", text(*std::min_element(runs.begin(), runs.end())), bound};
}

class Held : public std::pmr::memory_resource {
public:
  std::size_t bytes = 0;

private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    bytes += size;
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* p, std::size_t size, std::size_t alignment) override {
    bytes -= size;
    std::pmr::new_delete_resource()->deallocate(p, size, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

template <class Resource>
concept Trims = requires(Resource& resource) { resource.trim(); };

template <class Resource>
Row trim_row(const Scale& scale, const char* name) {
  Held upstream;
  Resource pools(&upstream);
  std::vector<void*> blocks(scale.of(100'000));
  for (void*& p : blocks)
    touch(p = pools.allocate(64, 8), 1);
  const std::size_t most = upstream.bytes;
  for (void* p : blocks)
    pools.deallocate(p, 64, 8);
  if constexpr (Trims<Resource>)
    pools.trim();
  return {std::string("100,000 blocks, all given back, then `trim`, ") + name + ", kept", "%",
          text(100.0 * static_cast<double>(upstream.bytes) / static_cast<double>(most)), "0"};
}

} // namespace

Rows hole_rows(const Scale& scale) {
  const std::size_t holes = scale.of(40'000);
  std::vector<double> runs;
  for (int i = 0; i != scale.repetitions(11); ++i)
    runs.push_back(finding(holes) / finding(holes / 4));
  std::sort(runs.begin(), runs.end());
  return {{"`TypedArena::at` behind 40,000 holes; x behind 10,000", "", text(runs[runs.size() / 2]),
           "about 1"}};
}

Rows multipool_rows(const Scale& scale) {
  const Pools pools = many_multipools(scale.of(10'000));
  std::size_t worst = 0;
  double most = 0;
  for (std::size_t bytes = 4_KiB; bytes <= 16_MiB; bytes += bytes / 16 + 1)
    if (const double taken = limit_taken(bytes); taken > most) {
      most = taken;
      worst = bytes;
    }
  return {{"10,000 small Multipools at once; how many there were", "", text(pools.count), "10000"},
          {"the same, resident of each", "KiB",
           text(static_cast<double>(pools.bytes) / static_cast<double>(1_KiB)), "64"},
          {"a Multipool of 16 MiB where 256 MiB of addresses are left", "",
           fits_under_a_limit() ? "served" : "refused", "served"},
          {"objects of a Multipool, the worst of sizes from 4 KiB to 16 MiB; held for each byte",
           "", text(most) + " (of " + text(worst) + " B)", "1.33"}};
}

Rows pool_resource_rows(const Scale& scale) {
  using Unsynchronized = pmr::unsynchronized_pool_resource;
  using Synchronized = pmr::synchronized_pool_resource;
  Rows rows;
  for (const std::size_t available : {1_MiB, 256_KiB}) {
    rows.push_back(served_row<std::pmr::unsynchronized_pool_resource>(
        scale, "the standard's unsynchronized_pool_resource", available, ""));
    rows.push_back(served_row<Unsynchronized>(scale, "unsynchronized_pool_resource", available,
                                              available == 1_MiB ? "85" : ""));
    rows.push_back(served_row<Synchronized>(scale, "synchronized_pool_resource", available,
                                            available == 1_MiB ? "85" : ""));
  }
  rows.push_back(trim_row<Unsynchronized>(scale, "unsynchronized_pool_resource"));
  rows.push_back(trim_row<Synchronized>(scale, "synchronized_pool_resource"));
  return rows;
}

} // namespace bench::ends
