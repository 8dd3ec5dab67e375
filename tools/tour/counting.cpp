#include "counting.hpp"

#include <allot/base/abi.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <cerrno>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#endif

// NOLINTBEGIN(bugprone-reserved-identifier): these are what the C library calls them.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {
#if defined(ALLOT_ASAN)
// From <sanitizer/allocator_interface.h>, which GCC comes without.
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                  std::size_t),
                                              void (*free_hook)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* p);
#elif defined(__GLIBC__)
// A program may define malloc and its kin; these are glibc's own, behind them.
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
#endif
}

namespace tour::counting {
namespace {

constinit bool counting = false;
constinit Usage usage;
constinit std::ptrdiff_t held = 0; // below 0 when more is freed than was allocated since the start

void hold(std::size_t bytes) {
  held += static_cast<std::ptrdiff_t>(bytes);
  if (held > 0)
    usage.peak_bytes = std::max(usage.peak_bytes, static_cast<std::size_t>(held));
}
void let_go(std::size_t bytes) {
  held -= static_cast<std::ptrdiff_t>(bytes);
}

#if defined(ALLOT_ASAN)

void count_malloc(bool) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t bytes) {
        if (counting) {
          ++usage.calls;
          hold(bytes);
        }
      },
      [](const volatile void* p) {
        if (counting && p != nullptr)
          let_go(__sanitizer_get_allocated_size(p));
      });
  (void)installed;
}

#elif defined(__GLIBC__)

void* counted(void* p) {
  if (p != nullptr) {
    ++usage.calls;
    hold(malloc_usable_size(p));
  }
  return p;
}
void* counted_malloc(std::size_t bytes) noexcept {
  return counted(__libc_malloc(bytes));
}
void* counted_calloc(std::size_t count, std::size_t bytes) noexcept {
  return counted(__libc_calloc(count, bytes));
}
void* counted_realloc(void* p, std::size_t bytes) noexcept {
  const std::size_t before = malloc_usable_size(p);
  void* const moved = __libc_realloc(p, bytes);
  if (moved != nullptr || bytes == 0)
    let_go(before);
  return counted(moved);
}
void* counted_memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return counted(__libc_memalign(alignment, bytes));
}
void counted_free(void* p) noexcept {
  let_go(malloc_usable_size(p));
  __libc_free(p);
}

// What malloc and its kin jump to, so that a timed run has no test on its way.
struct Functions {
  decltype(&__libc_malloc) malloc;
  decltype(&__libc_calloc) calloc;
  decltype(&__libc_realloc) realloc;
  decltype(&__libc_memalign) memalign;
  decltype(&__libc_free) free;
};
constexpr Functions plain{__libc_malloc, __libc_calloc, __libc_realloc, __libc_memalign,
                          __libc_free};
constexpr Functions counted_ones{counted_malloc, counted_calloc, counted_realloc, counted_memalign,
                                 counted_free};
constinit Functions functions = plain;

void count_malloc(bool on) {
  functions = on ? counted_ones : plain;
}

#endif

} // namespace

void add_mapped(std::size_t bytes) {
  if (!counting)
    return;
  hold(bytes);
  let_go(bytes);
}

#if defined(__GLIBC__)

void start() {
  usage = {};
  held = 0;
  counting = true;
  count_malloc(true);
}

std::optional<Usage> stop() {
  count_malloc(false);
  counting = false;
  return usage;
}

#else

void start() {}

std::optional<Usage> stop() {
  return std::nullopt;
}

#endif

} // namespace tour::counting

#if defined(__GLIBC__)

extern "C" {

void* mmap(void* p, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  static const auto next = reinterpret_cast<decltype(&mmap)>(dlsym(RTLD_NEXT, "mmap"));
  if (tour::counting::counting)
    ++tour::counting::usage.calls;
  return next(p, bytes, protection, flags, file, offset);
}

#if !defined(ALLOT_ASAN)

using tour::counting::functions;

void* malloc(std::size_t bytes) noexcept {
  return functions.malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return functions.calloc(count, bytes);
}
void* realloc(void* p, std::size_t bytes) noexcept {
  return functions.realloc(p, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return functions.memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return functions.memalign(alignment, bytes);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || !std::has_single_bit(alignment))
    return EINVAL;
  void* const given = functions.memalign(alignment, bytes);
  if (given == nullptr)
    return ENOMEM;
  *p = given;
  return 0;
}
void free(void* p) noexcept {
  functions.free(p);
}

#endif
}

#if !defined(ALLOT_ASAN)

// The same as the standard library's. From there, malloc would be one jump further away than it is
// in a program that does not count, which was measured to cost the timed runs a tenth.
void* operator new(std::size_t bytes) {
  void* const p = std::malloc(bytes);
  if (p == nullptr)
    throw std::bad_alloc();
  return p;
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

#endif
#endif
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
// NOLINTEND(bugprone-reserved-identifier)
