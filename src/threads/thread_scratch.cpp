#include <allot/threads/thread_scratch.hpp>

#include <new>

namespace allot {
inline namespace ALLOT_ABI {

// An arena that is current from the start stays so: else each scope would begin where there is
// none, and put it aside when it ends. Where nothing is kept, so it has to be.
ThreadScratch::ThreadScratch(std::size_t kept_bytes)
    : Region({.zero = false, .name = "thread_scratch"}), kept_(kept_bytes) {
  void* const first = kept_bytes == 0 ? nullptr : try_allocate(granule);
  if (first != nullptr)
    (void)try_resize(first, granule, 0);
  reset_peak();
}

void ThreadScratch::report_thread(Region::Scope& scope) noexcept {
  report_misuse(label(), Errc::no_checkpoint, "a scope ended in another thread than it began in");
  (void)drop_scope(scope);
}

void ThreadScratch::give_back() noexcept {
  if (has_scope())
    return;
  if (kept_ == 0 && empty())
    release();
  else
    shrink(kept_);
}

void ThreadScratch::end_thread() noexcept {
  end_scopes("its thread ended");
  release();
  kept_ = 0;
}

namespace detail {

constinit thread_local ThreadSpaces thread_spaces = {};

struct ThreadSpacesEnd {
  ThreadSpacesEnd() = default;
  ThreadSpacesEnd(const ThreadSpacesEnd&) = delete;
  ThreadSpacesEnd& operator=(const ThreadSpacesEnd&) = delete;
  ~ThreadSpacesEnd() { thread_spaces.end_thread(); }
  bool told = false;
};
thread_local ThreadSpacesEnd thread_spaces_end;

ThreadScratch& ThreadSpaces::make() {
  if (made == ThreadScratch::count)
    throw_misuse("thread_scratch", Errc::busy,
                 "all %zu that a thread has are avoided, or run destructors", made);
  if (!ended)
    thread_spaces_end.told = true; // made now, so that it is destroyed
  ThreadScratch* const space = ::new (memory[made]) ThreadScratch(ended ? 0 : ThreadScratch::kept);
  ++made;
  return *space;
}

void ThreadSpaces::end_thread() noexcept {
  ended = true;
  for (std::size_t i = 0; i != made; ++i)
    at(i).end_thread();
}

} // namespace detail

} // namespace ALLOT_ABI
} // namespace allot
