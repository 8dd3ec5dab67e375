#include "common.hpp"

#include <stdexcept>

namespace misuse {

using allot::TypedArena;

namespace {

constexpr const char* stale_0 = "Misuse(stale_handle) typed_arena: the handle 0 is null, from "
                                "before a reset, or another arena's";
constexpr const char* busy = "Misuse(busy) typed_arena: used while its own destructors run";

// Fails after it has made another.
struct Parent {
  explicit Parent(TypedArena<Parent>& arena) {
    arena.create();
    throw std::runtime_error("it fails");
  }
  Parent() = default;
  int number = 0;
};

} // namespace

const Cases typed_arena_cases = {
    {"typed_arena.capacity_0", "room for no objects",
     "Misuse(bad_size) typed_arena: 0 slots of 4 bytes were asked for",
     [] { TypedArena<int>(std::size_t{0}); }},
    {"typed_arena.product_overflows", "more objects than a size can hold",
     "Misuse(overflow) typed_arena: 18446744073709551615 slots of 4 bytes are more than a size can "
     "hold",
     [] { TypedArena<int>(SIZE_MAX); }},
    {"typed_arena.index_past_count", "an index past the last object",
     "Misuse(out_of_bounds) typed_arena: index 1, of 1 slots in use",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       (void)arena.at(1);
     }},
    {"typed_arena.operator_past_count", "the same in square brackets",
     "Misuse(out_of_bounds) typed_arena: index 1, of 1 slots in use",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       (void)arena[1];
     }},
    {"typed_arena.index_after_reset", "an index from before a reset",
     "Misuse(out_of_bounds) typed_arena: index 0, of 0 slots in use",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       arena.reset();
       (void)arena.at(0);
     }},
    {"typed_arena.index_of_failed", "the index of an object whose constructor failed",
     "Misuse(out_of_bounds) typed_arena: index 0: its constructor failed, of 2 slots in use",
     [] {
       TypedArena<Parent> arena(10);
       try {
         arena.create(arena);
       } catch (const std::runtime_error&) {
       }
       (void)arena.at(0);
     }},
    {"typed_arena.index_after_release", "an index after release",
     "Misuse(released) typed_arena: used after release",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       arena.release();
       (void)arena.at(0);
     }},
    {"typed_arena.handle_after_reset", "a handle from before a reset", stale_0,
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       const auto handle = arena.handle(0);
       arena.reset();
       arena.create(8); // in the same place
       (void)arena.at(handle);
     }},
    {"typed_arena.handle_after_reset_try", "the same of a call that does not throw", "refused",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       const auto handle = arena.handle(0);
       arena.reset();
       arena.create(8);
       refused(arena.try_at(handle) == nullptr && !arena.contains(handle));
     }},
    {"typed_arena.handle_of_another", "a handle of another arena", stale_0,
     [] {
       TypedArena<int> one(10);
       TypedArena<int> other(10);
       one.create(7);
       other.create(7);
       const auto handle = one.handle(0);
       (void)other.handle(0);
       (void)other.at(handle);
     }},
    {"typed_arena.handle_null", "a handle of no object", stale_0,
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       (void)arena[TypedArena<int>::Handle()];
     }},
    {"typed_arena.handle_after_assignment", "a handle of an arena that was assigned to", stale_0,
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       const auto handle = arena.handle(0);
       arena = TypedArena<int>(10);
       arena.create(7);
       (void)arena.at(handle);
     }},
    {"typed_arena.handle_after_release", "a handle after release",
     "Misuse(released) typed_arena: used after release",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       const auto handle = arena.handle(0);
       arena.release();
       (void)arena.at(handle);
     }},
    {"typed_arena.handle_past_count", "asking for a handle to an object that is not there",
     "Misuse(out_of_bounds) typed_arena: index 1, of 1 slots in use",
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       (void)arena.handle(1);
     }},
    {"typed_arena.used_after_release", "making an object after release",
     "Misuse(released) typed_arena: used after release",
     [] {
       TypedArena<int> arena(10);
       arena.release();
       arena.create(7);
     }},
    {"typed_arena.reset_after_release", "resetting after release",
     "Misuse(released) typed_arena: used after release",
     [] {
       TypedArena<int> arena(10);
       arena.release();
       arena.reset();
     }},
    {"typed_arena.used_after_move", "making an object in what was moved from",
     "Misuse(released) typed_arena: used after release",
     [] {
       TypedArena<int> from(10);
       const TypedArena<int> to = std::move(from);
       from.create(7);
     }},
    {"typed_arena.create_in_destructor", "making an object in a destructor that a reset runs", busy,
     [] {
       TypedArena<AtTheEnd> arena(10);
       arena.create([&] { arena.create([] {}); });
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"typed_arena.reset_in_destructor", "resetting there", busy,
     [] {
       TypedArena<AtTheEnd> arena(10);
       arena.create([&] { arena.reset(); });
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"typed_arena.newer_in_destructor", "the index of an object that was destroyed before",
     "Misuse(out_of_bounds) typed_arena: index 1, of 0 slots in use",
     [] {
       TypedArena<AtTheEnd> arena(10);
       arena.create([&] { (void)arena.at(1); });
       arena.create([] {});
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"typed_arena.release_in_destructor", "releasing there",
     "reported(busy) typed_arena: released while its own destructors run",
     [] {
       TypedArena<AtTheEnd> arena(10);
       arena.create([&] { arena.release(); });
       arena.reset();
     }},

    {"typed_arena.write_past", "writing one byte past an object", poisoned,
     [] {
       TypedArena<int> arena(10);
       int* const p = arena.create(7).ptr;
       arena.create(8);
       touch(p + 1);
     }},
    {"typed_arena.write_before", "writing one byte before an object", poisoned,
     [] {
       TypedArena<int> arena(10);
       arena.create(7);
       touch(reinterpret_cast<char*>(arena.create(8).ptr) - 1);
     }},
    {"typed_arena.write_after_reset", "writing to an object that a reset destroyed", poisoned,
     [] {
       TypedArena<std::string> arena(10);
       std::string* const p = arena.create("text").ptr;
       arena.reset();
       touch(p);
     }},
    {"typed_arena.write_after_release", "writing to what a release freed", freed,
     [] {
       TypedArena<int> arena(10);
       int* const p = arena.create(7).ptr;
       arena.release();
       touch(p);
     }},
    {"typed_arena.right_use", "", "nothing",
     [] {
       TypedArena<std::string> arena(10);
       for (int round = 0; round != 3; ++round) {
         while (arena.available() != 0)
           arena.create("a text that is too long to be stored in the object");
         arena[arena.handle(3)] += "!";
         arena.reset();
       }
       arena.create("a text that is too long to be stored in the object");
       TypedArena<std::string> moved = std::move(arena);
       moved[0] += "!";
     }},
};

} // namespace misuse
