#include <allot/detail/end_records.hpp>

#include <cstdlib>

namespace allot {
inline namespace ALLOT_ABI {

void detail::throw_no_marks(Label owner, std::size_t marks, std::size_t bytes) {
  throw_misuse(owner, Errc::bad_size, "a buffer of %zu bytes has no room for %zu marks", bytes,
               marks);
}

// The end of room for `bytes`, the last of which are those at `kept`, in the room before.
std::byte* RecordRoom::extend(std::size_t bytes, const void* kept, std::size_t kept_bytes,
                              Label owner, UpstreamRef upstream) {
  void* grown = nullptr;
  if (upstream)
    grown = upstream.allocate(bytes, alignof(std::max_align_t), owner);
  else if (bytes <= largest_request)
    grown = std::malloc(bytes);
  if (grown == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes for its records",
                    bytes);
  std::byte* const top = static_cast<std::byte*>(grown) + bytes;
  if (kept_bytes != 0)
    std::memcpy(top - kept_bytes, kept, kept_bytes);
  release();
  begin_ = static_cast<std::byte*>(grown);
  bytes_ = bytes;
  upstream_ = upstream;
  return top;
}

void RecordRoom::release() noexcept {
  if (begin_ == nullptr)
    return;
  if (upstream_)
    upstream_.deallocate(begin_, bytes_, alignof(std::max_align_t));
  else
    std::free(begin_);
  begin_ = nullptr;
}

} // namespace ALLOT_ABI
} // namespace allot
