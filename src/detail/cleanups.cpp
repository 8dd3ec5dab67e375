#include <allot/detail/cleanups.hpp>

namespace allot {
inline namespace ALLOT_ABI {

void Cleanups::run_back_to(const Position& to, Cursor& cursor) noexcept {
  const std::uintptr_t limit = cursor.close();
  destroy_back_to(to);
  cursor.reopen(limit);
}

void Cleanups::destroy_back_to(const Position& to) noexcept {
  running_ = true;
  while (at_.newest != to.newest) {
    Record* const record = at_.newest;
    annotate::show(record, sizeof(ArrayRecord)); // a plain record's object follows, and is readable
    at_.newest = record->older;
    record->destroy(record);
  }
  at_.count = to.count;
  running_ = false;
}

bool Cleanups::report_running(Label who, const char* done) const noexcept {
  if (running_)
    report_misuse(who, Errc::busy, "%s while its own destructors run", done);
  return running_;
}

} // namespace ALLOT_ABI
} // namespace allot
