// Linux and macOS.
#include <allot/base/os.hpp>

#if !defined(_WIN32)

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace allot {
inline namespace ALLOT_ABI {
namespace os {

namespace detail {

int protection(Access access) noexcept {
  return access == Access::none ? PROT_NONE : PROT_READ | PROT_WRITE;
}

std::byte* map(std::byte* at, std::size_t bytes, Access access, int flags) noexcept {
  flags |= MAP_PRIVATE | MAP_ANONYMOUS;
  // What is readable from the start would be charged as a whole; what is not is charged page by
  // page when it is committed, which is what lets a commit be refused.
  if (access == Access::read_write)
    flags |= MAP_NORESERVE;
  void* p = mmap(at, bytes, protection(access), flags, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

// Volatile, so that the write of what is there already is not optimized away, and out of
// AddressSanitizer's sight, since what is populated may be poisoned.
[[gnu::no_sanitize_address]] void touch_pages(std::byte* p, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += page_size()) {
    volatile std::byte* page = p + at;
    *page = *page;
  }
}

} // namespace detail

std::size_t page_size() noexcept {
  static const std::size_t size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::byte* reserve(std::size_t bytes, Access access) noexcept {
  return detail::map(nullptr, bytes, access, 0);
}

void release(std::byte* p, std::size_t bytes) noexcept {
  munmap(p, bytes);
}

bool commit(std::byte* p, std::size_t bytes) noexcept {
  return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

void decommit(std::byte* p, std::size_t bytes, Access afterwards) noexcept {
  bool dropped = false;
#if defined(__linux__)
  dropped = madvise(p, bytes, MADV_DONTNEED) == 0; // which it is not if the pages are locked
  if (dropped && afterwards == Access::read_write)
    return;
#endif
  // A new mapping in the same place, since Linux would not give back the commit charge of one that
  // only becomes unreadable, and elsewhere MADV_DONTNEED may keep the contents.
  if (detail::map(p, bytes, afterwards, MAP_FIXED) == nullptr && !dropped)
    std::memset(p, 0, bytes); // kept, but zero as promised
}

bool populate(std::byte* p, std::size_t bytes) noexcept {
#if defined(__linux__)
#if !defined(MADV_POPULATE_WRITE)
  constexpr int MADV_POPULATE_WRITE = 23;
#endif
  int result;
  do {
    result = madvise(p, bytes, MADV_POPULATE_WRITE);
  } while (result != 0 && (errno == EAGAIN || errno == EINTR));
  if (result == 0)
    return true;
  if (errno != EINVAL && errno != ENOSYS) // a kernel before 5.14 does not know the advice
    return false;
#endif
  detail::touch_pages(p, bytes);
  return true;
}

// What stays keeps its mapping: the hole that it would leave might be another thread's before it
// was filled. Where a move fails some kernels have unmapped `to` by then.
bool move_pages(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
#if defined(__linux__)
#if !defined(MREMAP_DONTUNMAP)
  constexpr int MREMAP_DONTUNMAP = 4;
#endif
#if !defined(MAP_FIXED_NOREPLACE)
  constexpr int MAP_FIXED_NOREPLACE = 0x100000;
#endif
  if (mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) !=
      MAP_FAILED)
    return true;
  if (!commit(to, bytes))
    (void)detail::map(to, bytes, Access::read_write, MAP_FIXED_NOREPLACE);
#else
  (void)from, (void)to, (void)bytes;
#endif
  return false;
}

bool renew(std::byte* p, std::size_t bytes, Access afterwards) noexcept {
  return detail::map(p, bytes, afterwards, MAP_FIXED) != nullptr;
}

bool protect(std::byte* p, std::size_t bytes) noexcept {
  return mprotect(p, bytes, PROT_NONE) == 0;
}

void advise_huge(std::byte* p, std::size_t bytes, bool wanted) noexcept {
#if defined(__linux__)
  madvise(p, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
  (void)p, (void)bytes, (void)wanted;
#endif
}

#if defined(__linux__) && defined(SYS_membarrier)
// From 4.14 on. The first call tells the kernel, whose barriers cost less then.
namespace detail {
bool membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0, 0) == 0;
}
constexpr int private_expedited = 1 << 3;
constexpr int register_private_expedited = 1 << 4;
} // namespace detail

bool fence_threads() noexcept {
  return can_fence_threads() && detail::membarrier(detail::private_expedited);
}

bool can_fence_threads() noexcept {
  static const bool can = detail::membarrier(detail::register_private_expedited) &&
                          detail::membarrier(detail::private_expedited);
  return can;
}
#else
bool fence_threads() noexcept {
  return false;
}

bool can_fence_threads() noexcept {
  return false;
}
#endif

bool at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  return pthread_atfork(before, in_parent, in_child) == 0;
}

FileError create_file(const char* path, File& file) noexcept {
  const int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return FileError{errno};
  file = File{descriptor};
  return FileError::none;
}

FileError map_file(std::byte* p, std::size_t bytes, File file) noexcept {
  void* const mapped =
      mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, static_cast<int>(file), 0);
  return mapped == MAP_FAILED ? FileError{errno} : FileError::none;
}

bool extend_file(File file, std::size_t from, std::size_t bytes) noexcept {
#if defined(__linux__)
  // Blocks are allocated now: a full disk is a refusal here, and would be SIGBUS at first touch.
  int result;
  do {
    result = posix_fallocate(static_cast<int>(file), static_cast<off_t>(from),
                             static_cast<off_t>(bytes - from));
  } while (result == EINTR);
  if (result != 0)
    shorten_file(file, from); // which may have got some of it
  return result == 0;
#else
  (void)from;
  return ftruncate(static_cast<int>(file), static_cast<off_t>(bytes)) == 0;
#endif
}

void shorten_file(File file, std::size_t bytes) noexcept {
  (void)!ftruncate(static_cast<int>(file), static_cast<off_t>(bytes));
}

void close_file(File file) noexcept {
  close(static_cast<int>(file));
}

void remove_file(const char* path) noexcept {
  unlink(path);
}

} // namespace os
} // namespace ALLOT_ABI
} // namespace allot

#endif
