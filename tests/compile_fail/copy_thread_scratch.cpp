// first error: deleted
#include <allot/threads/thread_scratch.hpp>

#include <utility>

void use() {
  allot::ThreadScratch& scratch = allot::thread_scratch();
  (void)scratch.allocate(8);
#ifdef MUST_FAIL
  allot::ThreadScratch moved = std::move(scratch);
#endif
}
