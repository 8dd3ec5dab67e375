#include "common.hpp"

namespace misuse {

const Cases bump_cases =
    of_buffer<allot::Bump>("bump") + of_bytes<allot::Bump>("bump") +
    Cases{
        {"bump.write_after_release", "writing to what a release freed", freed,
         [] {
           allot::Bump bump(4096);
           char* const p = fill(bump.allocate(64), 64);
           bump.release();
           touch(p);
         }},
        {"bump.write_after_end", "writing to what went with the bump allocator", freed,
         [] {
           char* p = nullptr;
           {
             allot::Bump bump(4096);
             p = fill(bump.allocate(64), 64);
           }
           touch(p);
         }},
    };

} // namespace misuse
