// pictures [--compare FILE]: prints what allot::draw shows of each strategy in a small program, and
// that program, or fails if FILE says otherwise. docs/pictures.md is that output.
#include <allot/allot.hpp>
#include <allot/draw.hpp>
#include <allot/pmr.hpp>
#include <allot/print.hpp>

#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace allot;

namespace {

void show(std::ostream& out, const char* strategy, const char* story, const Drawing& drawing) {
  out << "\n## " << strategy << "\n\n" << story << "\n\n```\n" << drawing << "```\n";
}

constexpr DrawOptions page{.width = 90};

void show_bump(std::ostream& out) {
  Bump bump(1024);
  for (const std::size_t bytes : {16u, 8u, 40u, 200u})
    (void)bump.allocate(bytes);
  show(out, "Bump", "Four allocations, of 16, 8, 40 and 200 bytes.", draw(bump, page));
}

struct Owner {
  ~Owner() {} // NOLINT(modernize-use-equals-default)
  long long values[4] = {};
};

void show_arena(std::ostream& out) {
  alignas(512) std::byte memory[4096];
  Arena arena(Buffer::borrowed(memory), {.name = "request"});
  (void)arena.allocate(600);
  (void)arena.allocate(1000, 512);
  (void)arena.checkpoint();
  (void)arena.create<Owner>();
  (void)arena.allocate(800);
  (void)arena.try_resize(arena.allocate(700), 700, 0);
  show(out, "Arena",
       "600 bytes, then 1000 at a multiple of 512, a checkpoint, an object and 800 bytes more; "
       "another\n700 were given back.",
       draw(arena, page));
}

void show_scratch(std::ostream& out) {
  Scratch scratch(4096, {.name = "line"});
  (void)scratch.allocate(500);
  (void)scratch.checkpoint();
  (void)scratch.allocate(900);
  (void)scratch.checkpoint();
  const auto scope = scratch.scope();
  (void)scratch.allocate(300);
  (void)scratch.checkpoint();
  (void)scratch.allocate(1500);
  scratch.restore();
  show(out, "Scratch", "Two checkpoints and a scope, which is open; 1500 bytes more were restored.",
       draw(scratch, page));
}

void show_region(std::ostream& out) {
  Region region({.arena_size = 4096, .max_arena_size = 16384, .name = "document"});
  for (int i = 0; i != 9; ++i)
    (void)region.allocate(1000);
  (void)region.checkpoint();
  (void)region.allocate(9000);
  (void)region.allocate(20000);
  {
    const auto scope = region.scope();
    for (int i = 0; i != 9; ++i)
      (void)region.allocate(1000);
  }
  show(out, "Region",
       "9 times 1000 bytes, a checkpoint, 9000 bytes, and 20000, which have an arena of their own. "
       "9 times\n1000 more came and went with a scope: their arena is spare.",
       draw(region, page));
}

void show_mapped_arena(std::ostream& out) {
  MappedArena arena(1_MiB * 1024 * 1024);
  (void)arena.allocate(300'000);
  (void)arena.commit(150'000);
  show(out, "MappedArena", "1 TiB is reserved, 300,000 bytes are used, 150,000 more committed.",
       draw(arena, page));
}

void show_stack(std::ostream& out) {
  Stack stack(256);
  (void)stack.push(1);
  (void)stack.push(std::string_view("an operand"));
  (void)stack.mark();
  (void)stack.push(std::string_view("what the mark is there to take back"));
  (void)stack.mark();
  (void)stack.push(2.5);
  (void)stack.pop(8);
  show(out, "Stack", "A number, text, a mark, text, a mark; another number was popped.",
       draw(stack, page));
}

void show_block_pool(std::ostream& out) {
  BlockPool few(48, 10);
  std::vector<void*> blocks(7);
  few.allocate_many(blocks);
  few.deallocate(blocks[1]);
  few.deallocate(blocks[4]);
  show(out, "BlockPool", "Of 10 blocks 7 were allocated; the second and the fifth are free again.",
       draw(few, page));
  BlockPool many(48, 20'000, {.name = "nodes"});
  std::vector<void*> nodes(6000);
  many.allocate_many(nodes);
  for (std::size_t i = 0; i != nodes.size(); ++i)
    if (i >= 3000 || (i >= 1000 && i % 7 == 0))
      many.deallocate(nodes[i]);
  out << "\nOf 20,000 blocks 6000 were allocated; free again are every seventh from 1000 on, and "
         "all from\n3000 on. Here a column is several blocks.\n\n```\n"
      << draw(many, page) << "```\n";
}

void show_slot_arena(std::ostream& out) {
  SlotArena arena(24, 100);
  for (int i = 0; i != 37; ++i)
    (void)arena.allocate();
  show(out, "SlotArena", "37 of 100 slots.", draw(arena, page));
}

// Makes another of its kind, and fails then, if it is told to.
struct Node {
  Node() = default;
  Node(TypedArena<Node>& arena, bool fails) {
    arena.create();
    if (fails)
      throw 1; // NOLINT(hicpp-exception-baseclass)
  }
  long long values[3] = {};
};

void show_typed_arena(std::ostream& out) {
  TypedArena<Node> arena(12);
  arena.create();
  arena.create(arena, false);
  try {
    arena.create(arena, true);
  } catch (int) {
  }
  show(out, "TypedArena",
       "Constructors that make other objects in the arena: the one that failed after it left a "
       "hole.",
       draw(arena, page));
}

void show_object_pool(std::ostream& out) {
  struct Connection {
    long long state[5] = {};
  };
  ObjectPool<Connection> pool(10);
  std::vector<Connection*> taken;
  for (int i = 0; i != 6; ++i)
    taken.push_back(&pool.acquire());
  pool.give_back(*taken[1]);
  pool.give_back(*taken[2]);
  pool.give_back(*taken[5]);
  const auto lease = pool.lease();
  show(out, "ObjectPool",
       "Six objects were made; three were given back, of which one is leased now.",
       draw(pool, page));
}

void show_multipool(std::ostream& out) {
  Multipool pool({.reserve = 64_MiB});
  std::vector<void*> blocks;
  for (int i = 0; i != 900; ++i)
    blocks.push_back(pool.allocate(64));
  for (int i = 0; i != 20; ++i)
    blocks.push_back(pool.allocate(1024));
  void* const gone = pool.allocate(150'000);
  blocks.push_back(pool.allocate(200'000));
  pool.deallocate(gone);
  show(out, "Multipool",
       "900 blocks of 64 bytes, 20 of 1 KiB and a large object; another large one was freed, and "
       "its "
       "slabs\nare kept.",
       draw(pool, page));
}

void show_resources(std::ostream& out) {
  pmr::unsynchronized_pool_resource resource;
  std::vector<void*> blocks;
  for (int i = 0; i != 100; ++i)
    blocks.push_back(resource.allocate(40, 8));
  for (int i = 0; i != 60; ++i)
    resource.deallocate(blocks[static_cast<std::size_t>(i)], 40, 8);
  show(out, "Resources",
       "A `pmr::unsynchronized_pool_resource` with 100 blocks of which 40 are left.",
       draw(resource, page));
}

void show_table(std::ostream& out) {
  Arena request(64_KiB, {.name = "request"});
  (void)request.allocate(450);
  BlockPool nodes(48, 1000, {.name = "nodes"});
  std::vector<void*> blocks(5);
  nodes.allocate_many(blocks);
  nodes.deallocate(blocks[0]);
  MappedArena table(1_MiB * 1024);
  (void)table.allocate(300'000);
  out << "\n## Several at once\n\n`allot::print(std::cout, request, nodes, table)`, from "
         "`<allot/print.hpp>`:\n\n```\n";
  print(out, request, nodes, table);
  out << "```\n";
}

std::string document() {
  std::ostringstream out;
  out << "# Pictures of live memory\n\n"
         "`#include <allot/draw.hpp>`: `std::cout << allot::draw(strategy)` shows a strategy's "
         "memory "
         "as it is,\nto scale, and `allot::draw(strategy).svg()` the same as SVG. Written by "
         "`allot_pictures`, and compared\nby a test.\n";
  show_bump(out);
  show_arena(out);
  show_scratch(out);
  show_region(out);
  show_mapped_arena(out);
  show_stack(out);
  show_multipool(out);
  show_block_pool(out);
  show_slot_arena(out);
  show_typed_arena(out);
  show_object_pool(out);
  show_resources(out);
  show_table(out);
  return out.str();
}

} // namespace

int main(int count, char** arguments) {
  const std::string drawn = document();
  if (count != 3 || std::string_view(arguments[1]) != "--compare") {
    std::cout << drawn;
    return 0;
  }
  std::ifstream file(arguments[2]);
  const std::string kept((std::istreambuf_iterator<char>(file)), {});
  if (kept == drawn)
    return 0;
  std::cerr << arguments[2] << " does not show what the strategies do; this does:\n" << drawn;
  return 1;
}
