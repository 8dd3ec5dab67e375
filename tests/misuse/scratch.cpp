#include "common.hpp"

namespace misuse {

const Cases scratch_cases =
    of_buffer<allot::Scratch>("scratch") + of_bytes<allot::Scratch>("scratch") +
    of_objects<allot::Scratch>("scratch") + of_checkpoints<allot::Scratch>("scratch");

} // namespace misuse
