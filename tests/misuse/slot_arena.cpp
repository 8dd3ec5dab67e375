#include "common.hpp"

namespace misuse {

using allot::SlotArena;

const Cases slot_arena_cases = {
    {"slot_arena.slot_size_0", "slots of 0 bytes",
     "Misuse(bad_size) slot_arena: 10 slots of 0 bytes were asked for", [] { SlotArena(0, 10); }},
    {"slot_arena.capacity_0", "no slots",
     "Misuse(bad_size) slot_arena: 0 slots of 8 bytes were asked for", [] { SlotArena(8, 0); }},
    {"slot_arena.product_overflows", "more slots than a size can hold",
     "Misuse(overflow) slot_arena: 2305843009213693952 slots of 8 bytes are more than a size can "
     "hold",
     [] { SlotArena(8, SIZE_MAX / 8 + 1); }},
    {"slot_arena.rounded_size_overflows", "a slot size that wraps when it is rounded up",
     "Misuse(overflow) slot_arena: 1 slots of 18446744073709551615 bytes are more than a size can "
     "hold",
     [] { SlotArena(SIZE_MAX, 1); }},
    {"slot_arena.buffer_too_small", "a buffer without room for one slot",
     "Misuse(bad_size) slot_arena: a buffer of 64 bytes has no room for one slot of 65",
     [] { SlotArena(65, allot::Buffer::heap(64)); }},
    {"slot_arena.index_past_count", "an index past the last slot in use",
     "Misuse(out_of_bounds) slot_arena: index 1, of 1 slots in use",
     [] {
       SlotArena slots(8, 10);
       (void)slots.allocate();
       (void)slots.at(1);
     }},
    {"slot_arena.index_huge", "an index that would wrap",
     "Misuse(out_of_bounds) slot_arena: index 18446744073709551615, of 1 slots in use",
     [] {
       SlotArena slots(8, 10);
       (void)slots.allocate();
       (void)slots.at(SIZE_MAX);
     }},
    {"slot_arena.index_after_reset", "an index from before a reset",
     "Misuse(out_of_bounds) slot_arena: index 0, of 0 slots in use",
     [] {
       SlotArena slots(8, 10);
       const std::size_t index = slots.allocate().index;
       slots.reset();
       (void)slots.at(index);
     }},
    {"slot_arena.used_after_release", "allocating after release",
     "Misuse(released) slot_arena: used after release",
     [] {
       SlotArena slots(8, 10);
       slots.release();
       (void)slots.allocate();
     }},
    {"slot_arena.index_after_release", "an index after release",
     "Misuse(released) slot_arena: used after release",
     [] {
       SlotArena slots(8, 10);
       (void)slots.allocate();
       slots.release();
       (void)slots.at(0);
     }},
    {"slot_arena.reset_after_release", "resetting after release",
     "Misuse(released) slot_arena: used after release",
     [] {
       SlotArena slots(8, 10);
       slots.release();
       slots.reset();
     }},
    {"slot_arena.used_after_move", "allocating from what was moved from",
     "Misuse(released) slot_arena: used after release",
     [] {
       SlotArena from(8, 10);
       const SlotArena to = std::move(from);
       (void)from.allocate();
     }},
    {"slot_arena.used_after_move_try", "the same of a call that does not throw", "refused",
     [] {
       SlotArena from(8, 10);
       const SlotArena to = std::move(from);
       refused(from.try_allocate().ptr == nullptr);
     }},

    {"slot_arena.write_past", "writing one byte past a slot", poisoned,
     [] {
       SlotArena slots(16, 10);
       char* const p = fill(slots.allocate().ptr, 16);
       fill(slots.allocate().ptr, 16);
       touch(p + 16);
     }},
    {"slot_arena.write_past_odd_size", "the same where its size was rounded up", poisoned,
     [] {
       SlotArena slots(13, 10);
       char* const p = fill(slots.allocate().ptr, 13);
       fill(slots.allocate().ptr, 13);
       touch(p + 13);
     }},
    {"slot_arena.write_before", "writing one byte before a slot", poisoned,
     [] {
       SlotArena slots(16, 10);
       fill(slots.allocate().ptr, 16);
       touch(fill(slots.allocate().ptr, 16) - 1);
     }},
    {"slot_arena.write_to_next", "writing to a slot that was not handed out", poisoned,
     [] {
       SlotArena slots(16, 10);
       char* const first = fill(slots.allocate().ptr, 16);
       char* const second = fill(slots.allocate().ptr, 16);
       touch(second + (second - first));
     }},
    {"slot_arena.write_after_reset", "writing to a slot that a reset took back", poisoned,
     [] {
       SlotArena slots(16, 10);
       char* const p = fill(slots.allocate().ptr, 16);
       slots.reset();
       touch(p);
     }},
    {"slot_arena.write_after_release", "writing to what a release freed", freed,
     [] {
       SlotArena slots(16, 10);
       char* const p = fill(slots.allocate().ptr, 16);
       slots.release();
       touch(p);
     }},
    {"slot_arena.right_use", "", "nothing",
     [] {
       SlotArena slots(13, 10);
       for (int round = 0; round != 3; ++round) {
         while (slots.available() != 0)
           fill(slots.allocate().ptr, 13);
         fill(slots.at(9), 13);
         slots.reset();
       }
       SlotArena moved = std::move(slots);
       fill(moved.allocate().ptr, 13);
       moved.release();
       moved.release();
     }},
};

} // namespace misuse
