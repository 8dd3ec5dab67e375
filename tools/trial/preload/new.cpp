// operator new and delete, in front of the program's own.
//
// Where the next ones are the standard library's, they are malloc, free and what to do without
// memory; only for the latter they are called. Others may have blocks of their own, which malloc
// and free know nothing about: those are called always, and only what they call is looked up.
#include <cstddef>
#include <new>

#include "../../preload/next_new.hpp"
#include "serve.hpp"

using namespace preload;
using namespace trial;

namespace {

enum class Kind : std::uint8_t { unknown, standard, other };
constinit std::atomic<Kind> kind_of_next{Kind::unknown};

[[gnu::cold]] bool learn_kind() {
  find_next();
  const AtWork at_work;
  const bool standard = is_new_standard();
  kind_of_next = standard ? Kind::standard : Kind::other;
  return standard;
}

[[gnu::always_inline]] inline bool is_standard() {
  const Kind kind = kind_of_next.load(std::memory_order_relaxed);
  return kind == Kind::unknown ? learn_kind() : kind == Kind::standard;
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void* make(Function<F>& function, std::size_t bytes,
                                         Arguments... arguments) {
  if (is_standard()) [[likely]] {
    const std::size_t least = bytes == 0 ? 1 : bytes;
    if (void* const p = serve_or_malloc(least, caller())) [[likely]]
      return p;
  }
  return function.get()(bytes, arguments...);
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void* make_aligned(Function<F>& function, std::size_t bytes,
                                                 std::align_val_t alignment,
                                                 Arguments... arguments) {
  const auto n = static_cast<std::size_t>(alignment);
  const std::size_t rounded = ((bytes == 0 ? 1 : bytes) + n - 1) & ~(n - 1); // as it has to be
  if (is_standard() && rounded >= bytes) {
    if (void* const p = serve_aligned(bytes, n, caller()))
      return p;
    if (void* const p = next.aligned_alloc(n, rounded))
      return p;
  }
  return function.get()(bytes, alignment, arguments...);
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void release(Function<F>& function, void* p, Arguments... arguments) {
  if (plan.range.has(p))
    give_back(p);
  else if (!p)
    return;
  else if (is_standard()) [[likely]]
    next.free(p);
  else
    function.get()(p, arguments...);
}

} // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

#pragma GCC visibility push(default)
void* operator new(size_t n) {
  return make(next_new, n);
}
void* operator new[](size_t n) {
  return make(next_new_array, n);
}
void* operator new(size_t n, const nothrow_t& t) noexcept {
  return make<NewNothrow, const nothrow_t&>(next_new_nothrow, n, t);
}
void* operator new[](size_t n, const nothrow_t& t) noexcept {
  return make<NewNothrow, const nothrow_t&>(next_new_array_nothrow, n, t);
}
void* operator new(size_t n, align_val_t a) {
  return make_aligned(next_new_aligned, n, a);
}
void* operator new[](size_t n, align_val_t a) {
  return make_aligned(next_new_array_aligned, n, a);
}
void* operator new(size_t n, align_val_t a, const nothrow_t& t) noexcept {
  return make_aligned<NewAlignedNothrow, const nothrow_t&>(next_new_aligned_nothrow, n, a, t);
}
void* operator new[](size_t n, align_val_t a, const nothrow_t& t) noexcept {
  return make_aligned<NewAlignedNothrow, const nothrow_t&>(next_new_array_aligned_nothrow, n, a, t);
}

void operator delete(void* p) noexcept {
  release(next_delete, p);
}
void operator delete(void* p, size_t) noexcept {
  release(next_delete, p);
}
void operator delete(void* p, const nothrow_t&) noexcept {
  release(next_delete, p);
}
void operator delete[](void* p) noexcept {
  release(next_delete_array, p);
}
void operator delete[](void* p, size_t) noexcept {
  release(next_delete_array, p);
}
void operator delete[](void* p, const nothrow_t&) noexcept {
  release(next_delete_array, p);
}
void operator delete(void* p, align_val_t a) noexcept {
  release(next_delete_aligned, p, a);
}
void operator delete(void* p, size_t, align_val_t a) noexcept {
  release(next_delete_aligned, p, a);
}
void operator delete(void* p, align_val_t a, const nothrow_t&) noexcept {
  release(next_delete_aligned, p, a);
}
void operator delete[](void* p, align_val_t a) noexcept {
  release(next_delete_array_aligned, p, a);
}
void operator delete[](void* p, size_t, align_val_t a) noexcept {
  release(next_delete_array_aligned, p, a);
}
void operator delete[](void* p, align_val_t a, const nothrow_t&) noexcept {
  release(next_delete_array_aligned, p, a);
}
#pragma GCC visibility pop
