// malloc and its kin, in front of the program's own.
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "serve.hpp"

using namespace preload;
using namespace trial;

namespace {

// A block that realloc takes from where it is to a strategy, or away from one.
void* move(void* p, std::size_t before, std::size_t bytes, void* to) {
  if (!to)
    to = malloc_or_early(bytes);
  if (to)
    std::memcpy(to, p, before < bytes ? before : bytes);
  return to;
}

void* resize_ours(void* p, std::size_t bytes, Registers caller) {
  Strategy& holder = strategy_of(p);
  const Call call = look_at(caller);
  Strategy* const wanted = call.place ? strategy_for(call, caller.sp, caller.bp) : nullptr;
  if (bytes == 0) {
    give_back(p);
    return nullptr;
  }
  const bool mine_too = holder.owner() == &mine;
  if (wanted == &holder && mine_too && holder.try_resize(p, bytes))
    return p;
  void* room = nullptr;
  if (wanted && wanted->serves())
    room = wanted->allocate_growing(bytes);
  else if (wanted)
    wanted->pass_on();
  void* const moved = move(p, holder.size_of(p), bytes, room);
  if (!moved)
    return nullptr;
  if (mine_too) {
    if (!wanted || wanted->route() != holder.route())
      holder.count_left();
    holder.deallocate_moved(p);
  } else {
    holder.deallocate_foreign(p);
  }
  return moved;
}

[[gnu::always_inline]] inline void* resize(void* p, std::size_t bytes, Registers caller) {
  if (plan.range.has(p))
    return resize_ours(p, bytes, caller);
  if (!p || is_early(p)) [[unlikely]] {
    void* const made = serve(bytes, caller);
    return p ? move(p, early_size(p), bytes, made) : made ? made : malloc_or_early(bytes);
  }
  void* const made = bytes == 0 ? nullptr : serve(bytes, caller);
  if (!made) [[likely]]
    return next.realloc(p, bytes);
  move(p, next.usable_size(p), bytes, made);
  next.free(p);
  return made;
}

[[gnu::constructor]] void on_load() {
  if (ready() && !plan.settled)
    settle(caller().sp);
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t bytes) {
  return serve_or_malloc(bytes, caller());
}

void* calloc(std::size_t count, std::size_t bytes) {
  std::size_t all;
  if (!__builtin_mul_overflow(count, bytes, &all)) [[likely]]
    if (void* const p = serve(all, caller()))
      return std::memset(p, 0, all);
  if (!ready()) // there is a size to it, and its memory is fresh
    return early_or_null(count * bytes);
  return next.calloc(count, bytes);
}

void free(void* p) {
  if (plan.range.has(p)) {
    give_back(p);
    return;
  }
  if (!is_early(p) && ready())
    next.free(p);
}

void* realloc(void* p, std::size_t bytes) {
  return resize(p, bytes, caller());
}

void* reallocarray(void* p, std::size_t count, std::size_t bytes) {
  std::size_t all;
  if (!__builtin_mul_overflow(count, bytes, &all))
    return resize(p, all, caller());
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  if (void* const p = serve_aligned(bytes, alignment, caller()))
    return p;
  return ready() ? next.aligned_alloc(alignment, bytes) : early_or_null(bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  if (void* const p = serve_aligned(bytes, alignment, caller()))
    return p;
  return ready() ? next.memalign(alignment, bytes) : early_or_null(bytes);
}

int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) {
  if (alignment % sizeof(void*) == 0)
    if (void* const made = serve_aligned(bytes, alignment, caller())) {
      *p = made;
      return 0;
    }
  return ready() ? next.posix_memalign(p, alignment, bytes) : ENOMEM;
}

void* valloc(std::size_t bytes) {
  if (void* const p = serve_aligned(bytes, 4096, caller()))
    return p;
  return ready() ? next.valloc(bytes) : early_or_null(bytes);
}

void* pvalloc(std::size_t bytes) {
  const std::size_t pages = (bytes + 4095) & ~std::size_t{4095};
  if (void* const p = pages >= bytes ? serve_aligned(pages, 4096, caller()) : nullptr)
    return p;
  return ready() ? next.pvalloc(bytes) : early_or_null(bytes);
}

std::size_t malloc_usable_size(void* p) {
  if (plan.range.has(p))
    return strategy_of(p).size_of(p);
  if (!p || !ready())
    return 0;
  return is_early(p) ? early_size(p) : next.usable_size(p);
}

// Called by a jump: dlopen looks where its caller says, by the address that it is to return to.
void* dlopen(const char* file, int mode) {
  ready();
  opening(caller());
  return next.dlopen(file, mode);
}

int dlclose(void* library) {
  ready();
  const int result = next.dlclose(library);
  closed();
  return result;
}

} // extern "C"
#pragma GCC visibility pop
