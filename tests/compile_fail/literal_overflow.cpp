// first error: size_t_cannot_hold_this
#include <allot/base/size.hpp>

using namespace allot::literals;

static_assert(16777215_TiB != 0);
#ifdef MUST_FAIL
static_assert(16777216_TiB != 1); // 2^64 bytes
#endif
