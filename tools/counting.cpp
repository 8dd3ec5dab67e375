#include "counting.hpp"

#include <allot/abi.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

#if defined(__GLIBC__)
#include <cerrno>
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#endif
#if defined(ALLOT_ASAN)
// From <sanitizer/allocator_interface.h>, which GCC has in its library only.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* p);
// NOLINTEND(bugprone-reserved-identifier)
#endif

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

} // namespace

void add_mapped(std::size_t bytes) {
  if (!counting)
    return;
  hold(bytes);
  let_go(bytes);
}

#if defined(ALLOT_ASAN)

namespace {
void install_hooks() {
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
} // namespace

#elif defined(__GLIBC__)

namespace {

void install_hooks() {} // the functions below are in place from the start

void* taken(void* p) {
  if (counting && p != nullptr) {
    ++usage.calls;
    hold(malloc_usable_size(p));
  }
  return p;
}

} // namespace

// A program may define these itself; glibc keeps its own under other names.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t bytes) noexcept {
  return taken(__libc_malloc(bytes));
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return taken(__libc_calloc(count, bytes));
}
void* realloc(void* p, std::size_t bytes) noexcept {
  const std::size_t before = counting ? malloc_usable_size(p) : 0;
  void* const moved = __libc_realloc(p, bytes);
  if (counting && (moved != nullptr || bytes == 0))
    let_go(before);
  return taken(moved);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return taken(__libc_memalign(alignment, bytes));
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return memalign(alignment, bytes);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void* const given = memalign(alignment, bytes);
  if (given == nullptr)
    return ENOMEM;
  *p = given;
  return 0;
}
void free(void* p) noexcept {
  if (counting)
    let_go(malloc_usable_size(p));
  __libc_free(p);
}
}

#endif

#if defined(__GLIBC__)

extern "C" void* mmap(void* p, std::size_t bytes, int protection, int flags, int file,
                      off_t offset) noexcept {
  static const auto next = reinterpret_cast<decltype(&mmap)>(dlsym(RTLD_NEXT, "mmap"));
  if (counting)
    ++usage.calls;
  return next(p, bytes, protection, flags, file, offset);
}

void start() {
  install_hooks();
  usage = {};
  held = 0;
  counting = true;
}

std::optional<Usage> stop() {
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
