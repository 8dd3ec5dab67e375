// malloc and its kin, in front of the program's own.
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <unistd.h>

#include "../../preload/next.hpp"
#include "caller.hpp"

using namespace preload;
using namespace record;
using trace::Operation;

namespace {

void* early_or_null(std::size_t bytes) {
  void* const p = early_block(bytes);
  if (!p)
    errno = ENOMEM;
  return p;
}

bool ready() {
  return __builtin_expect(next.dlclose != nullptr, true) || find_next();
}

[[gnu::always_inline]] inline void* resize(void* p, std::size_t bytes) {
  if (!p || !ready() || is_early(p)) {
    void* const made = ready() ? next.malloc(bytes) : early_or_null(bytes);
    if (made && p)
      std::memcpy(made, p, early_size(p) < bytes ? early_size(p) : bytes);
    return ready() ? allocated(made, {.operation = Operation::malloc, .size = bytes}) : made;
  }
  Event event{.operation = Operation::reallocate, .address = address(p), .size = bytes};
  if (!is_off()) { // it may be another thread's at once
    begin(caller());
    event.order = next_order();
  }
  void* const moved = next.realloc(p, bytes);
  if (is_off() || (!moved && bytes != 0))
    return moved;
  if (!moved)
    event.operation = Operation::free;
  event.got = address(moved);
  take_down(event, caller());
  return moved;
}

[[gnu::constructor]] void on_load() {
  if (ready())
    begin(caller());
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t bytes) {
  if (!ready())
    return early_or_null(bytes);
  return allocated(next.malloc(bytes), {.operation = Operation::malloc, .size = bytes});
}

void* calloc(std::size_t count, std::size_t bytes) {
  if (!ready()) // there is a size to it, and its memory is fresh
    return early_or_null(count * bytes);
  return allocated(next.calloc(count, bytes),
                   {.operation = Operation::calloc, .size = count * bytes});
}

void free(void* p) {
  if (!p || is_early(p) || !ready())
    return;
  releasing(Operation::free, p);
  next.free(p);
}

void* realloc(void* p, std::size_t bytes) {
  return resize(p, bytes);
}

void* reallocarray(void* p, std::size_t count, std::size_t bytes) {
  std::size_t all;
  if (!__builtin_mul_overflow(count, bytes, &all))
    return resize(p, all);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  if (!ready())
    return early_or_null(bytes);
  return allocated(
      next.aligned_alloc(alignment, bytes),
      {.operation = Operation::aligned, .log2_alignment = log2(alignment), .size = bytes});
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  if (!ready())
    return early_or_null(bytes);
  return allocated(
      next.memalign(alignment, bytes),
      {.operation = Operation::aligned, .log2_alignment = log2(alignment), .size = bytes});
}

int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) {
  if (!ready())
    return ENOMEM;
  const int error = next.posix_memalign(p, alignment, bytes);
  if (error == 0)
    allocated(*p,
              {.operation = Operation::aligned, .log2_alignment = log2(alignment), .size = bytes});
  return error;
}

void* valloc(std::size_t bytes) {
  if (!ready())
    return early_or_null(bytes);
  return allocated(next.valloc(bytes),
                   {.operation = Operation::aligned, .log2_alignment = 12, .size = bytes});
}

void* pvalloc(std::size_t bytes) {
  if (!ready())
    return early_or_null(bytes);
  return allocated(next.pvalloc(bytes),
                   {.operation = Operation::aligned, .log2_alignment = 12, .size = bytes});
}

std::size_t malloc_usable_size(void* p) {
  if (!p || !ready())
    return 0;
  return is_early(p) ? early_size(p) : next.usable_size(p);
}

int dlclose(void* library) {
  ready();
  const int result = next.dlclose(library);
  if (!is_off())
    after_dlclose(caller());
  return result;
}

} // extern "C"
#pragma GCC visibility pop
