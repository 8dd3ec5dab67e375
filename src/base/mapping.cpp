#include <allot/base/mapping.hpp>

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

FilePath::FilePath(const char* path) {
  if (path == nullptr)
    return;
  const std::size_t bytes = std::strlen(path) + 1;
  path_ = static_cast<char*>(std::malloc(bytes));
  if (path_ == nullptr)
    throw_exhausted("file path", Errc::system_refused, "the heap refused %zu bytes", bytes);
  std::memcpy(path_, path, bytes);
}

void FilePath::free() noexcept {
  std::free(path_);
}

namespace detail {
inline constexpr bool always_strict = !os::has_demand_paging || instrumented;
} // namespace detail

Mapping::Mapping(Label owner, std::size_t bytes, const MapOptions& options)
    : huge_pages_(options.huge_pages),
      strict_(options.commit == Commit::strict || detail::always_strict || !options.file.empty()) {
  const std::size_t guard = options.guard_pages ? os::page_size() : 0;
  if (!reserve(bytes, guard))
    throw_exhausted(owner, Errc::system_refused, "the system refused to reserve %zu bytes", bytes);
  if (guard != 0 && !strict_ &&
      !(os::protect(data_ - guard, guard) && os::protect(data_ + size_, guard))) {
    release();
    throw_exhausted(owner, Errc::system_refused, "the system refused the guard pages");
  }
  if (!options.file.empty()) {
    const char* const path = options.file.c_str();
    const auto reason = [](os::FileError error) {
      return std::generic_category().message(static_cast<int>(error));
    };
    if (const os::FileError error = os::create_file(path, file_); error != os::FileError::none) {
      release();
      if (error == os::FileError::exists)
        throw_misuse(owner, Errc::bad_file, "the backing file %s exists already", path);
      throw_misuse(owner, Errc::bad_file, "the backing file %s cannot be made: %s", path,
                   reason(error).c_str());
    }
    if (const os::FileError error = os::map_file(data_, size_, file_);
        error != os::FileError::none) {
      release();
      os::remove_file(path);
      throw_exhausted(owner, Errc::system_refused,
                      "the system refused to map %zu bytes of the backing file %s: %s", bytes, path,
                      reason(error).c_str());
    }
  }
  advise(0, size_);
}

Mapping Mapping::try_reserve(std::size_t bytes, Commit commit, HugePages huge_pages) noexcept {
  Mapping mapping;
  mapping.huge_pages_ = huge_pages;
  mapping.strict_ = commit == Commit::strict || detail::always_strict;
  if (mapping.reserve(bytes, 0))
    mapping.advise(0, mapping.size_);
  return mapping;
}

bool Mapping::reserve(std::size_t bytes, std::size_t guard) noexcept {
  const std::size_t page = os::page_size();
  const std::size_t usable = saturating_round_up(bytes, page);
  // Doubled where cursors run at twice the distance, to meet the same offsets.
  const std::size_t alignment =
      red_zones.stretch(huge_pages_ == HugePages::always ? os::huge_page_size : page);
  const std::size_t slack = alignment - page;
  const std::size_t extent = saturating_add(saturating_add(usable, slack), 2 * guard);

  if (extent <= PTRDIFF_MAX)
    base_ = os::reserve(extent, strict_ ? os::Access::none : os::Access::read_write);
  if (base_ == nullptr)
    return false;
  extent_ = extent;
  data_ = base_ + guard;
  data_ += padding(reinterpret_cast<std::uintptr_t>(data_), alignment);
  size_ = usable;
  ready_ = strict_ ? 0 : usable;
  return true;
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    ready_ = std::exchange(other.ready_, 0);
    base_ = std::exchange(other.base_, nullptr);
    extent_ = std::exchange(other.extent_, 0);
    file_ = std::exchange(other.file_, os::File::none);
    huge_pages_ = other.huge_pages_;
    strict_ = other.strict_;
  }
  return *this;
}

// Tells the system which pages of [from, to) shall be huge.
void Mapping::advise(std::size_t from, std::size_t to) noexcept {
  if (huge_pages_ == HugePages::automatic)
    from = size_ < 64_MiB ? to : std::max(from, os::huge_page_size);
  if (from < to)
    os::advise_huge(data_ + from, to - from, huge_pages_ != HugePages::never);
}

bool Mapping::make_ready(std::size_t bytes) noexcept {
  const bool granted = file_ == os::File::none ? os::commit(data_ + ready_, bytes - ready_)
                                               : os::extend_file(file_, ready_, bytes);
  if (granted)
    ready_ = bytes;
  return granted;
}

bool Mapping::commit(std::size_t bytes) noexcept {
  if (bytes <= ready_)
    return true;
  if (bytes > size_)
    return false;
  const std::size_t least = saturating_round_up(bytes, os::page_size());
  const std::size_t step = std::clamp<std::size_t>(ready_, 64_KiB, 64_MiB);
  const std::size_t ahead = std::min(std::max(least, ready_ + step), size_);
  return make_ready(ahead) || (ahead != least && make_ready(least));
}

bool Mapping::populate(std::size_t from, std::size_t to) noexcept {
  const std::size_t page = os::page_size();
  const std::size_t first = from & ~(page - 1);
  const std::size_t last = std::min(saturating_round_up(to, page), size_);
  if (last > ready_ && !make_ready(last))
    return false;
  return first >= last || os::populate(data_ + first, last - first);
}

void Mapping::trim(std::size_t bytes) noexcept {
  const std::size_t keep = std::min(saturating_round_up(bytes, os::page_size()), ready_);
  if (keep == ready_)
    return;
  if (file_ != os::File::none) {
    os::shorten_file(file_, keep);
  } else {
    os::decommit(data_ + keep, ready_ - keep, strict_ ? os::Access::none : os::Access::read_write);
    if (strict_)
      advise(keep, ready_);
  }
  if (strict_)
    ready_ = keep;
}

Mapping::Range Mapping::detach() noexcept {
  if (file_ != os::File::none)
    os::close_file(std::exchange(file_, os::File::none));
  data_ = nullptr;
  size_ = ready_ = 0;
  return {std::exchange(base_, nullptr), std::exchange(extent_, 0)};
}

void Mapping::release() noexcept {
  const Range range = detach();
  if (range.base != nullptr)
    os::release(range.base, range.extent);
}

} // namespace ALLOT_ABI
} // namespace allot
