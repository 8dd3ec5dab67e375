#include "common.hpp"

#include <allot/use/arena.hpp>

namespace misuse {

using namespace allot::use::arena;

const Cases verb_cases = {
    {"verbs.arena_negative", "an arena of a negative size",
     "Misuse(bad_size) arena: a negative number, -1, was given", [] { (void)arena(-1); }},
    {"verbs.arena_negative_bytes", "a negative number of bytes",
     "Misuse(bad_size) arena: a negative number, -8, was given",
     [] {
       auto a = arena(1024);
       (void)arena(a, -8);
     }},
    {"verbs.align_0", "rounding up to a multiple of 0",
     "Misuse(bad_alignment) align_up: an alignment of 0 was asked for",
     [] { (void)arena(10, align(0)); }},
    {"verbs.align_negative", "rounding up to a multiple of a negative number",
     "Misuse(bad_size) align: a negative number, -8, was given",
     [] { (void)arena(10, align(-8)); }},
    {"verbs.align_overflows", "a multiple that a size cannot hold",
     "Misuse(overflow) align_up: no multiple of 16 at or above 18446744073709551615 fits in a "
     "size_t",
     [] { (void)arena(SIZE_MAX, align(16)); }},
    {"verbs.slots_negative", "a negative number of slots",
     "Misuse(bad_size) slots: a negative number, -1, was given", [] { (void)arena(8, slots(-1)); }},
    {"verbs.index_negative", "a negative index",
     "Misuse(bad_size) arena: a negative number, -1, was given",
     [] {
       auto t = arena(8, slots(10));
       (void)arena(t);
       (void)arena(t, -1);
     }},
    {"verbs.arena_after_release", "an arena after arena(a, release)",
     "Misuse(released) arena: used after release",
     [] {
       auto a = arena(1024);
       arena(a, release);
       (void)arena(a, 8);
     }},
    {"verbs.bump_after_free", "a bump allocator after bumpf",
     "Misuse(released) bump: used after release",
     [] {
       auto b = bumpn(1024);
       bumpf(b);
       (void)bumpa(b, 8);
     }},
    {"verbs.poolr_twice", "an object returned twice",
     "Misuse(double_free) object_pool: the object at %p was given back already",
     [] {
       auto pool = pooln([] { return 0; }, [](int&) {}, 10);
       int& object = poolg(pool);
       poolr(pool, object);
       poolr(pool, *about(&object));
     }},
    {"verbs.block_negative", "a negative number of blocks",
     "Misuse(bad_size) block: a negative number, -1, was given", [] { (void)block(8, -1); }},
    {"verbs.block_twice", "a block freed twice",
     "Misuse(double_free) block_pool: block 0 at %p is free already",
     [] {
       auto b = block(8, 10);
       void* const p = block(b);
       block(b, p);
       block(b, about(p));
     }},
    {"verbs.pop_negative", "popping a negative number of bytes",
     "Misuse(bad_size) stack: a negative number, -5, was given",
     [] {
       auto s = stack(1024);
       stack(s, "hello");
       stack(s, -5);
     }},
    {"verbs.stack_underflow", "popping more than there is",
     "Misuse(underflow) stack: 9 bytes popped, 8 of 1024 are there",
     [] {
       auto s = stack(1024);
       stack(s, "hello");
       stack(s, 9);
     }},
    {"verbs.mmapc_negative", "committing a negative number of bytes",
     "Misuse(bad_size) mmapc: a negative number, -1, was given",
     [] {
       auto m = mmapn(8192);
       mmapc(m, -1);
     }},
    {"verbs.mmap_after_free", "a mapped arena after mmapf",
     "Misuse(released) mapped_arena: used after release",
     [] {
       auto m = mmapn(8192);
       mmapf(m);
       (void)mmapa(m, 8);
     }},
    {"verbs.regio_negative", "a negative number of bytes of a region",
     "Misuse(bad_size) regio: a negative number, -1, was given",
     [] {
       auto r = regio();
       (void)regio(r, -1);
     }},
    {"verbs.restore_without_checkpoint", "restoring without a checkpoint",
     "Misuse(no_checkpoint) scratch: restore without a checkpoint",
     [] {
       auto s = scrat(1024);
       scrat(s, restore);
     }},
};

} // namespace misuse
