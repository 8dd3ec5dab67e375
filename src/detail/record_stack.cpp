#include <allot/detail/buffer_records.hpp>

#include <cstdlib>

namespace allot {
inline namespace ALLOT_ABI {

void throw_no_marks(Label owner, std::size_t marks, std::size_t bytes) {
  throw_misuse(owner, Errc::bad_size, "a buffer of %zu bytes has no room for %zu marks", bytes,
               marks);
}

// Where the room for so many bytes ends.
std::byte* RecordRoom::take(std::size_t bytes, Label owner, UpstreamRef upstream) {
  void* taken = nullptr;
  if (upstream)
    taken = upstream.allocate(bytes, alignof(std::max_align_t), owner);
  else if (bytes <= largest_request)
    taken = std::malloc(bytes);
  if (taken == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the heap refused %zu bytes for its records",
                    bytes);
  begin_ = static_cast<std::byte*>(taken);
  bytes_ = bytes;
  upstream_ = upstream;
  return begin_ + bytes;
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
