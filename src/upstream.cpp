#include <allot/upstream.hpp>

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

void UpstreamRef::check(Label owner) const {
  if (resource_ == nullptr)
    throw_misuse(owner, Errc::null_pointer, "a null resource was given");
}

void* UpstreamRef::allocate(std::size_t bytes, std::size_t alignment, Label owner) const {
  check(owner);
  if (bytes > largest_request || alignment > largest_request)
    throw_exhausted(owner, Errc::system_refused, "%zu bytes aligned to %zu asked of a resource",
                    bytes, alignment);
  return ask(bytes, alignment, owner);
}

void* UpstreamRef::ask(std::size_t bytes, std::size_t alignment, Label owner) const {
  check(owner);
  if (bytes > max_size - (alignment - 1)) { // a heap that rounds up would wrap, and give a little
    bytes = max_size;
    alignment = max_size / 2 + 1;
  }
  const bool too_large = bytes > largest_request || alignment > largest_request;
  void* const p =
      instrumented && too_large ? nullptr : calls_->allocate(resource_, bytes, alignment);
  if (p != nullptr && too_large)
    deallocate(p, bytes, alignment); // nobody has so much
  if (too_large)
    throw_exhausted(owner, Errc::system_refused, "%zu bytes aligned to %zu asked of a resource",
                    bytes, alignment);
  if (p == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the resource gave null for %zu bytes", bytes);
  if (padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0) {
    deallocate(p, bytes, alignment);
    throw_exhausted(owner, Errc::system_refused,
                    "the resource gave %zu bytes at a misaligned address", bytes);
  }
  return p;
}

} // namespace ALLOT_ABI
} // namespace allot
