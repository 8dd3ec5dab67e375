// Windows. The project's own tests run it under Wine only; see docs/platforms.md.
#include <allot/base/os.hpp>

#if defined(_WIN32)

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

namespace allot {
inline namespace ALLOT_ABI {
namespace os {

std::size_t page_size() noexcept {
  static const std::size_t size = [] {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return static_cast<std::size_t>(info.dwPageSize);
  }();
  return size;
}

std::byte* reserve(std::size_t bytes, Access access) noexcept {
  const DWORD type = access == Access::none ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT;
  const DWORD protection = access == Access::none ? PAGE_NOACCESS : PAGE_READWRITE;
  return static_cast<std::byte*>(VirtualAlloc(nullptr, bytes, type, protection));
}

void release(std::byte* p, std::size_t /*bytes*/) noexcept {
  VirtualFree(p, 0, MEM_RELEASE);
}

bool commit(std::byte* p, std::size_t bytes) noexcept {
  return VirtualAlloc(p, bytes, MEM_COMMIT, PAGE_READWRITE) != nullptr;
}

void decommit(std::byte* p, std::size_t bytes, Access afterwards) noexcept {
  VirtualFree(p, bytes, MEM_DECOMMIT);
  if (afterwards == Access::read_write)
    (void)commit(p, bytes);
}

bool populate(std::byte* p, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += page_size()) {
    volatile std::byte* page = p + at;
    *page = *page;
  }
  return true;
}

bool move_pages(std::byte*, std::byte*, std::size_t) noexcept {
  return false;
}

bool renew(std::byte*, std::size_t, Access) noexcept {
  return false; // nothing was moved
}

bool protect(std::byte* p, std::size_t bytes) noexcept {
  VirtualFree(p, bytes, MEM_DECOMMIT); // reserved and not committed: any access faults
  return true;
}

void advise_huge(std::byte*, std::size_t, bool) noexcept {
  // Large pages need a privilege and a commit of the whole at once: not offered.
}

bool fence_threads() noexcept {
  FlushProcessWriteBuffers();
  return true;
}

bool can_fence_threads() noexcept {
  return true;
}

bool at_fork(void (*)(), void (*)(), void (*)()) noexcept {
  return false;
}

// A view of a file cannot be placed over a reservation page by page here without placeholders
// (Windows 10 1803), so a file-backed arena is refused rather than half supported.
FileError create_file(const char*, File&) noexcept {
  return FileError{ENOTSUP};
}
FileError map_file(std::byte*, std::size_t, File) noexcept {
  return FileError{ENOTSUP};
}
bool extend_file(File, std::size_t, std::size_t) noexcept {
  return false;
}
void shorten_file(File, std::size_t) noexcept {}
void close_file(File) noexcept {}
void remove_file(const char*) noexcept {}

} // namespace os
} // namespace ALLOT_ABI
} // namespace allot

#endif
