// What AddressSanitizer and Valgrind are told about memory that is not handed out. In an ordinary
// build every function here is empty.
//
// In instrumented builds a strategy that owns its memory asks for twice as much and moves its
// cursor twice as far (see Gap), so every allocation is followed by a red zone of its own length
// while capacity, offsets and refusals stay what they are:
//
//   ordinary      [ 16 bytes ][ 8 ][ 8 ]
//   instrumented  [ 16 bytes ][   red zone  ][ 8 ][ red ][ 8 ][ red ]
//
// LeakSanitizer does not look for pointers in poisoned memory; LSAN_OPTIONS=use_poisoned=1 makes
// it do so.
#pragma once

#include <allot/base/abi.hpp>

#include <cstddef>
#include <cstdint>

#if defined(ALLOT_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(ALLOT_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace allot {
inline namespace ALLOT_ABI {

#if defined(ALLOT_ASAN) || defined(ALLOT_VALGRIND)
inline constexpr bool instrumented = true;

/// How far apart addresses lie: a distance in memory is `stretch` of the bytes accounted for.
class Gap {
public:
  constexpr Gap() = default;
  constexpr explicit Gap(bool red_zones) noexcept : shift_(red_zones ? 1 : 0) {}
  [[nodiscard]] constexpr std::size_t stretch(std::size_t bytes) const noexcept {
    return bytes << shift_;
  }
  [[nodiscard]] constexpr std::size_t shrink(std::size_t distance) const noexcept {
    return distance >> shift_;
  }

private:
  unsigned shift_ = 0;
};
#else
inline constexpr bool instrumented = false;

class Gap {
public:
  constexpr Gap() = default;
  constexpr explicit Gap(bool /*red_zones*/) noexcept {}
  [[nodiscard]] constexpr std::size_t stretch(std::size_t bytes) const noexcept { return bytes; }
  [[nodiscard]] constexpr std::size_t shrink(std::size_t distance) const noexcept {
    return distance;
  }
};
#endif

/// Gap for memory that a strategy owns; borrowed memory has no room for red zones.
inline constexpr Gap red_zones{true};

/// The most bytes to ask of a source. An instrumented build marks every byte in shadow memory, and
/// its allocator aborts the process where it cannot serve.
inline constexpr unsigned long long largest_request =
    instrumented ? 32ULL << 30 : static_cast<unsigned long long>(PTRDIFF_MAX);

namespace annotate {

// `pool` is the start of the memory a strategy hands out from: Valgrind's name for it. Where that
// may be another pool's name too, because it is a block of that pool, another address nearby is the
// name, and `open` and `close` are told the start.
// It is null if what is taken back may be a part of an allocation and memory of others may follow:
// then Valgrind is told of bytes, not of allocations, because its MEMPOOL_TRIM of a part goes past
// that allocation's end (its release 3.19, at least).
//
// `grown`: the newest allocation, at `p`, reached to `head` and has `bytes` now. To Valgrind what
// is above `head` is another allocation, which going back to a checkpoint at `head` may take back.
// `truncated`: the `bytes` from `from` on, up to the head, are taken back.
// `resized`: one allocation, with `room` bytes for it alone, has `bytes` now.
#if defined(ALLOT_ASAN)
inline void hide(const void* p, std::size_t bytes) noexcept {
  __asan_poison_memory_region(p, bytes);
}
inline void show(const void* p, std::size_t bytes) noexcept {
  __asan_unpoison_memory_region(p, bytes);
}
inline void open(const void* pool, std::size_t bytes) noexcept {
  hide(pool, bytes);
}
inline void open(const void*, const void* begin, std::size_t bytes) noexcept {
  hide(begin, bytes);
}
inline void close(const void* pool, std::size_t bytes) noexcept {
  show(pool, bytes);
}
inline void close(const void*, const void* begin, std::size_t bytes) noexcept {
  show(begin, bytes);
}
inline void allocated(const void*, const void* p, std::size_t bytes) noexcept {
  show(p, bytes);
}
inline void freed(const void*, const void* p, std::size_t bytes) noexcept {
  hide(p, bytes);
}
inline void resized(const void*, const void* p, std::size_t room, std::size_t bytes) noexcept {
  hide(p, room);
  show(p, bytes);
}
inline void grown(const void*, const void* p, const void*, std::size_t bytes) noexcept {
  show(p, bytes);
}
inline void truncated(const void*, const void* from, std::size_t bytes) noexcept {
  hide(from, bytes);
}
#elif defined(ALLOT_VALGRIND)
inline void hide(const void* p, std::size_t bytes) noexcept {
  VALGRIND_MAKE_MEM_NOACCESS(p, bytes);
}
inline void show(const void* p, std::size_t bytes) noexcept {
  VALGRIND_MAKE_MEM_DEFINED(p, bytes);
}
inline void open(const void* pool, const void* begin, std::size_t bytes) noexcept {
  VALGRIND_CREATE_MEMPOOL(pool, 0, 1);
  hide(begin, bytes);
}
inline void open(const void* pool, std::size_t bytes) noexcept {
  open(pool, pool, bytes);
}
inline void close(const void* pool, const void* begin, std::size_t bytes) noexcept {
  VALGRIND_DESTROY_MEMPOOL(pool);
  show(begin, bytes);
}
inline void close(const void* pool, std::size_t bytes) noexcept {
  close(pool, pool, bytes);
}
inline void allocated(const void* pool, const void* p, std::size_t bytes) noexcept {
  if (pool == nullptr)
    show(p, bytes);
  else if (bytes != 0)
    VALGRIND_MEMPOOL_ALLOC(pool, p, bytes);
}
inline void freed(const void* pool, const void* p, std::size_t bytes) noexcept {
  VALGRIND_MEMPOOL_FREE(pool, p);
  hide(p, bytes);
}
inline void resized(const void* pool, const void* p, std::size_t room, std::size_t bytes) noexcept {
  VALGRIND_MEMPOOL_CHANGE(pool, p, p, bytes);
  hide(p, room);
  show(p, bytes);
}
inline void grown(const void* pool, const void* p, const void* head, std::size_t bytes) noexcept {
  show(p, bytes);
  const std::byte* const end = static_cast<const std::byte*>(p) + bytes;
  if (end > head)
    allocated(pool, head, static_cast<std::size_t>(end - static_cast<const std::byte*>(head)));
}
inline void truncated(const void* pool, const void* from, std::size_t bytes) noexcept {
  if (pool != nullptr)
    VALGRIND_MEMPOOL_TRIM(
        pool, pool, static_cast<const std::byte*>(from) - static_cast<const std::byte*>(pool));
  hide(from, bytes);
}
#else
inline void hide(const void*, std::size_t) noexcept {}
inline void show(const void*, std::size_t) noexcept {}
inline void open(const void*, std::size_t) noexcept {}
inline void open(const void*, const void*, std::size_t) noexcept {}
inline void close(const void*, std::size_t) noexcept {}
inline void close(const void*, const void*, std::size_t) noexcept {}
inline void allocated(const void*, const void*, std::size_t) noexcept {}
inline void freed(const void*, const void*, std::size_t) noexcept {}
inline void resized(const void*, const void*, std::size_t, std::size_t) noexcept {}
inline void grown(const void*, const void*, const void*, std::size_t) noexcept {}
inline void truncated(const void*, const void*, std::size_t) noexcept {}
#endif

} // namespace annotate
} // namespace ALLOT_ABI
} // namespace allot
