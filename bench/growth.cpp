// An array that grows, alone or beside others: in place where the allocator can, moved where not.
#include "bump_runs.hpp"

#include <cstring>
#include <vector>

namespace bench {

namespace growth {

constexpr std::size_t largest = 64 * 1024;

// Each `grow` gives the array's place after it went from `from` to `to` bytes; a `from` of 0 starts
// it. `drop` takes it back.

struct IdealArray {
  static constexpr const char* name = "ideal";
  void* grow(void* p, std::size_t from, std::size_t to) {
    if (to - from > static_cast<std::size_t>(ideal.end - ideal.head)) [[unlikely]]
      Ideal::refuse();
    std::byte* const start = from == 0 ? ideal.head : static_cast<std::byte*>(p);
    ideal.head = start + to;
    return start;
  }
  void drop(void*) { ideal.reset(); }
  Ideal ideal{Need{1, largest}};
};

struct NoArray {
  static constexpr const char* name = "loop";
  void* grow(void*, std::size_t, std::size_t) { return Nothing::place; }
  void drop(void*) {}
};

template <class Strategy>
struct OurArray {
  static constexpr const char* name = name_of<Strategy>;
  void* grow(void* p, std::size_t from, std::size_t to) { return strategy.reallocate(p, from, to); }
  void drop(void*) { strategy.reset(); }
  Strategy strategy = make<Strategy>(largest, false);
};

template <class Malloc>
struct MallocArray {
  static constexpr const char* name = Malloc::name;
  void* grow(void* p, std::size_t, std::size_t to) { return Malloc::reallocate(p, to); }
  void drop(void* p) { Malloc::deallocate(p); }
};
template <std::derived_from<Absent> Malloc>
struct MallocArray<Malloc> : Absent {};

struct PmrArray {
  static constexpr const char* name = PmrMonotonic::name;
  void* grow(void* p, std::size_t from, std::size_t to) {
    void* const moved = monotonic.allocate(to);
    if (from != 0)
      std::memcpy(moved, p, from);
    return moved;
  }
  void drop(void*) { monotonic.reset(); }
  PmrMonotonic monotonic{Need{1, 2 * largest}};
};

#ifdef ALLOT_BENCH_TALLOC
struct TallocArray {
  static constexpr const char* name = "talloc";
  void* grow(void* p, std::size_t, std::size_t to) { return talloc_realloc_size(nullptr, p, to); }
  void drop(void* p) { talloc_free(p); }
};
#else
struct TallocArray : Absent {};
#endif

// Doubles from 16 bytes to 64 KiB, and writes what each step added.
template <class Array>
class Doubling final : public Runner {
public:
  Doubling() { Doubling::round(); }
  void round() override {
    void* p = nullptr;
    for (std::size_t from = 0, to = 16; to <= largest; from = to, to *= 2) {
      p = array_.grow(p, from, to);
      auto* const words = static_cast<std::uint64_t*>(p);
      for (std::size_t i = from / 8; i != to / 8; ++i)
        words[i] = i;
      touch(p, to);
    }
    array_.drop(p);
  }

private:
  Array array_;
};

// Adds 64 bytes at a time up to 64 KiB, and writes to each.
template <class Array>
class Stepping final : public Runner {
public:
  Stepping() { Stepping::round(); }
  void round() override {
    void* p = nullptr;
    for (std::size_t from = 0; from != largest; from += step) {
      p = array_.grow(p, from, from + step);
      touch(static_cast<std::byte*>(p) + from, from);
    }
    array_.drop(p);
  }
  static constexpr std::size_t step = 64;

private:
  Array array_;
};

// The loop has no array to step through.
template <>
void Stepping<NoArray>::round() {
  for (std::size_t from = 0; from != largest; from += step)
    touch(array_.grow(nullptr, from, from + step), from);
}

template <template <class> class Run>
void add_contestants(Workload& workload) {
  workload.add<Run, IdealArray>(Role::floor, {});
  workload.add<Run, OurArray<allot::Bump>>(Role::ours, {});
  workload.add<Run, OurArray<allot::Arena>>(Role::ours, {});
  workload.add<Run, OurArray<allot::MappedArena>>(Role::ours, {});
  workload.add_peers<Run, MallocArray<Glibc>, MallocArray<Mimalloc>, MallocArray<Jemalloc>,
                     MallocArray<Tcmalloc>, MallocArray<TbbMalloc>, TallocArray>();
}

} // namespace growth

std::vector<Workload> growth_workloads() {
  using namespace growth;
  Workload doubling{.name = "array, doubling",
                    .text = "an array doubled from 16 bytes to 64 KiB, filled as it grows",
                    .operation = "element of 8 bytes",
                    .operations = largest / 8,
                    .counted = false};
  add_contestants<Doubling>(doubling);
  doubling.add_peers<Doubling, PmrArray>();

  Workload stepping{.name = "array, by 64 B",
                    .text = "an array grown 64 bytes at a time to 64 KiB",
                    .operation = "growth",
                    .operations = largest / Stepping<NoArray>::step};
  stepping.add<Stepping, NoArray>(Role::loop, {});
  add_contestants<Stepping>(stepping);

  std::vector<Workload> result;
  result.push_back(std::move(doubling));
  result.push_back(std::move(stepping));
  return result;
}

} // namespace bench
