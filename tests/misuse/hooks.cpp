#include "misuse.hpp"

#include <allot/hooks.hpp>

#include <memory>

namespace misuse {

using namespace allot::literals;
using allot::Arena;
using allot::Multipool;
using allot::Region;
namespace hooks = allot::hooks;

namespace {

/// Most hooks get this.
template <class S>
void* allocate(S* strategy, std::size_t bytes) {
  return hooks::allocate<S>(strategy, bytes);
}

// As FreeType has it.
struct Library {
  void* user;
};
using Through = hooks::Through<&Library::user, Multipool>;

} // namespace

const Cases hook_cases = {
    {"hooks.free_foreign", "freeing memory of others",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena arena(4096);
       (void)hooks::allocate<Arena>(&arena, std::size_t{64});
       const auto others = std::make_unique<char[]>(64);
       hooks::deallocate<Arena>(&arena, about(others.get()));
     }},
    {"hooks.free_interior", "freeing the inside of a block",
     "reported(misaligned_pointer) hooks: %p lies inside a block",
     [] {
       Arena arena(4096);
       auto* const p = static_cast<char*>(hooks::allocate<Arena>(&arena, std::size_t{64}));
       hooks::deallocate<Arena>(&arena, about(fill(p, 64) + 8));
     }},
    {"hooks.free_interior_aligned", "the same where another block could be",
     "reported(double_free) hooks: %p was freed already, or lies inside a block",
     [] {
       Arena arena(4096);
       auto* const p = static_cast<char*>(hooks::allocate<Arena>(&arena, std::size_t{64}));
       hooks::deallocate<Arena>(&arena, about(fill(p, 64) + 32));
     }},
    {"hooks.double_free", "freeing a block twice",
     "reported(double_free) hooks: %p was freed already, or lies inside a block",
     [] {
       Arena arena(4096);
       void* const p = hooks::allocate<Arena>(&arena, std::size_t{64});
       (void)hooks::allocate<Arena>(&arena, std::size_t{64});
       hooks::deallocate<Arena>(&arena, p);
       hooks::deallocate<Arena>(&arena, about(p));
     }},
    {"hooks.double_free_of_newest", "freeing the newest block twice",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena arena(4096);
       void* const p = hooks::allocate<Arena>(&arena, std::size_t{64});
       hooks::deallocate<Arena>(&arena, p);
       hooks::deallocate<Arena>(&arena, about(p));
     }},
    {"hooks.double_free_in_multipool", "freeing a block of a Multipool twice",
     "reported(double_free) multipool: the block of 64 bytes at %p is free already",
     [] {
       Multipool pool;
       void* const p = hooks::allocate<Multipool>(&pool, std::size_t{64});
       hooks::deallocate<Multipool>(&pool, p);
       hooks::deallocate<Multipool>(&pool, about(p));
     }},
    {"hooks.reallocate_freed", "reallocating a block that was freed", "refused",
     [] {
       Arena arena(4096);
       void* const p = hooks::allocate<Arena>(&arena, std::size_t{64});
       (void)hooks::allocate<Arena>(&arena, std::size_t{64});
       hooks::deallocate<Arena>(&arena, p);
       refused(hooks::reallocate<Arena>(&arena, p, std::size_t{128}) == nullptr);
     }},
    {"hooks.resize_foreign", "Lua's hook told to resize memory of others", "refused",
     [] {
       Arena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       refused(hooks::resize<Arena>(&arena, others.get(), 64, 128) == nullptr);
     }},
    {"hooks.free_twice_by_size", "Lua's hook told to free a block of a Multipool twice",
     "reported(double_free) multipool: the block of 64 bytes at %p is free already",
     [] {
       Multipool pool;
       void* const p = hooks::resize<Multipool>(&pool, nullptr, 0, 64);
       (void)hooks::resize<Multipool>(&pool, p, 64, 0);
       (void)hooks::resize<Multipool>(&pool, about(p), 64, 0);
     }},
    {"hooks.product_overflows", "an array of more bytes than a size can hold", "refused",
     [] {
       Arena arena(4096);
       refused(hooks::allocate_array<Arena>(&arena, hidden(SIZE_MAX / 2), hidden(4)) == nullptr);
     }},
    {"hooks.write_past", "writing one byte past a block", poisoned,
     [] {
       Arena arena(4096);
       touch(fill(hooks::allocate<Arena>(&arena, std::size_t{64}), 64) + 64);
     }},
    {"hooks.write_after_free", "writing to the newest block after it was freed", poisoned,
     [] {
       Arena arena(4096);
       void* const p = fill(hooks::allocate<Arena>(&arena, std::size_t{64}), 64);
       hooks::deallocate<Arena>(&arena, p);
       touch(p);
     }},
    {"hooks.write_after_free_in_multipool", "writing to a block of a Multipool that was freed",
     poisoned,
     [] {
       Multipool pool;
       void* const p = fill(hooks::allocate<Multipool>(&pool, std::size_t{64}), 64);
       hooks::deallocate<Multipool>(&pool, p);
       touch(p);
     }},
    {"hooks.free_of_another", "freeing a block with another strategy as the context",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena one(4096);
       Arena other(4096);
       (void)allocate<Arena>(&other, 64);
       hooks::deallocate<Arena>(&other, about(allocate<Arena>(&one, 64)));
     }},
    {"hooks.free_of_another_multipool", "the same of a Multipool",
     "reported(foreign_pointer) multipool: %p was not handed out by this pool",
     [] {
       Multipool one;
       Multipool other;
       (void)allocate<Multipool>(&other, 64);
       hooks::deallocate<Multipool>(&other, about(allocate<Multipool>(&one, 64)));
     }},
    {"hooks.reallocate_of_another", "reallocating with another strategy as the context", "refused",
     [] {
       Arena one(4096);
       Arena other(4096);
       void* const p = allocate<Arena>(&one, 64);
       refused(hooks::reallocate<Arena>(&other, p, hidden(128)) == nullptr);
     }},
    {"hooks.free_after_reset", "freeing a block after a reset",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena arena(4096);
       void* const p = allocate<Arena>(&arena, 64);
       arena.reset();
       hooks::deallocate<Arena>(&arena, about(p));
     }},
    {"hooks.free_after_release", "freeing a block after a release",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Region region;
       void* const p = allocate<Region>(&region, 64);
       region.release();
       hooks::deallocate<Region>(&region, about(p));
     }},
    {"hooks.free_what_resize_gave", "freeing a block that Lua's hook gave",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena arena(4096);
       hooks::deallocate<Arena>(&arena, about(hooks::resize<Arena>(&arena, nullptr, 0, 64)));
     }},
    {"hooks.free_by_wrong_size", "Lua's hook told another size at a free",
     "reported(bad_size) multipool: the block of 64 bytes at %p is not one for 128 aligned to 16",
     [] {
       Multipool pool;
       void* const p = hooks::resize<Multipool>(&pool, nullptr, 0, 64);
       (void)hooks::resize<Multipool>(&pool, about(p), 128, 0);
     }},
    {"hooks.resize_by_wrong_size", "Lua's hook told more than an arena has at a resize", "refused",
     [] {
       Arena arena(4096);
       void* const p = hooks::resize<Arena>(&arena, nullptr, 0, 64);
       refused(hooks::resize<Arena>(&arena, p, hidden(8192), 16384) == nullptr);
     }},
    {"hooks.write_before", "writing in front of a block, which is then freed",
     "reported(double_free) hooks: %p was freed already, or lies inside a block",
     [] {
       Arena arena(4096);
       char* const p = fill(allocate<Arena>(&arena, 64), 64);
       p[-1] = 1;
       hooks::deallocate<Arena>(&arena, about(p));
     }},
    {"hooks.usable_size_of_foreign", "asking how much room there is in memory of others",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       Arena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       (void)hooks::usable_size<Arena, std::size_t>(&arena, about(others.get()));
     }},
    {"hooks.usable_size_of_freed", "asking how much room there is in a block that was freed",
     "reported(double_free) multipool: the block of 64 bytes at %p is free already",
     [] {
       Multipool pool;
       void* const p = allocate<Multipool>(&pool, 64);
       hooks::deallocate<Multipool>(&pool, p);
       (void)hooks::usable_size<Multipool, std::size_t>(&pool, about(p));
     }},
    {"hooks.alignment_24", "an alignment that is no power of two", "refused",
     [] {
       Arena arena(4096);
       refused(hooks::allocate_aligned<Arena>(&arena, std::size_t{64}, hidden(24)) == nullptr);
     }},
    {"hooks.alignment_too_large", "an alignment beyond 512 KiB", "refused",
     [] {
       Multipool pool;
       refused(hooks::allocate_aligned<Multipool>(&pool, std::size_t{64}, hidden(1_MiB)) ==
               nullptr);
     }},
    {"hooks.reallocate_to_alignment_24", "reallocating to an alignment that is none", "refused",
     [] {
       Arena arena(4096);
       void* const p = allocate<Arena>(&arena, 64);
       refused(hooks::reallocate_aligned<Arena>(&arena, p, std::size_t{128}, hidden(24)) ==
               nullptr);
     }},
    {"hooks.reallocate_aligned_freed", "reallocating an aligned block that was freed", "refused",
     [] {
       Region region;
       void* const p = hooks::allocate_aligned<Region>(&region, std::size_t{64}, hidden(64));
       (void)allocate<Region>(&region, 64);
       hooks::deallocate<Region>(&region, p);
       refused(hooks::reallocate_aligned<Region>(&region, p, std::size_t{64}, hidden(64)) ==
               nullptr);
     }},
    {"hooks.double_free_of_aligned", "freeing an aligned block twice",
     "reported(double_free) hooks: %p was freed already, or lies inside a block",
     [] {
       Arena arena(4096);
       void* const p = hooks::allocate_aligned<Arena>(&arena, std::size_t{64}, hidden(64));
       (void)allocate<Arena>(&arena, 64);
       hooks::deallocate<Arena>(&arena, p);
       hooks::deallocate<Arena>(&arena, about(p));
     }},
    {"hooks.write_past_aligned", "writing one byte past an aligned block", poisoned,
     [] {
       Arena arena(4096);
       touch(fill(hooks::allocate_aligned<Arena>(&arena, std::size_t{64}, hidden(256)), 64) + 64);
     }},
    {"hooks.double_free_without_context", "freeing a block of a static strategy twice",
     "reported(foreign_pointer) hooks: %p is not from here, or was taken back",
     [] {
       static Region region;
       void* const p = hooks::allocate<region>(std::size_t{64});
       hooks::deallocate<region>(p);
       hooks::deallocate<region>(about(p));
     }},
    {"hooks.write_past_text", "writing past a text that was copied", poisoned,
     [] {
       static Region region;
       touch(hooks::copy_text<region>("fifteen letters") + 16);
     }},
    {"hooks.double_free_through_member", "freeing a block twice through a library's structure",
     "reported(double_free) multipool: the block of 64 bytes at %p is free already",
     [] {
       Multipool pool;
       Library library{&pool};
       void* const p = Through::allocate(&library, 64);
       Through::deallocate(&library, p);
       Through::deallocate(&library, about(p));
     }},
    {"hooks.reallocate_foreign_through_member", "the same told to reallocate memory of others",
     "refused",
     [] {
       Multipool pool;
       Library library{&pool};
       const auto others = std::make_unique<char[]>(64);
       refused(Through::reallocate(&library, 64, 128, others.get()) == nullptr);
     }},
    {"hooks.write_past_through_member", "writing past a block that came through it", poisoned,
     [] {
       Multipool pool;
       Library library{&pool};
       touch(fill(Through::allocate(&library, 1200), 1200) + 1200);
     }},
    {"hooks.right_use", "", "nothing",
     [] {
       Multipool pool;
       Arena arena(65536);
       Library library{&pool};
       void* p = Through::reallocate(&library, 0, 64, nullptr);
       p = Through::reallocate(&library, 1, 1000, fill(p, 64)); // the old size is not needed
       Through::deallocate(&library, fill(p, 1000));
       void* q = hooks::allocate_aligned<Arena>(&arena, 100, 256);
       q = hooks::reallocate_aligned<Arena>(&arena, fill(q, 100), 1000, 1024);
       hooks::deallocate<Arena>(&arena, fill(q, 1000));
       q = hooks::reallocate<Arena>(&arena, allocate<Arena>(&arena, 64), std::size_t{1},
                                    std::size_t{200});
       hooks::deallocate<Arena>(&arena, fill(q, 200));
     }},
};

} // namespace misuse
