// The ends of the range that only a time tells, beside the time of something else: both are
// repeated in one run, in random order, and the ratio is that of their medians.
#include "cells.hpp"
#include "ends.hpp"

#include <allot/arena.hpp>
#include <allot/base/size.hpp>
#include <allot/block_pool.hpp>
#include <allot/bump.hpp>
#include <allot/hooks.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/multipool.hpp>
#include <allot/region.hpp>
#include <allot/scratch.hpp>
#include <allot/slot_arena.hpp>
#include <allot/stack.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <random>
#include <span>
#include <utility>

namespace bench::ends {

using namespace allot;

std::chrono::nanoseconds processor_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

namespace {

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// How many times as long `work` takes as `beside`.
double ratio(int repetitions, const Timed& work, const Timed& beside) {
  std::minstd_rand random;
  std::vector<double> times[2];
  for (int i = 0; i != repetitions; ++i) {
    const bool first = random() % 2 == 0; // or who comes second would always find a warm cache
    for (const bool beside_now : {first, !first})
      times[beside_now].push_back(beside_now ? beside() : work());
  }
  return median(std::move(times[0])) / median(std::move(times[1]));
}

/// How many times as long four times as many take: 4 where each takes as long.
template <class Work>
double growth(const Scale& scale, std::size_t n, Work work) {
  const std::size_t few = scale.of(n);
  return ratio(
      scale.repetitions(15), [=] { return work(4 * few); }, [=] { return work(few); });
}

// -------------------------------------------------------------------------------------- first use

/// `use` makes a strategy that zeroes, or not, asks it for little, and lets it go.
template <class Use>
Row first_use(const Scale& scale, const char* name, Use use) {
  const auto batch = [use](bool zero) {
    return seconds([&] {
      for (int i = 0; i != 50; ++i)
        use(zero);
    });
  };
  const double times = ratio(
      scale.repetitions(101), [=] { return batch(true); }, [=] { return batch(false); });
  return {std::string("first use, ") + name, "x `.zero = false`", text(times), "1.2"};
}

template <class S>
void allocate_little(S strategy) {
  touch(strategy.allocate(100), 1);
}

void push_little(Stack stack) {
  const std::array<std::byte, 96> value{};
  touch(stack.push(std::span<const std::byte>(value)).data(), 1);
}

// ------------------------------------------------------------------------------------------ trees

struct Node {
  Node* left = nullptr;
  Node* right = nullptr;
};

Node* grow_tree(Region& region, int depth) {
  Node* const node = region.create<Node>();
  if (depth != 0) {
    node->left = grow_tree(region, depth - 1);
    node->right = grow_tree(region, depth - 1);
  }
  return node;
}

std::size_t nodes_below(const Node* node) {
  return node->left == nullptr ? 1 : 1 + nodes_below(node->left) + nodes_below(node->right);
}

void one_tree(Region& region, int depth) {
  const Node* const tree = grow_tree(region, depth);
  keep(tree);
  if (nodes_below(tree) != (std::size_t{2} << depth) - 1)
    std::abort();
}

struct Own { ///< each tree has a region that is made for it
  void tree(int depth) {
    Region region;
    one_tree(region, depth);
  }
};
struct Shared { ///< all have one in turn
  void tree(int depth) {
    one_tree(region, depth);
    region.reset();
  }
  Region region;
};

/// The program of the benchmarks game: many trees of each depth beside one that lives on.
template <class Trees>
double plant(int from, int to) {
  return seconds([=] {
    Trees trees;
    trees.tree(to + 1);
    Region long_lived;
    one_tree(long_lived, to);
    for (int depth = from; depth <= to; depth += 2)
      for (std::size_t i = std::size_t{1} << (14 - depth + 4); i != 0; --i)
        trees.tree(depth);
  });
}

Row trees(const Scale& scale, const char* what, int from, int to) {
  const double times = ratio(
      scale.repetitions(31), [=] { return plant<Own>(from, to); },
      [=] { return plant<Shared>(from, to); });
  return {what, "x one region, reset", text(times), "1.3"};
}

// ----------------------------------------------------------------------- frees, checkpoints, marks

double free_oldest_first(std::size_t n, bool sized) {
  Region region;
  std::vector<void*> blocks(n);
  for (void*& p : blocks) {
    p = sized ? hooks::resize<Region>(&region, nullptr, 0, 64)
              : hooks::allocate<Region>(&region, std::size_t{64});
    touch(p, 1);
  }
  return seconds([&] {
    for (void* const p : blocks)
      if (sized)
        keep(hooks::resize<Region>(&region, p, 64, 0));
      else
        hooks::deallocate<Region>(&region, p);
  });
}

// The checkpoints are made after the allocation, so that all of them stand above what is left.
double shrink_under_checkpoints(std::size_t n) {
  std::size_t bytes = granule * (n + 1);
  Arena arena(bytes);
  void* const p = arena.allocate(bytes);
  for (std::size_t i = 0; i != n; ++i)
    arena.checkpoint();
  return seconds([&] {
    for (; bytes != granule; bytes -= granule)
      if (!arena.try_resize(p, bytes, bytes - granule))
        std::abort();
  });
}

double pop_all(std::size_t n, bool marks) {
  Stack stack(granule * n);
  for (std::size_t i = 0; i != n; ++i) {
    stack.push(i);
    if (marks)
      (void)stack.mark();
  }
  return seconds([&] {
    for (std::size_t i = 0; i != n; ++i)
      keep(stack.pop(sizeof i).data());
  });
}

// One round takes some microseconds: too few for a clock.
double pop_all_often(std::size_t n, bool marks) {
  double sum = 0;
  for (int i = 0; i != 20; ++i)
    sum += pop_all(n, marks);
  return sum;
}

// --------------------------------------------------------------------------------- large objects

/// Grows what is at `p`, all of it written, by a third in `grow`, which is timed.
template <class Grow>
double grow_written(void* p, std::size_t bytes, Grow grow) {
  for (std::size_t at = 0; at < bytes; at += 4096)
    touch(static_cast<std::byte*>(p) + at, at);
  return seconds([&] { keep(grow(p, bytes + bytes / 3)); });
}

double grow_in_pool(std::size_t bytes) {
  Multipool pool({.zero = false});
  void* const p = pool.allocate(bytes);
  keep(pool.allocate(1_MiB)); // in the way
  return grow_written(p, bytes,
                      [&](void* q, std::size_t more) { return pool.reallocate(q, more); });
}

double grow_in_heap(std::size_t bytes) {
  void* grown = nullptr;
  const double time = grow_written(std::malloc(bytes), bytes, [&](void* q, std::size_t more) {
    return grown = std::realloc(q, more);
  });
  std::free(grown);
  return time;
}

} // namespace

Rows first_use_rows(const Scale& scale) {
  return {
      first_use(scale, "Arena(64_KiB)",
                [](bool zero) { allocate_little(Arena(64_KiB, {.zero = zero})); }),
      first_use(scale, "Bump(64_KiB)",
                [](bool zero) { allocate_little(Bump(64_KiB, {.zero = zero})); }),
      first_use(scale, "Region()", [](bool zero) { allocate_little(Region({.zero = zero})); }),
      first_use(scale, "Scratch(1_MiB)",
                [](bool zero) { allocate_little(Scratch(1_MiB, {.zero = zero})); }),
      first_use(scale, "Stack(64_KiB)",
                [](bool zero) { push_little(Stack(64_KiB, {.zero = zero})); }),
      first_use(scale, "MappedArena(1_MiB)",
                [](bool zero) { allocate_little(MappedArena(1_MiB, {.zero = zero})); }),
      first_use(scale, "SlotArena(64, 1024)",
                [](bool zero) { touch(SlotArena(64, 1024, {.zero = zero}).allocate().ptr, 1); }),
      first_use(scale, "BlockPool(64, 1024)",
                [](bool zero) { touch(BlockPool(64, 1024, {.zero = zero}).allocate(), 1); }),
      first_use(scale, "Multipool()",
                [](bool zero) { allocate_little(Multipool({.zero = zero})); }),
  };
}

Rows tree_rows(const Scale& scale) {
  const int deepest = scale.quick ? 6 : 14;
  return {trees(scale, "binary trees of depths 4 to 14, a region a tree", 4, deepest),
          trees(scale, "the same, of depth 4 alone", 4, 4)};
}

Rows hook_free_rows(const Scale& scale) {
  const auto by = [&scale](bool sized) {
    return text(growth(scale, 100'000, [=](std::size_t n) { return free_oldest_first(n, sized); }));
  };
  return {{"400,000 blocks freed oldest first by `hooks::deallocate<Region>`", "x 100,000",
           by(false), "about 4"},
          {"the same by `hooks::resize<Region>`, which is told the size", "x 100,000", by(true),
           "about 4"}};
}

Rows checkpoint_rows(const Scale& scale) {
  return {{"an Arena's allocation below 40,000 checkpoints made smaller 40,000 times", "x 10,000",
           text(growth(scale, 10'000, shrink_under_checkpoints)), "about 4"}};
}

Rows mark_rows(const Scale& scale) {
  const std::size_t n = scale.of(10'000);
  const double beside = ratio(
      scale.repetitions(51), [=] { return pop_all_often(n, true); },
      [=] { return pop_all_often(n, false); });
  const double grown =
      growth(scale, 10'000, [](std::size_t marks) { return pop_all_often(marks, true); });
  return {{"a Stack's pop that crosses a mark", "x one that crosses none", text(beside), "below 3"},
          {"40,000 pops that cross a mark each", "x 10,000", text(grown), "about 4"}};
}

Rows large_growth_rows(const Scale& scale) {
  const std::size_t bytes = scale.of(384) * 1_MiB;
  return {{"an object of 384 MiB, written to, grown to 512 past another: Multipool", "x glibc's",
           text(ratio(
               scale.repetitions(9), [=] { return grow_in_pool(bytes); },
               [=] { return grow_in_heap(bytes); })),
           "below 2"}};
}

} // namespace bench::ends
