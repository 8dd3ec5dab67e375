#include "common.hpp"

namespace misuse {

const Cases mapped_arena_cases = of_buffer<allot::MappedArena>("mapped_arena") +
                                 of_bytes<allot::MappedArena>("mapped_arena") +
                                 of_checkpoints<allot::MappedArena>("mapped_arena");

} // namespace misuse
