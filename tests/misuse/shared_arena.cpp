#include "misuse.hpp"

#include <allot/threads/shared_arena.hpp>

#include <memory>
#include <thread>

namespace misuse {

using allot::Buffer;
using allot::SharedArena;
using allot::operator""_GiB;

namespace {

template <class Work>
void in_thread(Work work) {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown)
    std::rethrow_exception(thrown);
}

const std::string released = "Misuse(released) shared_arena: used after release";
const std::string destroying = "Misuse(busy) shared_arena: used while its own destructors run";

struct Resets {
  explicit Resets(SharedArena& arena) { arena.reset(); }
};
struct Releases {
  explicit Releases(SharedArena& arena) { arena.release(); }
};
struct ResetsElsewhere {
  explicit ResetsElsewhere(SharedArena& arena) {
    in_thread([&] { arena.reset(); });
  }
};

} // namespace

const Cases shared_arena_cases = {
    {"shared_arena.used_after_release", "allocating after release", released,
     [] {
       SharedArena arena(4096);
       arena.release();
       (void)arena.allocate(8);
     }},
    {"shared_arena.used_after_release_by_another", "the same by a thread that had memory of it",
     released,
     [] {
       SharedArena arena(65536);
       in_thread([&] {
         (void)arena.allocate(8);
         in_thread([&] { arena.release(); });
         (void)arena.allocate(8);
       });
     }},
    {"shared_arena.used_after_release_try", "the same of a call that does not throw", "refused",
     [] {
       SharedArena arena(4096);
       (void)arena.allocate(8);
       arena.release();
       refused(arena.try_allocate(8) == nullptr);
     }},
    {"shared_arena.nothing_after_release", "allocating 0 bytes after release", released,
     [] {
       SharedArena arena(4096);
       (void)arena.allocate(8);
       arena.release();
       (void)arena.allocate(0);
     }},
    {"shared_arena.reset_after_release", "resetting after release", released,
     [] {
       SharedArena arena(4096);
       arena.release();
       arena.reset();
     }},
    {"shared_arena.size_0", "a size of 0 bytes",
     "Misuse(bad_size) shared_arena: a size of 0 bytes was asked for",
     [] { SharedArena arena(0); }},
    {"shared_arena.no_buffer", "a buffer without memory",
     "Misuse(bad_size) shared_arena: the buffer has no room for 8 aligned bytes",
     [] { SharedArena arena{Buffer()}; }},
    {"shared_arena.wrapping_size", "a size that would wrap",
     "Exhausted(no_room) shared_arena: 18446744073709551615 bytes asked, 4096 of 4096 left",
     [] { (void)SharedArena(4096).allocate(SIZE_MAX); }},
    {"shared_arena.array_overflows", "an array of more bytes than a size can hold",
     "Exhausted(no_room) shared_arena: 18446744073709551615 bytes asked, 4096 of 4096 left",
     [] { (void)SharedArena(4096).create_array<int>(hidden(SIZE_MAX / 4 + 2)); }},
    {"shared_arena.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) shared_arena: alignment 24 is not a power of two",
     [] { (void)SharedArena(4096).allocate(8, 24); }},
    {"shared_arena.alignment_0", "an alignment of 0",
     "Misuse(bad_alignment) shared_arena: alignment 0 is not a power of two",
     [] { (void)SharedArena(4096).allocate(8, 0); }},
    {"shared_arena.reallocate_foreign", "reallocating memory of others",
     "Misuse(foreign_pointer) shared_arena: %p cannot be reallocated: not from here",
     [] {
       SharedArena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       (void)arena.reallocate(about(others.get()), 64, 128);
     }},
    {"shared_arena.reallocate_after_reset", "reallocating what a reset took back",
     "Misuse(foreign_pointer) shared_arena: %p cannot be reallocated: not from here",
     [] {
       SharedArena arena(4096);
       void* const p = arena.allocate(64);
       arena.reset();
       (void)arena.reallocate(about(p), 64, 128);
     }},
    {"shared_arena.resize_foreign", "resizing memory of others in place", "refused",
     [] {
       SharedArena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       refused(!arena.try_resize(others.get(), 64, 32));
     }},
    {"shared_arena.offset_of_foreign", "the offset of memory of others",
     "Misuse(foreign_pointer) shared_arena: %p has no offset: not from here",
     [] {
       SharedArena arena(4096);
       const auto others = std::make_unique<char[]>(64);
       (void)arena.offset_of(about(others.get()));
     }},
    {"shared_arena.offset_of_odd", "the offset of what no multiple of 8 leads to",
     "Misuse(misaligned_pointer) shared_arena: %p has no offset: not a multiple of 8",
     [] {
       SharedArena arena(4096);
       (void)arena.offset_of(about(static_cast<char*>(arena.allocate(64)) + 4));
     }},
    {"shared_arena.offset_of_32_bits", "a 32-bit offset in an arena that needs more",
     "Misuse(overflow) shared_arena: offsets of 32 bits name 32 GiB, not 36507222016 bytes",
     [] {
       SharedArena arena(34_GiB / allot::red_zones.stretch(1));
       (void)arena.offset_of(arena.allocate(8));
     }},
    {"shared_arena.at_past_the_end", "an offset past the arena's end",
     "Misuse(out_of_bounds) shared_arena: offset " + std::to_string(allot::red_zones.stretch(512)) +
         ", of " + std::to_string(allot::red_zones.stretch(512)),
     [] { (void)SharedArena(4096).at(allot::red_zones.stretch(512)); }},
    {"shared_arena.allocate_in_destructor", "allocating from a destructor that a reset runs",
     destroying,
     [] {
       SharedArena arena(4096);
       arena.create<AtTheEnd>([&] { (void)arena.allocate(8); });
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"shared_arena.allocate_elsewhere_in_destructor", "the same by a thread that it starts",
     destroying,
     [] {
       SharedArena arena(4096);
       arena.create<AtTheEnd>([&] { in_thread([&] { (void)arena.allocate(8); }); });
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"shared_arena.allocate_in_destructor_try", "the same of a call that does not throw", "refused",
     [] {
       SharedArena arena(4096);
       bool null = false;
       arena.create<AtTheEnd>([&] { null = arena.try_allocate(0) == nullptr; });
       arena.reset();
       refused(null);
     }},
    {"shared_arena.create_in_destructor", "making an object there", destroying,
     [] {
       SharedArena arena(4096);
       arena.create<AtTheEnd>([&] { arena.create<std::string>(); });
       arena.release();
       AtTheEnd::rethrow();
     }},
    {"shared_arena.reset_in_destructor", "resetting there",
     "Misuse(busy) shared_arena: reset while its own destructors run",
     [] {
       SharedArena arena(4096);
       arena.create<AtTheEnd>([&] { arena.reset(); });
       arena.reset();
       AtTheEnd::rethrow();
     }},
    {"shared_arena.release_in_destructor", "releasing there",
     "reported(busy) shared_arena: released while its own destructors run",
     [] {
       SharedArena arena(4096);
       arena.create<AtTheEnd>([&] { arena.release(); });
       arena.reset();
     }},
    {"shared_arena.reset_in_constructor", "a constructor that resets what it is made in",
     "Misuse(busy) shared_arena: reset while a thread is inside",
     [] {
       SharedArena arena(4096);
       arena.create<Resets>(arena);
     }},
    {"shared_arena.reset_while_constructing", "resetting while another thread's constructor runs",
     "Misuse(busy) shared_arena: reset while a thread is inside",
     [] {
       SharedArena arena(4096);
       arena.create<ResetsElsewhere>(arena);
     }},
    {"shared_arena.release_in_constructor", "a constructor that releases what it is made in",
     "reported(busy) shared_arena: released while a thread is inside",
     [] {
       SharedArena arena(4096);
       arena.create<Releases>(arena);
     }},
    {"shared_arena.write_past", "writing one byte past an allocation", poisoned,
     [] {
       SharedArena arena(4096);
       char* const p = fill(arena.allocate(13), 13);
       fill(arena.allocate(13), 13);
       touch(p + 13);
     }},
    {"shared_arena.write_past_newest", "writing one byte past the newest allocation", poisoned,
     [] {
       SharedArena arena(4096);
       touch(fill(arena.allocate(16), 16) + 16);
     }},
    {"shared_arena.write_past_large", "writing one byte past what went around a chunk", poisoned,
     [] {
       SharedArena arena(4096);
       fill(arena.allocate(8), 8);
       touch(fill(arena.allocate(1000), 1000) + 1000);
     }},
    {"shared_arena.write_before_aligned", "writing one byte before an allocation aligned to 256",
     poisoned,
     [] {
       SharedArena arena(4096);
       fill(arena.allocate(24), 24);
       touch(fill(arena.allocate(24, 256), 24) - 1);
     }},
    {"shared_arena.write_after_shrink", "writing to what a resize in place took back", poisoned,
     [] {
       SharedArena arena(65536);
       char* const p = fill(arena.allocate(64), 64);
       if (arena.try_resize(p, 64, 20))
         touch(fill(p, 20) + 20);
     }},
    {"shared_arena.write_after_reset", "writing to what a reset took back", poisoned,
     [] {
       SharedArena arena(4096);
       char* const p = fill(arena.allocate(64), 64);
       arena.reset();
       touch(p);
     }},
    {"shared_arena.borrowed_write_past", "writing past the newest allocation in a borrowed buffer",
     poisoned,
     [] {
       alignas(8) static std::byte memory[256];
       SharedArena arena(Buffer::borrowed(memory));
       touch(fill(arena.allocate(16), 16) + 16);
     }},
    {"shared_arena.write_before_object",
     "writing one byte before an object, in what it is "
     "destroyed by",
     poisoned,
     [] {
       SharedArena arena(4096);
       touch(reinterpret_cast<char*>(arena.create<std::string>("text")) - 1);
     }},
    {"shared_arena.write_to_destroyed", "writing to an object that a reset destroyed", poisoned,
     [] {
       SharedArena arena(4096);
       auto* const object = arena.create<std::string>("text");
       arena.reset();
       touch(object);
     }},
    {"shared_arena.write_after_release", "writing to what a release unmapped", "fault",
     [] {
       SharedArena arena(4096);
       char* const p = fill(arena.allocate(64), 64);
       arena.release();
       touch(p);
     }},
    {"shared_arena.right_use", "", "nothing",
     [] {
       SharedArena arena(1 << 20);
       for (int round = 0; round != 3; ++round) {
         for (int thread = 0; thread != 3; ++thread)
           in_thread([&] {
             for (std::size_t bytes : Sizes{1, 8, 13, 64, 100, 5000})
               fill(arena.allocate(bytes), bytes);
             fill(arena.allocate(100, 128), 100);
             fill(arena.reallocate(fill(arena.allocate(40), 40), 40, 70), 70);
             char* const p = fill(arena.allocate(40), 40);
             fill(arena.allocate(8), 8);
             fill(arena.reallocate(p, 40, 80), 80);
             fill(const_cast<char*>(arena.copy("text").data()), 4);
             arena.create<std::string>("a text that is too long to be stored in the object");
             arena.create_array<std::string>(5).back() = "another text that is too long for it";
           });
         arena.reset();
       }
       arena.release();
       arena.release();
     }},
};

} // namespace misuse
