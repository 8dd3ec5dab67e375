#include <allot/objects.hpp>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE void Objects::run_back_to(const Position& to, Cursor& cursor) noexcept {
  running_ = true;
  const std::uintptr_t limit = cursor.close();
  while (at_.newest != to.newest) {
    Record* const record = at_.newest;
    annotate::show(record, sizeof(ArrayRecord)); // a plain record's object follows, and is readable
    at_.newest = record->older;
    record->destroy(record);
  }
  at_.count = to.count;
  cursor.reopen(limit);
  running_ = false;
}

ALLOT_INLINE bool Objects::report_running(const char* strategy, const char* done) const noexcept {
  if (running_)
    report_misuse(strategy, Errc::busy, "%s while its own destructors run", done);
  return running_;
}

} // namespace allot::inline ALLOT_ABI
