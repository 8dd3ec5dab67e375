// A range of addresses from the operating system, committed from the front.
//
//   base                                                          base + extent
//   | guard |  ready: may be touched   |  reserved: addresses only   | guard |
//           data()                     data() + ready()        data() + size()
//
// Under `demand` all of it is ready from the start and the kernel supplies pages at first touch;
// running out of physical memory then kills the process and cannot be reported. Under `strict`
// pages are unreadable until they are committed, and a refused commit can be reported. Windows,
// instrumented builds and file-backed mappings are always strict.
//
// After fork the child has a copy (copy on write), except of a file's pages, which are shared.
#pragma once

#include <allot/base/errc.hpp>
#include <allot/base/os.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

enum class HugePages {
  automatic, ///< for reservations of 64 MiB and more, beyond the first 2 MiB
  never,
  always,
};

enum class Commit { demand, strict };

/// The path of a file, a copy of what a const char* or whatever has `c_str()` says; std::string
/// would cost every strategy's header its weight. Exhausted: the heap refused.
class FilePath {
public:
  FilePath() = default; ///< of no file
  FilePath(const char* path);
  template <class P>
    requires requires(const P& path) {
      { path.c_str() } -> std::convertible_to<const char*>;
    }
  FilePath(const P& path) : FilePath(static_cast<const char*>(path.c_str())) {}
  FilePath(const FilePath& other) : FilePath(other.path_) {}
  FilePath(FilePath&& other) noexcept : path_(std::exchange(other.path_, nullptr)) {}
  FilePath& operator=(FilePath other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~FilePath() {
    if (path_ != nullptr)
      free();
  }

  [[nodiscard]] const char* c_str() const noexcept { return path_; }
  [[nodiscard]] bool empty() const noexcept { return path_ == nullptr || *path_ == 0; }

private:
  void free() noexcept;

  char* path_ = nullptr;
};

struct MapOptions {
  bool zero = true; ///< whether reset zeroes what was used
  HugePages huge_pages = HugePages::automatic;
  bool guard_pages = false; ///< an unreadable page on each side
  Commit commit = Commit::demand;
  std::size_t marks = 0;      ///< how many checkpoints have room set aside for them
  FilePath file = {};         ///< of a NEW file to back the memory; not removed afterwards
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

class Mapping {
public:
  Mapping() = default;
  /// Reserves `bytes`, rounded up to whole pages. `owner` is named in errors.
  /// Exhausted: the system refused. Misuse: the file exists or cannot be made.
  Mapping(Label owner, std::size_t bytes, const MapOptions& options);
  /// As the constructor, but an empty mapping if the system refused. No file, and no guard pages.
  [[nodiscard]] static Mapping try_reserve(std::size_t bytes, Commit commit,
                                           HugePages huge_pages) noexcept;
  Mapping(Mapping&& other) noexcept { *this = static_cast<Mapping&&>(other); }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { release(); }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t ready() const noexcept { return ready_; }
  /// Whether pages must be committed before they are touched.
  [[nodiscard]] bool is_strict() const noexcept { return strict_; }

  /// Makes at least [0, bytes) ready, and some more, so that growing byte by byte costs few calls.
  [[nodiscard]] bool commit(std::size_t bytes) noexcept;
  /// Supplies the physical pages of [from, to) now. What is not ready yet becomes so.
  [[nodiscard]] bool populate(std::size_t from, std::size_t to) noexcept;
  /// Gives back all whole pages at and above `bytes`; they read as zero when next used.
  void trim(std::size_t bytes) noexcept;
  void release() noexcept;

  /// What `os::release` takes; the mapping itself is left empty and its file closed.
  struct Range {
    std::byte* base;
    std::size_t extent;
  };
  [[nodiscard]] Range detach() noexcept;

private:
  [[nodiscard]] bool reserve(std::size_t bytes, std::size_t guard) noexcept;
  [[nodiscard]] bool make_ready(std::size_t bytes) noexcept;
  void advise(std::size_t from, std::size_t to) noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t ready_ = 0;
  std::byte* base_ = nullptr;
  std::size_t extent_ = 0;
  os::File file_ = os::File::none;
  HugePages huge_pages_ = HugePages::automatic;
  bool strict_ = false;
};

} // namespace ALLOT_ABI
} // namespace allot
