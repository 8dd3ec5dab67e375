// pmr::monotonic_buffer_resource: the standard's, faster; nothing else changes in a program that
// uses it.
//
// For containers that are built up and dropped together. Not where memory must be reused before
// all of it goes (unsynchronized_pool_resource), or where allocations need no virtual call (Bump,
// Region).
//
//   std::byte first[4096];
//   allot::pmr::monotonic_buffer_resource resource(first, sizeof first);
//   {
//     allot::pmr::vector<allot::pmr::string> words(&resource);
//     words.emplace_back("longer than what a string holds within itself");
//   }
//   resource.release(); // starts again at `first`
//
//   the caller's buffer          chunks from upstream, each 1.5 times the one before
//   | used        |     |        | used ...     | Chunk |    | used |        free | Chunk |
//                 left over                                         ^ last_ + 1  ^ limit_ + 1
//
// A request that does not fit into what is left of the current buffer gets a new one, of
// max(bytes, next size) or a little more. If upstream throws, nothing has changed. Sizes are not
// rounded: a buffer of n bytes serves n requests of one byte. Nothing is zeroed. Allocation is O(1)
// but for what upstream does; deallocation does nothing. One thread at a time.
//
// Instrumented builds ask upstream for twice as much, for red zones; a caller's buffer has none.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace pmr {

class monotonic_buffer_resource : public std::pmr::memory_resource {
public:
  // Misuse, for all: `upstream` is null. `upstream` must outlive the resource.
  monotonic_buffer_resource()
      : monotonic_buffer_resource(default_size, std::pmr::get_default_resource()) {}
  explicit monotonic_buffer_resource(std::pmr::memory_resource* upstream)
      : monotonic_buffer_resource(default_size, upstream) {}
  /// The first chunk has at least `initial_size` bytes.
  explicit monotonic_buffer_resource(std::size_t initial_size)
      : monotonic_buffer_resource(initial_size, std::pmr::get_default_resource()) {}
  monotonic_buffer_resource(std::size_t initial_size, std::pmr::memory_resource* upstream);
  /// Uses `buffer` first, whatever its alignment. It must outlive the resource.
  /// Misuse: a null buffer that is not empty.
  monotonic_buffer_resource(void* buffer, std::size_t buffer_size)
      : monotonic_buffer_resource(buffer, buffer_size, std::pmr::get_default_resource()) {}
  monotonic_buffer_resource(void* buffer, std::size_t buffer_size,
                            std::pmr::memory_resource* upstream);
  monotonic_buffer_resource(const monotonic_buffer_resource&) = delete;
  monotonic_buffer_resource& operator=(const monotonic_buffer_resource&) = delete;
  ~monotonic_buffer_resource() override;

  /// Gives everything back to upstream, and is as it was constructed: the caller's buffer is used
  /// again, and the next size is the first.
  void release() noexcept;
  [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept { return upstream_; }
  /// In bytes. `used` counts what alignment takes, and what was left over of buffers before the
  /// current one; `peak` is the most since construction or reset_peak, and survives release.
  /// O(buffers).
  [[nodiscard]] Stats stats() const noexcept;
  /// Sets the peak to what is used.
  void reset_peak() noexcept { peak_before_ = 0; }

protected:
  /// What upstream throws passes through; it is asked for what nobody has too. Misuse: an alignment
  /// that is no power of two.
  /// Exhausted: upstream gave null, misaligned memory or more than there can be.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* p = nullptr;
    if (!take(p, bytes, alignment)) [[unlikely]]
      return allocate_slow(bytes, alignment);
    return p;
  }
  void do_deallocate(void* /*p*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

private:
  static constexpr const char* resource_name = "monotonic_buffer_resource";
  static constexpr std::size_t default_size = 1024;

  /// At the end of the memory that it describes, so that the front needs no more than alignment.
  struct Chunk {
    Chunk* older;
    std::byte* begin;
    std::size_t bytes; // as asked of upstream
    std::size_t alignment;
  };

  // Sets `p` to the next `bytes`, at least one, of the current buffer. False: they do not fit.
  [[nodiscard]] bool take(void*& p, std::size_t bytes, std::size_t alignment) noexcept {
    // The shortest chain from one allocation to the next: an or and an addition. An alignment of 0
    // leads beyond any limit.
    const std::uintptr_t before = last_ | (gap_.stretch(alignment) - 1);
    if ((alignment & (alignment - 1)) != 0 || before > limit_ ||
        !fits(bytes, gap_.shrink(limit_ - before))) [[unlikely]]
      return false;
    last_ = before + gap_.stretch(bytes);
    p = reinterpret_cast<void*>(before + 1);
    annotate::allocated(pool(), p, bytes);
    return true;
  }
  [[gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment);
  // Valgrind's name for the current buffer.
  [[nodiscard]] const void* pool() const noexcept {
    return newest_ == nullptr ? static_cast<const void*>(&newest_) : newest_;
  }
  void start() noexcept;
  void use(std::byte* begin, std::size_t bytes, Gap gap) noexcept;

  std::uintptr_t last_ = 0;  // the address before the first that is free
  std::uintptr_t limit_ = 0; // the last address of the current buffer
  Gap gap_;                  // of the current buffer
  Chunk* newest_ = nullptr;
  std::size_t next_size_ = 0;
  std::pmr::memory_resource* upstream_;
  std::byte* buffer_ = nullptr; // the caller's
  std::size_t buffer_size_ = 0;
  std::size_t first_size_;      // of chunks
  std::size_t peak_before_ = 0; // release
};

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot

#endif
