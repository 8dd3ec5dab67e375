// Sealed blocks: what the hooks hand out. A C library frees and reallocates a block without telling
// its size.
//
// Where the strategy can tell sizes itself (Multipool can), nothing is kept beside the block. In
// others each block has a header:
//
//   | unused, where it is aligned to more | size | seal | the block ...
//   ^ place                                             ^ place + front, aligned to front, 16 or
//   more
//
// The seal tells a block from what is foreign, inside one or freed. All is what the strategy's own
// calls are, O(1) but for copying; finding a header in a Region takes O(log arenas).
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {
namespace hooks::detail {

inline constexpr std::size_t alignment = alignof(std::max_align_t);

/// The largest that a block can have: how often `alignment` is doubled stands in the low bits of a
/// size, which is a multiple of it.
inline constexpr std::size_t most_alignment = alignment << (alignment - 1);

/// Can tell how long a block is, and free it without being told.
template <class S>
concept Sizing = Allocating<S> && Deallocating<S> && requires(S& s, void* p, std::size_t bytes) {
  { s.usable_size(p) } -> std::same_as<std::size_t>;
  { s.try_reallocate(p, bytes) } -> std::same_as<void*>;
};

/// `n`, or what no strategy serves if no size can be that.
template <std::integral Size>
[[nodiscard]] constexpr std::size_t in_range(Size n) noexcept {
  if constexpr (std::signed_integral<Size>)
    if (n < 0)
      return max_size;
  if constexpr (sizeof(Size) > sizeof(std::size_t))
    if (n > static_cast<Size>(max_size))
      return max_size;
  return static_cast<std::size_t>(n);
}
/// The same rounded up so that nothing is skipped before the next block, which would keep this one
/// from being the newest.
template <std::integral Size>
[[nodiscard]] constexpr std::size_t bytes(Size n) noexcept {
  return saturating_round_up(in_range(n), alignment);
}

/// How far a block of that alignment is from its place, or 0 for an alignment that is not served.
[[nodiscard]] constexpr std::size_t front_of(std::size_t asked) noexcept {
  return is_power_of_two(asked) && asked <= most_alignment ? larger(asked, alignment) : 0;
}

/// In place if that can be, else in a new one. What shrinks stays where it is at the worst.
template <class S>
[[nodiscard]] void* resize(S& strategy, void* p, std::size_t old_bytes, std::size_t new_bytes,
                           std::size_t aligned_to) noexcept {
  if (strategy.try_resize(p, old_bytes, new_bytes))
    return p;
  if (new_bytes <= old_bytes)
    return strategy.owns(p) ? p : nullptr;
  return strategy.try_reallocate(p, old_bytes, new_bytes, aligned_to);
}

/// In front of each block of a strategy that cannot tell sizes.
class alignas(alignment) Header {
public:
  /// Makes one in front of the block at `place + front`, which is returned.
  [[nodiscard]] static void* seal(void* place, std::size_t front, std::size_t size) noexcept {
    auto* const block = static_cast<std::byte*>(place) + front;
    auto* const header = ::new (block - sizeof(Header)) Header();
    header->size_ = size | static_cast<std::size_t>(std::countr_zero(front / alignment));
    header->mend();
    return block;
  }
  /// As numbers, since `block` may be anything.
  [[nodiscard]] static Header* of(const void* block) noexcept {
    return reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(block) - sizeof(Header));
  }

  [[nodiscard]] bool is_intact() const noexcept { return seal_ == intact(); }
  void mend() noexcept { seal_ = intact(); }
  void tear() noexcept { seal_ = 0; }

  [[nodiscard]] std::size_t size() const noexcept { return size_ & ~(alignment - 1); }
  [[nodiscard]] std::size_t front() const noexcept {
    return alignment << (size_ & (alignment - 1));
  }
  [[nodiscard]] void* place() noexcept { return reinterpret_cast<std::byte*>(this + 1) - front(); }
  /// From the place to the block's end.
  [[nodiscard]] std::size_t extent() const noexcept { return front() + size(); }

private:
  [[nodiscard]] std::uintptr_t intact() const noexcept {
    return ~(reinterpret_cast<std::uintptr_t>(this) ^ size_);
  }

  std::size_t size_;
  std::uintptr_t seal_;
};
static_assert(sizeof(Header) == alignment, "a block aligned to no more has only this in front");

[[nodiscard]] inline bool is_aligned(const void* p, std::size_t to = alignment) noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(p), to) == 0;
}

/// Whether there is memory of the strategy's where the header of a block at `p` would be.
template <class S>
[[nodiscard]] bool owns_header(const S& strategy, const void* p) noexcept {
  const auto end = reinterpret_cast<std::uintptr_t>(p);
  return strategy.owns(reinterpret_cast<const void*>(end - sizeof(Header))) &&
         strategy.owns(reinterpret_cast<const void*>(end - 1));
}

/// Whether `p` is a block in use. Nothing is read through it that is not the strategy's.
template <class S>
[[nodiscard]] bool is_block(const S& strategy, const void* p) noexcept {
  return is_aligned(p) && owns_header(strategy, p) && Header::of(p)->is_intact();
}

/// Says of what is no block why it is none.
template <class S>
[[gnu::cold]] void report(const S& strategy, const void* p) noexcept {
  const Label who = allot::detail::label_of("hooks", strategy);
  if (!owns_header(strategy, p))
    report_misuse(who, Errc::foreign_pointer, "%p is not from here, or was taken back", p);
  else if (!is_aligned(p))
    report_misuse(who, Errc::misaligned_pointer, "%p lies inside a block", p);
  else
    report_misuse(who, Errc::double_free, "%p was freed already, or lies inside a block", p);
}

template <class S>
[[nodiscard]] void* allocate_block(S& strategy, std::size_t bytes,
                                   std::size_t front = alignment) noexcept {
  if constexpr (Sizing<S>) {
    return strategy.try_allocate(bytes, front);
  } else {
    void* const place = strategy.try_allocate(saturating_add(bytes, front), front);
    return place == nullptr ? nullptr : Header::seal(place, front, bytes);
  }
}

template <class S>
void deallocate_block(S& strategy, void* p) noexcept {
  if (p == nullptr)
    return;
  if constexpr (Sizing<S>) {
    allot::detail::report_if_thrown([&] { strategy.deallocate(p); });
  } else {
    if (!is_block(strategy, p)) [[unlikely]]
      return report(strategy, p);
    Header* const header = Header::of(p);
    header->tear();
    give_back(strategy, "hooks", header->place(), header->extent(), header->front());
  }
}

/// Of a block that has a header; it stays aligned as it is.
template <class S>
[[nodiscard]] void* reallocate_sealed(S& strategy, Header* header, std::size_t bytes) noexcept {
  void* const old_place = header->place();
  const std::size_t front = header->front();
  header->tear(); // first: where the block moves, its old place may be gone
  void* const place =
      resize(strategy, old_place, header->extent(), saturating_add(bytes, front), front);
  if (place == nullptr) {
    header->mend();
    return nullptr;
  }
  if (place != old_place && strategy.owns(old_place))
    annotate::show(header, sizeof(Header)); // so that the torn seal can be read
  return Header::seal(place, front, bytes);
}

template <class S>
[[nodiscard]] void* reallocate_block(S& strategy, void* p, std::size_t bytes) noexcept {
  if (p == nullptr)
    return allocate_block(strategy, bytes);
  if constexpr (Sizing<S>) // whose blocks of a multiple of 16 bytes, which 0 is not, are aligned so
    return strategy.try_reallocate(p, larger(bytes, alignment));
  else
    return is_block(strategy, p) ? reallocate_sealed(strategy, Header::of(p), bytes) : nullptr;
}

/// 0 for null. What is no block is reported, and has 0 too.
template <class S>
[[nodiscard]] std::size_t size_of_block(S& strategy, const void* p) noexcept {
  std::size_t size = 0;
  if (p == nullptr)
    return size;
  if constexpr (Sizing<S>)
    allot::detail::report_if_thrown([&] { size = strategy.usable_size(p); });
  else if (is_block(strategy, p)) [[likely]]
    size = Header::of(p)->size();
  else
    report(strategy, p);
  annotate::show(p, size); // all of which may be used now
  return size;
}

/// The block at `p` in a new place, aligned to `front`.
template <class S>
[[nodiscard]] void* move_block(S& strategy, void* p, std::size_t bytes,
                               std::size_t front) noexcept {
  const std::size_t old_bytes = size_of_block(strategy, p);
  void* const moved = allocate_block(strategy, bytes, front);
  if (moved == nullptr)
    return nullptr;
  std::memcpy(moved, p, smaller(old_bytes, bytes));
  deallocate_block(strategy, p);
  return moved;
}

/// As reallocate_block, and aligned to `front`, whatever the block is aligned to.
template <class S>
[[nodiscard]] void* reallocate_block(S& strategy, void* p, std::size_t bytes,
                                     std::size_t front) noexcept {
  if (p == nullptr)
    return allocate_block(strategy, bytes, front);
  if constexpr (Sizing<S>) {
    if (!strategy.owns(p))
      return nullptr;
    const std::size_t old_bytes = size_of_block(strategy, p);
    if (old_bytes == 0) // inside a block
      return nullptr;
    if (is_aligned(p, front) && strategy.try_resize(p, old_bytes, larger(bytes, alignment)))
      return p;
  } else {
    if (!is_block(strategy, p))
      return nullptr;
    if (Header::of(p)->front() >= front)
      return reallocate_sealed(strategy, Header::of(p), bytes);
  }
  return move_block(strategy, p, bytes, front);
}

template <class S>
[[nodiscard]] void* allocate_zero(S& strategy, std::size_t count, std::size_t size) noexcept {
  const std::size_t all = bytes(saturating_multiply(count, size));
  void* const p = all <= PTRDIFF_MAX ? allocate_block(strategy, all) : nullptr;
  if (p == nullptr || all == 0)
    return p;
  if constexpr (requires { strategy.dirty_bytes(p, all); })
    std::memset(p, 0, strategy.dirty_bytes(p, all)); // so that fresh pages stay untouched
  else
    std::memset(p, 0, all);
  return p;
}

} // namespace hooks::detail
} // namespace ALLOT_ABI
} // namespace allot
