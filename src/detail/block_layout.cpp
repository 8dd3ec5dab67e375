#include <allot/detail/block_layout.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::size_t rounded_block(const BlockRequest& asked) {
  if (asked.block_bytes == 0)
    throw_misuse(asked.who, Errc::bad_size, "blocks of 0 bytes were asked for");
  if (!is_power_of_two(asked.alignment))
    throw_bad_alignment(asked.who, asked.alignment);
  return saturating_round_up(asked.block_bytes, std::max(asked.alignment, granule));
}

BlockLayout layout_of(const BlockRequest& asked, std::size_t block_size,
                      std::size_t count) noexcept {
  return {block_size, count, saturating_round_up(asked.side_bytes(count), granule)};
}

BlockLayout BlockLayout::of(const BlockRequest& asked, std::size_t count) {
  const std::size_t block_size = rounded_block(asked);
  if (count == 0)
    throw_misuse(asked.who, Errc::bad_size, "0 blocks were asked for");
  const bool sized = saturating_multiply(block_size, count) <= PTRDIFF_MAX;
  if (count > asked.most || !sized)
    throw_misuse(asked.who, Errc::overflow, "%zu blocks of %zu bytes are more than %s", count,
                 asked.block_bytes, sized ? asked.numbered_by : "a size can hold");
  return layout_of(asked, block_size, count);
}

BlockLayout BlockLayout::in(const BlockRequest& asked, const Buffer& buffer) {
  const std::size_t block_size = rounded_block(asked);
  const std::size_t skip = bytes_before_blocks(buffer, asked.alignment);
  const std::size_t room = skip < buffer.extent() ? buffer.gap().shrink(buffer.extent() - skip) : 0;
  std::size_t fits = 0;
  std::size_t too_many = std::min(room / block_size, asked.most) + 1;
  while (too_many - fits > 1) {
    const std::size_t middle = fits + (too_many - fits) / 2;
    (layout_of(asked, block_size, middle).bytes() <= room ? fits : too_many) = middle;
  }
  if (fits == 0)
    throw_misuse(asked.who, Errc::bad_size,
                 "a buffer of %zu bytes has no room for one block of %zu", buffer.size(),
                 asked.block_bytes);
  return layout_of(asked, block_size, fits);
}

std::size_t bytes_before_blocks(const Buffer& buffer, std::size_t alignment) noexcept {
  return padding(reinterpret_cast<std::uintptr_t>(buffer.data()), buffer.gap().stretch(alignment));
}

std::size_t block_alignment(const std::byte* begin, std::size_t block_size,
                            std::size_t asked) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  return std::min(std::size_t{1} << std::countr_zero(address | block_size),
                  std::max(asked, buffer_alignment));
}

void refuse_block(Label who, const void* p, const BlockRange& blocks) {
  if (blocks.begin == nullptr)
    throw_released(who);
  if (p == nullptr)
    throw_misuse(who, Errc::null_pointer, "a null pointer was given back");
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(blocks.begin);
  if (offset >= blocks.count * blocks.stride)
    throw_misuse(who, Errc::foreign_pointer, "%p was not handed out by this pool of %zu blocks", p,
                 blocks.count);
  const std::size_t number = offset / blocks.stride;
  const std::size_t inside = offset % blocks.stride;
  if (inside != 0)
    throw_misuse(who, Errc::misaligned_pointer,
                 "%p lies %zu bytes into block %zu, not at its start", p, inside, number);
  throw_misuse(who, Errc::double_free, "block %zu at %p is free already", number, p);
}

void refuse_in_block(Label who, std::size_t bytes, std::size_t alignment, std::size_t block_size,
                     std::size_t block_alignment) {
  throw_misuse(who, bytes > block_size ? Errc::bad_size : Errc::bad_alignment,
               "an object of %zu bytes aligned to %zu, in blocks of %zu aligned to %zu", bytes,
               alignment, block_size, block_alignment);
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
