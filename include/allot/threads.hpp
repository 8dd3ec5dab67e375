// What several threads use at once. Each strategy has a header of its own, which says what it is
// for and what it is not.
#pragma once

#include <allot/error.hpp>
#include <allot/threads/shared_arena.hpp>
#include <allot/threads/shared_block_pool.hpp>
#include <allot/threads/shared_multipool.hpp>
#include <allot/threads/shared_object_pool.hpp>
#include <allot/threads/thread_scratch.hpp>
