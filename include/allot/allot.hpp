// All of allot's strategies that serve one thread at a time, and the errors that they throw. What
// several threads use at once is in allot/threads.hpp, the page's verbs in allot/use/arena.hpp,
// faces for containers, std::pmr and C libraries in allot/allocator.hpp, allot/pmr.hpp and
// allot/hooks.hpp.
#pragma once

#include <allot/arena.hpp>
#include <allot/block_pool.hpp>
#include <allot/bump.hpp>
#include <allot/error.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/multipool.hpp>
#include <allot/object_pool.hpp>
#include <allot/region.hpp>
#include <allot/scratch.hpp>
#include <allot/slot_arena.hpp>
#include <allot/stack.hpp>
#include <allot/typed_arena.hpp>
#include <allot/version.hpp>
