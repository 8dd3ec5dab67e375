#include "common.hpp"

namespace misuse {

using allot::Scratch;

const Cases scratch_cases =
    of_buffer<Scratch>("scratch") + of_bytes<Scratch>("scratch") + of_objects<Scratch>("scratch") +
    of_checkpoints<Scratch>("scratch") +
    Cases{
        {"scratch.checkpoint_after_release", "a checkpoint after release",
         "Misuse(released) scratch: used after release",
         [] {
           Scratch scratch(4096);
           scratch.release();
           scratch.checkpoint();
         }},
        {"scratch.scope_after_release", "a scope after release",
         "Misuse(released) scratch: used after release",
         [] {
           Scratch scratch(4096);
           scratch.release();
           const auto scope = scratch.scope();
         }},
        {"scratch.restore_after_release", "restoring after release",
         "Misuse(released) scratch: used after release",
         [] {
           Scratch scratch(4096);
           scratch.checkpoint();
           scratch.release();
           scratch.restore();
         }},
        {"scratch.allocate_in_destructor_of_restore",
         "allocating from a destructor that a restore runs",
         "Misuse(busy) scratch: used while its own destructors run",
         [] {
           Scratch scratch(4096);
           scratch.checkpoint();
           scratch.create<AtTheEnd>([&] { (void)scratch.allocate(8); });
           scratch.restore();
           AtTheEnd::rethrow();
         }},
        {"scratch.restore_in_destructor", "restoring in a destructor that a restore runs",
         "Misuse(busy) scratch: used while its own destructors run",
         [] {
           Scratch scratch(4096);
           scratch.checkpoint();
           scratch.checkpoint();
           scratch.create<AtTheEnd>([&] { scratch.restore(); });
           scratch.restore();
           AtTheEnd::rethrow();
         }},
        {"scratch.restore_in_constructor", "a constructor that restores below its own object",
         "Misuse(busy) scratch: a constructor took back its object's memory",
         [] {
           struct Restores {
             explicit Restores(Scratch& scratch) { scratch.restore(); }
           };
           Scratch scratch(4096);
           scratch.checkpoint();
           scratch.create<Restores>(scratch);
         }},
        {"scratch.write_to_destroyed_by_restore", "writing to an object that a restore destroyed",
         poisoned,
         [] {
           Scratch scratch(4096);
           scratch.checkpoint();
           auto* const object = scratch.create<std::string>("text");
           scratch.restore();
           touch(object);
         }},
        {"scratch.write_after_release", "writing to what a release freed", freed,
         [] {
           Scratch scratch(4096);
           char* const p = fill(scratch.allocate(64), 64);
           scratch.release();
           touch(p);
         }},
    };

} // namespace misuse
