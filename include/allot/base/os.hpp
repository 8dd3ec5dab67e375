// The operating system behind one small set of functions: src/os_posix.cpp (Linux, macOS) and
// src/os_windows.cpp are the only files that name a system call.
//
// All addresses and sizes are multiples of `page_size()`. Nothing here throws: a refusal is null
// or false, and has changed nothing.
#pragma once

#include <allot/base/abi.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace os {

/// Whether a reservation can be readable and writable as a whole, its pages supplied at first
/// touch without a call. Where it can't, each page must be committed before use.
#if defined(_WIN32)
inline constexpr bool has_demand_paging = false;
#else
inline constexpr bool has_demand_paging = true;
#endif

/// The bytes that a huge page has where the system offers them, and the alignment they need.
inline constexpr std::size_t huge_page_size = std::size_t{2} << 20;

enum class Access : bool { none, read_write };

[[nodiscard]] std::size_t page_size() noexcept;

/// Reserves addresses, zero-filled when they are first touched. With Access::none they are only
/// addresses, and cost no memory and no commit charge.
[[nodiscard]] std::byte* reserve(std::size_t bytes, Access access) noexcept;
void release(std::byte* p, std::size_t bytes) noexcept;

/// Makes reserved pages readable and writable.
[[nodiscard]] bool commit(std::byte* p, std::size_t bytes) noexcept;
/// Gives physical pages back; they read as zero when they are next committed, or touched. With
/// Access::none the commit charge goes too, and so does advice.
void decommit(std::byte* p, std::size_t bytes, Access afterwards) noexcept;
/// Supplies the physical pages of committed memory now rather than at first touch.
[[nodiscard]] bool populate(std::byte* p, std::size_t bytes) noexcept;
/// Moves the pages of committed memory to other addresses that are committed, and whose own pages
/// go. What stays reads as zero. False: the system cannot (Linux can, from 5.7 on; from 6.17 on
/// pages of several mappings too); nothing was moved, but the pages at `to` may have gone.
[[nodiscard]] bool move_pages(std::byte* from, std::byte* to, std::size_t bytes) noexcept;
/// As decommit, and with a mapping as `reserve` made it: addresses that pages were moved to are one
/// mapping with their neighbours again. Advice goes too.
[[nodiscard]] bool renew(std::byte* p, std::size_t bytes, Access afterwards) noexcept;
/// Makes pages unreadable for good: a guard.
[[nodiscard]] bool protect(std::byte* p, std::size_t bytes) noexcept;
/// Asks for huge pages, or for none; only advice.
void advise_huge(std::byte* p, std::size_t bytes, bool wanted) noexcept;

/// Makes every thread of the process pass a full memory barrier, which those that run elsewhere
/// need not know of. False: the system cannot, or forbids it by now.
[[nodiscard]] bool fence_threads() noexcept;
/// Whether it could when this was first asked.
[[nodiscard]] bool can_fence_threads() noexcept;
/// Has `before` called before each fork, and after it one of the others. What is told last is
/// called first before the fork. False: no memory, or no fork here.
bool at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

/// A file that backs a mapping. `none` means no file.
enum class File : std::intptr_t { none = -1 };
/// Why a file was refused: a number that errno may have.
enum class FileError : int { none = 0, exists = EEXIST };

/// Makes a new, empty file; an existing one is refused.
[[nodiscard]] FileError create_file(const char* path, File& file) noexcept;
/// Maps `bytes` of the file, shared, over the reserved addresses at `p`. Pages past the file's end
/// must not be touched before `extend_file`.
[[nodiscard]] FileError map_file(std::byte* p, std::size_t bytes, File file) noexcept;
/// Gives the file of `from` bytes `bytes`, with room on the disk for those that are new.
[[nodiscard]] bool extend_file(File file, std::size_t from, std::size_t bytes) noexcept;
/// Cuts the file down to `bytes` bytes.
void shorten_file(File file, std::size_t bytes) noexcept;
void close_file(File file) noexcept;
void remove_file(const char* path) noexcept;

} // namespace os
} // namespace ALLOT_ABI
} // namespace allot
