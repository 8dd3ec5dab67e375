// How a fixed number of blocks of one size lie in memory, with their bookkeeping behind them, and
// what is said to who asks for what cannot be: BlockPool's and SharedBlockPool's.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// What a pool of blocks is asked for.
struct BlockRequest {
  std::size_t block_bytes;
  std::size_t alignment;
  std::size_t (*side_bytes)(std::size_t count) noexcept; // bookkeeping of so many blocks
  std::size_t most;                                      // blocks that can be numbered
  const char* numbered_by;                               // by what
  Label who;
};

/// The sizes of `count` blocks and of their bookkeeping.
struct BlockLayout {
  std::size_t block_size;
  std::size_t count;
  std::size_t side_bytes;

  /// Misuse: 0 bytes, 0 blocks, a bad alignment, more than a size can hold or than can be numbered.
  [[nodiscard]] static BlockLayout of(const BlockRequest& asked, std::size_t count);
  /// As many as fit into the buffer. Misuse: as above; not even one does.
  [[nodiscard]] static BlockLayout in(const BlockRequest& asked, const Buffer& buffer);

  [[nodiscard]] std::size_t bytes() const noexcept {
    return saturating_add(saturating_multiply(block_size, count), side_bytes);
  }
};

/// From the buffer's start to its first block.
[[nodiscard]] std::size_t bytes_before_blocks(const Buffer& buffer, std::size_t alignment) noexcept;

/// What every block is aligned to that lies where `begin` and its size lead: at most `asked`, or a
/// cache line if that is more.
[[nodiscard]] std::size_t block_alignment(const std::byte* begin, std::size_t block_size,
                                          std::size_t asked) noexcept;

/// Blocks that lie side by side, each `stride` from the next.
struct BlockRange {
  const std::byte* begin;
  std::size_t count;
  std::size_t stride;
};
/// Tells why what was given back at `p` is no block in use. Misuse.
[[noreturn, gnu::cold]] void refuse_block(Label who, const void* p, const BlockRange& blocks);
/// Tells why no such object can be made in a block. Misuse.
[[noreturn, gnu::cold]] void refuse_in_block(Label who, std::size_t bytes, std::size_t alignment,
                                             std::size_t block_size, std::size_t block_alignment);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
