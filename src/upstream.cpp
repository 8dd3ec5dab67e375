#include <allot/upstream.hpp>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// What upstream gives, right or wrong. The standard's declaration promises what `take` checks:
// volatile keeps the compiler from believing it, the attribute keeps UBSan from reporting it first.
__attribute__((no_sanitize("alignment"))) void* ask(std::pmr::memory_resource& upstream,
                                                    std::size_t bytes, std::size_t alignment) {
  void* volatile given = upstream.allocate(bytes, alignment);
  return given;
}

void* take(std::pmr::memory_resource& upstream, std::size_t bytes, std::size_t alignment,
           const char* owner) {
  if (bytes > largest_request || alignment > largest_request)
    throw_exhausted(owner, Errc::system_refused, "%zu bytes aligned to %zu asked of a resource",
                    bytes, alignment);
  void* const p = ask(upstream, bytes, alignment);
  if (p == nullptr)
    throw_exhausted(owner, Errc::system_refused, "the resource gave null for %zu bytes", bytes);
  if (padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0) {
    upstream.deallocate(p, bytes, alignment);
    throw_exhausted(owner, Errc::system_refused,
                    "the resource gave %zu bytes at a misaligned address", bytes);
  }
  return p;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
