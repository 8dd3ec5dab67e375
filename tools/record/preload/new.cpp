// operator new and delete, in front of the program's own.
//
// Where the next ones are the standard library's, they are malloc, free and what to do without
// memory; only for the latter they are called. Others may have blocks of their own, which malloc
// and free know nothing about: those are called always, and what they call in turn isn't recorded.
#include <cstddef>
#include <new>

#include "../../preload/next_new.hpp"
#include "caller.hpp"

using namespace preload;
using namespace record;
using trace::Operation;

namespace {

enum class Kind : std::uint8_t { unknown, standard, other };
constinit std::atomic<Kind> kind_of_next{Kind::unknown};

bool learn_kind(Registers caller) {
  find_next();
  const Unseen unseen(caller);
  const bool standard = is_new_standard();
  kind_of_next = standard ? Kind::standard : Kind::other;
  return standard;
}

[[gnu::always_inline]] inline bool is_standard() {
  const Kind kind = kind_of_next.load(std::memory_order_relaxed);
  return kind == Kind::unknown ? learn_kind(caller()) : kind == Kind::standard;
}

// The block of the next function, which may call what the program has told it to when there is no
// memory. A standard one comes back to our malloc, so that its block is seen there.
template <class F, class... Arguments>
void* from_next(Function<F>& function, Event event, Registers caller, Arguments... arguments) {
  if (is_standard())
    return function.get()(arguments...);
  void* p;
  {
    const Unseen unseen(caller);
    p = function.get()(arguments...);
  }
  return allocated(p, event, caller);
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void* make(Operation operation, Function<F>& function,
                                         std::size_t bytes, Arguments... arguments) {
  const Event event{.operation = operation, .size = bytes};
  if (void* const p = is_standard() ? next.malloc(bytes == 0 ? 1 : bytes) : nullptr)
    return allocated(p, event, caller());
  return from_next<F, std::size_t, Arguments...>(function, event, caller(), bytes, arguments...);
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void* make_aligned(Function<F>& function, std::size_t bytes,
                                                 std::align_val_t alignment,
                                                 Arguments... arguments) {
  const auto n = static_cast<std::size_t>(alignment);
  const Event event{.operation = Operation::aligned, .log2_alignment = log2(n), .size = bytes};
  const std::size_t rounded = ((bytes == 0 ? 1 : bytes) + n - 1) & ~(n - 1); // as it has to be
  if (void* const p = is_standard() && rounded >= bytes ? next.aligned_alloc(n, rounded) : nullptr)
    return allocated(p, event, caller());
  return from_next<F, std::size_t, std::align_val_t, Arguments...>(function, event, caller(), bytes,
                                                                   alignment, arguments...);
}

template <class F, class... Arguments>
[[gnu::always_inline]] inline void give_back(Operation operation, Function<F>& function, void* p,
                                             Arguments... arguments) {
  if (!p)
    return;
  releasing(operation, p);
  if (is_standard()) {
    next.free(p);
  } else {
    const Unseen unseen(caller());
    function.get()(p, arguments...);
  }
}

} // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

#pragma GCC visibility push(default)
void* operator new(size_t n) {
  return make(Operation::new_object, next_new, n);
}
void* operator new[](size_t n) {
  return make(Operation::new_array, next_new_array, n);
}
void* operator new(size_t n, const nothrow_t& t) noexcept {
  return make<NewNothrow, const nothrow_t&>(Operation::new_object, next_new_nothrow, n, t);
}
void* operator new[](size_t n, const nothrow_t& t) noexcept {
  return make<NewNothrow, const nothrow_t&>(Operation::new_array, next_new_array_nothrow, n, t);
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
  give_back(Operation::delete_object, next_delete, p);
}
void operator delete(void* p, size_t) noexcept {
  give_back(Operation::delete_object, next_delete, p);
}
void operator delete(void* p, const nothrow_t&) noexcept {
  give_back(Operation::delete_object, next_delete, p);
}
void operator delete[](void* p) noexcept {
  give_back(Operation::delete_array, next_delete_array, p);
}
void operator delete[](void* p, size_t) noexcept {
  give_back(Operation::delete_array, next_delete_array, p);
}
void operator delete[](void* p, const nothrow_t&) noexcept {
  give_back(Operation::delete_array, next_delete_array, p);
}
void operator delete(void* p, align_val_t a) noexcept {
  give_back(Operation::delete_object, next_delete_aligned, p, a);
}
void operator delete(void* p, size_t, align_val_t a) noexcept {
  give_back(Operation::delete_object, next_delete_aligned, p, a);
}
void operator delete(void* p, align_val_t a, const nothrow_t&) noexcept {
  give_back(Operation::delete_object, next_delete_aligned, p, a);
}
void operator delete[](void* p, align_val_t a) noexcept {
  give_back(Operation::delete_array, next_delete_array_aligned, p, a);
}
void operator delete[](void* p, size_t, align_val_t a) noexcept {
  give_back(Operation::delete_array, next_delete_array_aligned, p, a);
}
void operator delete[](void* p, align_val_t a, const nothrow_t&) noexcept {
  give_back(Operation::delete_array, next_delete_array_aligned, p, a);
}
#pragma GCC visibility pop
