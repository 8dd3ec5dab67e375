#include "common.hpp"

namespace misuse {

using allot::Region;

const Cases region_cases =
    of_bytes<Region>("region") + of_objects<Region>("region") + of_checkpoints<Region>("region") +
    Cases{
        {"region.arena_size_0", "arenas of 0 bytes",
         "Misuse(bad_size) region: an arena size of 0 bytes was asked for",
         [] { Region({.arena_size = 0}); }},
        {"region.wrapping_size", "a size that would wrap",
         "Exhausted(system_refused) region: the heap refused an arena for 18446744073709551615 "
         "bytes",
         [] { (void)Region().allocate(SIZE_MAX); }},
        {"region.array_overflows", "an array of more bytes than a size can hold",
         "Exhausted(system_refused) region: the heap refused an arena for 18446744073709551615 "
         "bytes",
         [] { (void)Region().create_array<int>(hidden(SIZE_MAX / 4 + 2)); }},
        {"region.past_its_limit", "a size that a limit does not allow",
         "Exhausted(no_room) region: 100001 bytes asked, 100000 of 100000 left",
         [] { (void)Region({.limit = 100000}).allocate(100001); }},
        {"region.trim_after_move", "trimming what was moved from",
         "Misuse(released) region: used after release",
         [] {
           Region from;
           const Region to = std::move(from);
           from.trim();
         }},
        {"region.trim_in_destructor", "trimming in a destructor that a reset runs",
         "Misuse(busy) region: used while its own destructors run",
         [] {
           Region region;
           region.create<AtTheEnd>([&] { region.trim(); });
           region.reset();
           AtTheEnd::rethrow();
         }},
        {"region.reallocate_after_restore", "reallocating what a restore took back with its arena",
         "Misuse(foreign_pointer) region: %p cannot be reallocated: not from here",
         [] {
           Region region;
           region.checkpoint();
           void* const p = region.allocate(100000);
           region.restore();
           (void)region.reallocate(about(p), 100000, 8);
         }},
        {"region.write_past_large", "writing past an allocation with an arena of its own", poisoned,
         [] {
           Region region;
           touch(fill(region.allocate(100000), 100000) + 100000);
         }},
        {"region.write_before_large", "writing before an allocation with an arena of its own",
         poisoned,
         [] {
           Region region;
           touch(fill(region.allocate(100000), 100000) - 1);
         }},
        {"region.write_to_spare", "writing to an arena that a restore took back", poisoned,
         [] {
           Region region;
           fill(region.allocate(60000), 60000);
           region.checkpoint();
           char* const p = fill(region.allocate(60000), 60000);
           region.restore();
           touch(p);
         }},
        {"region.write_after_trim", "writing to an arena that was freed", freed,
         [] {
           Region region;
           fill(region.allocate(60000), 60000);
           region.checkpoint();
           char* const p = fill(region.allocate(60000), 60000);
           region.restore();
           region.trim();
           touch(p);
         }},
        {"region.write_after_release", "writing to what a release freed", freed,
         [] {
           Region region;
           char* const p = fill(region.allocate(64), 64);
           region.release();
           touch(p);
         }},
        {"region.right_use_of_arenas", "", "nothing",
         [] {
           Region region({.arena_size = 1000, .max_arena_size = 8000});
           for (int round = 0; round != 3; ++round) {
             region.checkpoint();
             for (std::size_t bytes : Sizes{900, 13, 5000, 700, 20000, 900, 900})
               fill(region.allocate(bytes), bytes);
             region.restore();
             for (std::size_t bytes : Sizes{700, 900, 13, 20000, 5000})
               fill(region.allocate(bytes), bytes);
             region.trim();
             region.reset();
           }
           region.release();
           fill(region.allocate(100), 100);
         }},
    };

} // namespace misuse
