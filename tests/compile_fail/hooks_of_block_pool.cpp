// first error: Allocating
#include <allot/arena.hpp>
#include <allot/block_pool.hpp>
#include <allot/hooks.hpp>

#include <cstddef>

void* (*good)(void*, std::size_t) = allot::hooks::allocate<allot::Arena>;
#ifdef MUST_FAIL
void* (*bad)(void*, std::size_t) = allot::hooks::allocate<allot::BlockPool>;
#endif
