// A program for debuggers: makes every strategy, prints the pictures that it draws itself, and
// stops where they all live.
#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/draw.hpp>

#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace allot;

struct Point {
  int x = 0;
  int y = 0;
};
struct Owner {
  int number = 0;
  ~Owner() {} // NOLINT(modernize-use-equals-default)
};
struct Node {
  Node() = default;
  Node(TypedArena<Node>& arena, bool fails) : value(7) {
    arena.create();
    if (fails)
      throw 1; // NOLINT(hicpp-exception-baseclass)
  }
  long long value = 1;
};

template <class S>
void show(const char* name, const S& strategy) {
  std::cout << "== " << name << "\n" << draw(strategy, {.width = 80});
}

extern "C" {
[[gnu::noinline]] void everything_lives() {
  asm volatile("");
}
}

int main() {
  alignas(64) std::byte rubbish[8192]; // no strategy is larger
  std::memset(rubbish, 0xA5, sizeof rubbish);

  Bump bump(1024);
  (void)bump.allocate(100);

  Arena arena(4096, {.name = "request"});
  (void)arena.allocate(600);
  arena.create<Owner>()->number = 41;
  (void)arena.allocate(8, 1024);
  (void)arena.checkpoint();
  auto many = arena.create_array<Owner>(2);
  many[1].number = 43;
  (void)arena.try_resize(arena.allocate(700), 700, 0);

  Scratch scratch(4096, {.name = "gr\xC3\xBC\xC3\x9F \xE4\xBD\xA0 \x1B"});
  (void)scratch.allocate(500);
  (void)scratch.checkpoint();
  const auto scope = scratch.scope();
  (void)scratch.allocate(300);

  Region region({.arena_size = 1024, .max_arena_size = 4096});
  (void)region.checkpoint();
  for (int i = 0; i != 9; ++i)
    (void)region.allocate(500, 64);
  (void)region.allocate(9000);
  (void)region.checkpoint();
  {
    const auto inner = region.scope();
    for (int i = 0; i != 9; ++i)
      (void)region.allocate(500);
  }
  region.create<Owner>()->number = 44;
  Region long_region({.arena_size = 1024, .max_arena_size = 1024});
  for (int i = 0; i != 20; ++i)
    (void)long_region.allocate(1000);

  MappedArena mapped_arena(1_MiB * 1024);
  (void)mapped_arena.allocate(300'000);
  (void)mapped_arena.checkpoint();
  (void)mapped_arena.commit(150'000);

  Stack stack(256);
  (void)stack.push(1);
  const Marker marker = stack.mark();
  (void)stack.push(std::string_view("what the mark is there to take back"));
  const auto stack_scope = stack.scope();
  (void)stack.push(2.5);

  BlockPool block_pool(48, 10);
  BlockPool any(48, 5000, {.order = Order::any, .name = "nodes"});
  BlockPool first_free(48, 200);
  for (BlockPool* const pool : {&block_pool, &any, &first_free}) {
    std::vector<void*> blocks(pool->capacity() / 2);
    pool->allocate_many(blocks);
    for (std::size_t i = 1; i < blocks.size(); i += 3)
      pool->deallocate(blocks[i]);
  }

  SlotArena slot_arena(24, 100);
  for (int i = 0; i != 37; ++i)
    (void)slot_arena.allocate();

  TypedArena<Node> typed_arena(12);
  typed_arena.create();
  typed_arena.create(typed_arena, false);
  try {
    typed_arena.create(typed_arena, true);
  } catch (int) {
  }
  const auto handle = typed_arena.handle(1);

  ObjectPool<Point> object_pool(10);
  std::vector<Point*> taken;
  for (int i = 0; i != 20; ++i) {
    taken.push_back(&object_pool.acquire());
    taken.back()->x = i;
  }
  for (std::size_t i = 2; i != 18; ++i)
    object_pool.give_back(*taken[i]);
  const auto lease = object_pool.lease();

  Multipool multipool({.reserve = 64_MiB});
  for (int i = 0; i != 900; ++i)
    (void)multipool.allocate(64);
  void* const gone = multipool.allocate(150'000);
  (void)multipool.allocate(200'000);
  multipool.deallocate(gone);

  Arena moved(1024);
  const Arena other = std::move(moved);
  const Allocator<int, Arena> allocator(arena);
  const Buffer buffer = Buffer::heap(4096);

  show("bump", bump);
  show("arena", arena);
  show("scratch", scratch);
  show("region", region);
  show("long_region", long_region);
  show("mapped_arena", mapped_arena);
  show("stack", stack);
  show("block_pool", block_pool);
  show("any", any);
  show("first_free", first_free);
  show("slot_arena", slot_arena);
  show("typed_arena", typed_arena);
  show("object_pool", object_pool);
  show("multipool", multipool);
  show("moved", moved); // NOLINT(bugprone-use-after-move)
  std::cout.flush();
  everything_lives();
  (void)marker;
  (void)handle;
  (void)lease;
  (void)allocator;
  (void)buffer;
}
