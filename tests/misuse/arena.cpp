#include "common.hpp"

namespace misuse {

using allot::Arena;
using allot::Buffer;

const Cases arena_cases =
    of_buffer<Arena>("arena") + of_bytes<Arena>("arena") + of_objects<Arena>("arena") +
    Cases{
        {"arena.array_overflows", "an array of more bytes than a size can hold",
         "Exhausted(no_room) arena: 18446744073709551615 bytes asked, 4096 of 4096 left",
         [] { (void)Arena(4096).create_array<int>(hidden(SIZE_MAX / 4 + 2)); }},
        {"arena.array_of_objects_overflows", "the same of objects with destructors",
         "Exhausted(no_room) arena: 18446744073709551608 bytes asked, 4096 of 4096 left",
         [] {
           (void)Arena(4096).create_array<std::string>(hidden(SIZE_MAX / sizeof(std::string)));
         }},
        {"arena.write_after_release", "writing to what a release freed", freed,
         [] {
           Arena arena(4096);
           char* const p = fill(arena.allocate(64), 64);
           arena.release();
           touch(p);
         }},
        {"arena.write_after_end", "writing to what went with the arena", freed,
         [] {
           char* p = nullptr;
           {
             Arena arena(4096);
             p = fill(arena.allocate(64), 64);
           }
           touch(p);
         }},
        {"arena.borrowed_write_past", "writing past the newest allocation in a borrowed buffer",
         poisoned,
         [] {
           alignas(8) static std::byte memory[256];
           Arena arena(Buffer::borrowed(memory));
           fill(arena.allocate(16), 16);
           touch(fill(arena.allocate(16), 16) + 16);
         }},
        {"arena.borrowed_write_after_reset",
         "writing to what a reset took back in a borrowed buffer", poisoned,
         [] {
           alignas(8) static std::byte memory[256];
           Arena arena(Buffer::borrowed(memory));
           char* const p = fill(arena.allocate(16), 16);
           arena.reset();
           touch(p);
         }},
        {"arena.borrowed_written_by_its_owner", "writing to a buffer that was lent", poisoned,
         [] {
           alignas(8) static std::byte memory[256];
           Arena arena(Buffer::borrowed(memory));
           fill(arena.allocate(16), 16);
           touch(memory + 255);
         }},
        {"arena.right_use_of_borrowed", "", "nothing",
         [] {
           alignas(8) static std::byte memory[256];
           {
             Arena arena(Buffer::borrowed(memory));
             for (int round = 0; round != 3; ++round) {
               fill(arena.allocate(13), 13);
               arena.create<std::string>("a text that is too long to be stored in the object");
               fill(arena.allocate(64), 64);
               arena.reset();
             }
           }
           fill(memory, 256);
         }},
    };

} // namespace misuse
