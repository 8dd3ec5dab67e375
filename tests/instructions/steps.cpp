// steps N OPERATION...: what steps.sh counts the instructions of, each done N times among N others,
// then 4 N times.
#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <vector>

namespace {

using namespace allot;

void require(bool holds) {
  if (!holds)
    std::abort();
}

// Blocks freed oldest first by a hook that is told no size: each header must be found.
void hooks_free(std::size_t n) {
  Region region({.arena_size = 4096, .max_arena_size = 4096});
  std::vector<void*> blocks(n);
  for (void*& p : blocks)
    p = hooks::allocate<Region>(&region, 256);
  for (void* const p : blocks)
    hooks::deallocate<Region>(&region, p);
}

// The newest allocation made smaller below checkpoints that all kept more of it.
void shrink(std::size_t n) {
  Arena arena(granule * (n + 1));
  void* const p = arena.allocate(granule * (n + 1));
  for (std::size_t i = 0; i != n; ++i)
    arena.checkpoint();
  for (std::size_t i = n; i != 0; --i)
    require(arena.try_resize(p, granule * (i + 1), granule * i));
}

void restore(std::size_t n) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  for (std::size_t i = 0; i != n; ++i) {
    region.checkpoint();
    (void)region.allocate(300);
  }
  for (std::size_t i = 0; i != n; ++i)
    region.restore();
  require(region.empty());
}

void nest(Scratch& scratch, std::size_t n) {
  const auto scope = scratch.scope();
  (void)scratch.allocate(8);
  if (n > 1)
    nest(scratch, n - 1);
}
void scopes(std::size_t n) {
  Scratch scratch(granule * n);
  nest(scratch, n);
}

void pop_across_marks(std::size_t n) {
  Stack stack(granule * n);
  for (std::size_t i = 0; i != n; ++i) {
    stack.push(i);
    (void)stack.mark();
  }
  for (std::size_t i = 0; i != n; ++i)
    (void)stack.pop(sizeof i);
}

// What has an arena of its own, freed oldest first.
void free_large(std::size_t n) {
  Region region({.arena_size = 64, .max_arena_size = 64});
  std::vector<void*> blocks(n);
  for (void*& p : blocks)
    p = region.allocate(128);
  for (void* const p : blocks)
    require(region.try_resize(p, 128, 0));
  require(region.capacity() == 0);
}

// Aligned and other blocks, over many arenas, freed newest first.
void free_newest(std::size_t n) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  std::vector<void*> blocks(n);
  for (std::size_t i = 0; i != n; ++i)
    blocks[i] = region.allocate(24, i % 2 == 0 ? 64 : 8);
  for (std::size_t i = n; i-- != 0;)
    require(region.try_resize(blocks[i], 24, 0));
  require(region.empty());
}

void owns(std::size_t n) {
  Region region({.arena_size = 512, .max_arena_size = 512});
  std::vector<void*> blocks(n);
  for (void*& p : blocks)
    p = region.allocate(400);
  for (void* const p : blocks)
    require(region.owns(p));
}

// Growing step by step what has an arena of its own.
void regrow(std::size_t n) {
  Region region({.arena_size = 64, .max_arena_size = 64});
  void* p = region.allocate(8 * n);
  for (std::size_t i = n; i != 2 * n; ++i)
    p = region.reallocate(p, 8 * i, 8 * (i + 1));
}

void reset(std::size_t n) {
  Region region({.zero = false, .arena_size = 64, .max_arena_size = 64});
  for (std::size_t i = 0; i != n; ++i)
    (void)region.allocate(64);
  region.reset();
}

// Objects looked up by index behind as many whose constructor failed after it had made others.
struct Failing {
  Failing(TypedArena<Failing>& arena, bool fails) {
    if (fails) {
      arena.create(arena, false);
      throw fails;
    }
  }
};
void find_behind_holes(std::size_t n) {
  TypedArena<Failing> arena(2 * n + 1);
  arena.create(arena, false);
  for (std::size_t i = 0; i != n; ++i)
    try {
      arena.create(arena, true);
    } catch (bool) { // a hole
    }
  for (std::size_t i = 0; i != n; ++i)
    (void)arena.at(2 * i + 2);
}

// At its limit, and every slab but one without a free block.
void multipool_refused(std::size_t n) {
  Multipool pool({.zero = false, .limit = 64_KiB * (n + 1)});
  while (pool.try_allocate(32_KiB) != nullptr) {
  }
  for (std::size_t i = 0; i != n; ++i)
    require(pool.try_allocate(32_KiB) == nullptr && pool.try_allocate(64) == nullptr);
}

// The one block that is free, of a slab among n that have none.
void multipool_last(std::size_t n) {
  Multipool pool({.zero = false, .limit = 64_KiB * (n + 1)});
  std::vector<void*> blocks;
  while (void* const p = pool.try_allocate(1024))
    blocks.push_back(p);
  for (std::size_t i = 0; i != n; ++i) {
    void*& p = blocks[i * (blocks.size() / n)];
    pool.deallocate(p);
    p = pool.try_allocate(1024);
    require(p != nullptr);
  }
}

// One that is longer by little than the n free runs there are, which lie between single slabs, and
// then one of them.
void multipool_runs(std::size_t n) {
  constexpr std::size_t slab = 64_KiB;
  Multipool pool({.zero = false, .reserve = slab * (6 * n + 4)});
  std::vector<void*> runs;
  for (std::size_t i = 0; i != n; ++i) {
    runs.push_back(pool.allocate(slab * (4 + i % 3)));
    (void)pool.allocate(slab);
  }
  while (pool.try_allocate(slab) != nullptr) {
  }
  for (void* const p : runs)
    pool.deallocate(p);
  for (std::size_t i = 0; i != n; ++i) {
    require(pool.try_allocate(7 * slab) == nullptr);
    pool.deallocate(pool.allocate(slab * (4 + i % 3)));
  }
}

// Idle objects, given back in no order, of which few are kept.
void pool_trim(std::size_t n) {
  ObjectPool<std::size_t> pool(0);
  std::vector<std::size_t*> objects(n);
  for (std::size_t*& p : objects)
    p = &pool.acquire();
  for (std::size_t i = 0; i != n; ++i)
    pool.give_back(*objects[i * 7919 % n]); // a prime that divides no n
  pool.trim(16);
  require(pool.available() == (n < 16 ? n : 16));
}

struct Operation {
  const char* name;
  void (*run)(std::size_t n);
};
constexpr Operation operations[] = {{"hooks_free", hooks_free},
                                    {"shrink", shrink},
                                    {"restore", restore},
                                    {"scopes", scopes},
                                    {"pop_across_marks", pop_across_marks},
                                    {"free_large", free_large},
                                    {"free_newest", free_newest},
                                    {"owns", owns},
                                    {"regrow", regrow},
                                    {"reset", reset},
                                    {"find_behind_holes", find_behind_holes},
                                    {"multipool_refused", multipool_refused},
                                    {"multipool_last", multipool_last},
                                    {"multipool_runs", multipool_runs},
                                    {"pool_trim", pool_trim}};

} // namespace

// callgrind counts what each call of it does.
extern "C" [[gnu::noinline]] void counted(const Operation& operation, std::size_t n) {
  operation.run(n);
}

int main(int count, char** arguments) {
  for (int i = 2; i < count; ++i) {
    const auto* const operation =
        std::find_if(std::begin(operations), std::end(operations),
                     [&](const Operation& o) { return std::strcmp(arguments[i], o.name) == 0; });
    if (operation == std::end(operations))
      return 2;
    const std::size_t n = std::strtoull(arguments[1], nullptr, 10);
    counted(*operation, n);
    counted(*operation, 4 * n);
  }
}
