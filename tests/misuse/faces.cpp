#include "common.hpp"

#include <allot/allocator.hpp>
#include <allot/pmr.hpp>

#include <memory_resource>

namespace misuse {

using allot::Allocator;
using allot::Arena;
using allot::BlockPool;
using allot::Multipool;
using allot::Region;
using allot::Resource;
using allot::StaticAllocator;

namespace {

// A container that outlives a reset of a strategy that frees nothing singly.
template <class S, auto... size>
Case outlived(const std::string& strategy_name) {
  return {"allocator.free_after_reset_of_" + strategy_name,
          "a container that outlives a reset of its " + strategy_name,
          "reported(foreign_pointer) allocator: 64 bytes at %p are not allocated by this strategy",
          [] {
            S strategy(size...);
            std::vector<int, Allocator<int, S>> numbers(16, 7, strategy);
            (void)about(numbers.data());
            strategy.reset();
          }};
}

// Of the two pool resources.
template <class R>
Cases of_pools(const std::string& owner) {
  const std::string name = "pmr." + owner.substr(0, owner.find('_'));
  const std::string foreign =
      "reported(foreign_pointer) " + owner + ": %p was not handed out by this resource";
  const std::string double_free =
      "reported(double_free) " + owner + ": the block at %p is free already";
  return {
      {name + ".null_upstream", "a null upstream",
       "Misuse(null_pointer) " + owner + ": a null resource was given",
       [] { R(static_cast<std::pmr::memory_resource*>(nullptr)); }},
      {name + ".alignment_24", "an alignment that is no power of two",
       "Misuse(bad_alignment) " + owner + ": alignment 24 is not a power of two",
       [] {
         R resource;
         (void)resource.allocate(8, hidden(24));
       }},
      {name + ".free_foreign", "giving back memory of others", foreign,
       [] {
         R resource;
         (void)resource.allocate(64);
         const auto others = std::make_unique<char[]>(64);
         resource.deallocate(about(others.get()), 64);
       }},
      {name + ".free_of_another", "giving back another resource's block", foreign,
       [] {
         R one;
         R other;
         (void)other.allocate(64);
         other.deallocate(about(one.allocate(64)), 64);
       }},
      {name + ".free_after_release", "giving back a block after release", foreign,
       [] {
         R resource;
         void* const p = resource.allocate(64);
         resource.release();
         resource.deallocate(about(p), 64);
       }},
      {name + ".free_interior", "giving back the inside of a block",
       "reported(misaligned_pointer) " + owner + ": %p lies 8 bytes into a block, not at its start",
       [] {
         R resource;
         resource.deallocate(about(static_cast<char*>(resource.allocate(64)) + 8), 64);
       }},
      {name + ".double_free", "giving back a block twice", double_free,
       [] {
         R resource;
         void* const p = resource.allocate(64);
         resource.deallocate(p, 64);
         resource.deallocate(about(p), 64);
       }},
      {name + ".double_free_later", "the same with others between", double_free,
       [] {
         R resource;
         void* const p = resource.allocate(64);
         void* const second = resource.allocate(64);
         resource.deallocate(p, 64);
         resource.deallocate(second, 64);
         (void)resource.allocate(64);
         resource.deallocate(about(p), 64);
       }},
      {name + ".double_free_of_large", "giving back twice what came from upstream", foreign,
       [] {
         R resource;
         void* const p = resource.allocate(10000000);
         resource.deallocate(p, 10000000);
         resource.deallocate(about(p), 10000000);
       }},
      {name + ".wrong_size", "giving back a block with another size",
       "reported(bad_size) " + owner +
           ": 128 bytes aligned to 16 given back at %p, where a block of 64 was asked for "
           "otherwise",
       [] {
         R resource;
         resource.deallocate(about(resource.allocate(64)), 128);
       }},
      {name + ".wrong_size_of_class", "the same with a size of the same class",
       "reported(bad_size) " + owner +
           ": 63 bytes aligned to 16 given back at %p, where a block of 64 was asked for "
           "otherwise",
       [] {
         R resource;
         resource.deallocate(about(resource.allocate(64)), 63);
       }},
      {name + ".write_past", "writing one byte past a block", poisoned,
       [] {
         R resource;
         char* const p = fill(resource.allocate(61), 61);
         fill(resource.allocate(61), 61);
         touch(p + 61);
       }},
      {name + ".write_before", "writing one byte before a block", poisoned,
       [] {
         R resource;
         fill(resource.allocate(64), 64);
         touch(fill(resource.allocate(64), 64) - 1);
       }},
      {name + ".write_after_free", "writing to a block that was given back", poisoned,
       [] {
         R resource;
         char* const p = fill(resource.allocate(64), 64);
         resource.deallocate(p, 64);
         touch(p);
       }},
      {name + ".write_after_release", "writing to what a release freed", freed,
       [] {
         R resource;
         char* const p = fill(resource.allocate(64), 64);
         resource.release();
         touch(p);
       }},
      {name + ".right_use", "", "nothing",
       [] {
         R resource;
         for (int round = 0; round != 3; ++round) {
           std::vector<std::pair<void*, std::size_t>> blocks;
           for (std::size_t bytes : Sizes{0, 1, 8, 13, 64, 1000, 64, 30000, 10000000})
             blocks.emplace_back(fill(resource.allocate(bytes), bytes), bytes);
           for (const auto& [p, bytes] : blocks)
             resource.deallocate(p, bytes);
           fill(resource.allocate(100), 100);
           resource.release();
         }
       }},
  };
}

const Cases allocators = {
    {"allocator.array_of_blocks", "a vector in a block pool",
     "Exhausted(no_room) allocator: 2 objects of 4 bytes aligned to 4 asked, a block holds one of "
     "at most 8 aligned to 8",
     [] {
       BlockPool pool(8, 10);
       (void)Allocator<int, BlockPool>(pool).allocate(2);
     }},
    {"allocator.object_too_large", "an object larger than a block",
     "Exhausted(no_room) allocator: 1 objects of 24 bytes aligned to 8 asked, a block holds one of "
     "at most 8 aligned to 8",
     [] {
       struct Large {
         void* words[3];
       };
       BlockPool pool(8, 10);
       (void)Allocator<Large, BlockPool>(pool).allocate(1);
     }},
    {"allocator.product_overflows", "more objects than a size can hold",
     "Exhausted(no_room) arena: 18446744073709551615 bytes asked, 4096 of 4096 left",
     [] {
       Arena arena(4096);
       (void)Allocator<int, Arena>(arena).allocate(hidden(SIZE_MAX / 4 + 2));
     }},
    {"allocator.used_after_release", "a container whose strategy was released",
     "Misuse(released) arena: used after release",
     [] {
       Arena arena(4096);
       std::vector<int, Allocator<int, Arena>> numbers(arena);
       arena.release();
       numbers.push_back(7);
     }},
    {"allocator.free_foreign", "giving back memory of others",
     "reported(foreign_pointer) block_pool: %p was not handed out by this pool of 10 blocks",
     [] {
       BlockPool pool(8, 10);
       const auto others = std::make_unique<int>();
       Allocator<int, BlockPool>(pool).deallocate(about(others.get()), 1);
     }},
    {"allocator.double_free", "giving back a block twice",
     "reported(double_free) multipool: the block of 8 bytes at %p is free already",
     [] {
       Multipool pool;
       Allocator<int, Multipool> allocator(pool);
       int* const p = allocator.allocate(1);
       allocator.deallocate(p, 1);
       allocator.deallocate(about(p), 1);
     }},
    {"allocator.wrong_size", "giving back a block with another size",
     "reported(bad_size) multipool: the block of 8 bytes at %p is not one for 400 aligned to 4",
     [] {
       Multipool pool;
       Allocator<int, Multipool> allocator(pool);
       allocator.deallocate(about(allocator.allocate(1)), 100);
     }},
    {"allocator.free_after_reset", "a container that outlives a reset of its pool",
     "reported(double_free) multipool: the block of 8 bytes at %p is free already",
     [] {
       Multipool pool;
       std::vector<int, Allocator<int, Multipool>> numbers({7, 8}, pool);
       (void)about(numbers.data());
       pool.reset();
     }},
    outlived<allot::Arena, 4096>("arena"),
    outlived<allot::Bump, 4096>("bump"),
    outlived<allot::Scratch, 4096>("scratch"),
    outlived<allot::Region>("region"),
    outlived<allot::MappedArena, 4096>("mapped_arena"),
    {"allocator.free_after_reset_named", "the same of one with a name",
     "reported(foreign_pointer) allocator \"request\": 64 bytes at %p are not allocated by this "
     "strategy",
     [] {
       Arena arena(4096, {.name = "request"});
       std::vector<int, Allocator<int, Arena>> numbers(16, 7, arena);
       (void)about(numbers.data());
       arena.reset();
     }},
    {"allocator.static_free_after_reset", "a container on a static strategy that was reset",
     "reported(foreign_pointer) allocator: 64 bytes at %p are not allocated by this strategy",
     [] {
       static Arena arena(4096);
       std::vector<int, StaticAllocator<int, arena>> numbers(16, 7);
       (void)about(numbers.data());
       arena.reset();
     }},
    {"allocator.static_free_after_reset_of_multipool", "the same on a Multipool",
     "reported(double_free) multipool: the block of 64 bytes at %p is free already",
     [] {
       static Multipool pool;
       std::vector<int, StaticAllocator<int, pool>> numbers(16, 7);
       (void)about(numbers.data());
       pool.reset();
     }},
    {"allocator.static_used_after_release", "a container on a static strategy that was released",
     "Misuse(released) arena: used after release",
     [] {
       static Arena arena(4096);
       std::vector<int, StaticAllocator<int, arena>> numbers;
       arena.release();
       numbers.push_back(7);
     }},
    {"resource.free_after_reset_of_region",
     "a std::pmr container that outlives a reset of its region",
     "reported(foreign_pointer) resource: 64 bytes at %p are not allocated by this strategy",
     [] {
       Region region;
       Resource resource(region);
       std::pmr::vector<int> numbers(16, 7, &resource);
       (void)about(numbers.data());
       region.reset();
     }},
    {"allocator.write_past", "writing behind a container's newest element", poisoned,
     [] {
       Arena arena(4096);
       std::vector<int, Allocator<int, Arena>> numbers({7, 8, 9}, arena);
       touch(numbers.data() + numbers.size());
     }},
    {"allocator.write_after_growth", "writing to an element that moved as its vector grew",
     poisoned,
     [] {
       Multipool pool;
       std::vector<int, Allocator<int, Multipool>> numbers({7, 8, 9}, pool);
       int* const first = numbers.data();
       numbers.resize(1000);
       touch(first);
     }},
    {"allocator.right_use", "", "nothing",
     [] {
       Multipool pool;
       Region region;
       std::vector<int, Allocator<int, Multipool>> in_pool(pool);
       std::vector<int, Allocator<int, Region>> in_region(region);
       for (int i = 0; i != 1000; ++i) {
         in_pool.push_back(i);
         in_region.push_back(i);
       }
     }},
};

const Cases resources = {
    {"pmr.resource.too_large", "more than a block asked of a block pool",
     "Exhausted(no_room) resource: 9 bytes aligned to 8 asked of blocks of 8 aligned to 8",
     [] {
       BlockPool pool(8, 10);
       (void)Resource(pool).allocate(9, 8);
     }},
    {"pmr.resource.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) arena: alignment 24 is not a power of two",
     [] {
       Arena arena(4096);
       (void)Resource(arena).allocate(8, hidden(24));
     }},
    {"pmr.resource.used_after_release", "a strategy that was released",
     "Misuse(released) arena: used after release",
     [] {
       Arena arena(4096);
       Resource resource(arena);
       std::pmr::vector<int> numbers(&resource);
       arena.release();
       numbers.push_back(7);
     }},
    {"pmr.resource.free_foreign", "giving back memory of others to an arena",
     "reported(foreign_pointer) resource: 64 bytes at %p are not allocated by this strategy",
     [] {
       Arena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       Resource(arena).deallocate(about(others.get()), 64);
     }},
    {"pmr.resource.free_foreign_block", "giving back memory of others to a block pool",
     "reported(foreign_pointer) block_pool: %p was not handed out by this pool of 10 blocks",
     [] {
       BlockPool pool(64, 10);
       const auto others = std::make_unique<char[]>(64);
       Resource(pool).deallocate(about(others.get()), 64);
     }},
    {"pmr.resource.double_free", "giving back a block twice",
     "reported(double_free) block_pool: block 0 at %p is free already",
     [] {
       BlockPool pool(64, 10);
       Resource resource(pool);
       void* const p = resource.allocate(64);
       resource.deallocate(p, 64);
       resource.deallocate(about(p), 64);
     }},
    {"pmr.resource.wrong_size", "giving back more than a block",
     "reported(bad_size) resource: 65 bytes aligned to 16 given back to blocks of 64 aligned to 64",
     [] {
       BlockPool pool(64, 10);
       Resource resource(pool);
       resource.deallocate(resource.allocate(64), 65);
     }},
    {"pmr.monotonic.null_upstream", "a null upstream",
     "Misuse(null_pointer) monotonic_buffer_resource: a null resource was given",
     [] {
       allot::pmr::monotonic_buffer_resource(static_cast<std::pmr::memory_resource*>(nullptr));
     }},
    {"pmr.monotonic.null_buffer", "a null buffer with a size",
     "Misuse(null_pointer) monotonic_buffer_resource: a null buffer of 64 bytes was given",
     [] { allot::pmr::monotonic_buffer_resource(nullptr, 64); }},
    {"pmr.monotonic.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) monotonic_buffer_resource: alignment 24 is not a power of two",
     [] {
       allot::pmr::monotonic_buffer_resource resource;
       (void)resource.allocate(8, hidden(24));
     }},
    {"pmr.monotonic.write_past", "writing one byte past an allocation", poisoned,
     [] {
       allot::pmr::monotonic_buffer_resource resource;
       char* const p = fill(resource.allocate(61), 61);
       fill(resource.allocate(61), 61);
       touch(p + 61);
     }},
    {"pmr.monotonic.write_before", "writing one byte before an allocation", poisoned,
     [] {
       allot::pmr::monotonic_buffer_resource resource;
       fill(resource.allocate(64), 64);
       touch(fill(resource.allocate(64), 64) - 1);
     }},
    {"pmr.monotonic.write_after_release", "writing to what a release freed", freed,
     [] {
       allot::pmr::monotonic_buffer_resource resource;
       char* const p = fill(resource.allocate(64), 64);
       resource.release();
       touch(p);
     }},
    {"pmr.monotonic.write_to_the_buffer", "writing to a buffer that was lent", poisoned,
     [] {
       alignas(8) static std::byte memory[256];
       allot::pmr::monotonic_buffer_resource resource(memory, sizeof memory);
       fill(resource.allocate(16), 16);
       touch(memory + 255);
     }},
};

} // namespace

const Cases face_cases =
    allocators + resources +
    of_pools<allot::pmr::unsynchronized_pool_resource>("unsynchronized_pool_resource") +
    of_pools<allot::pmr::synchronized_pool_resource>("synchronized_pool_resource");

} // namespace misuse
