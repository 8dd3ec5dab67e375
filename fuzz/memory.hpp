// Where the strategies that are tested get their memory from.
#pragma once

#include "model.hpp"

#include <allot/buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <new>
#include <vector>

namespace model {

/// An upstream that fills what it gives with rubbish, checks what it gets back, and refuses more
/// than `most` bytes at once.
class Upstream : public std::pmr::memory_resource {
public:
  static constexpr std::size_t most = std::size_t{1} << 20;
  ~Upstream() override { check(blocks_.empty(), "all memory is given back upstream"); }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] std::size_t requests() const { return requests_; }
  /// From now on, or until the next call; `most` is all.
  void refuse_above(std::size_t bytes) { limit_ = bytes; }

  struct Block {
    std::byte* p;
    std::size_t bytes, alignment;
    std::size_t number; ///< no two that were ever given have the same
    [[nodiscard]] bool is(const void* at, std::size_t size, std::size_t aligned) const {
      return p == at && bytes == size && alignment == aligned;
    }
  };
  [[nodiscard]] const std::vector<Block>& all() const { return blocks_; }
  /// The one that `at` lies in; null: in none.
  [[nodiscard]] const Block* find(const std::byte* at) const {
    for (const Block& block : blocks_)
      if (block.p <= at && at < block.p + block.bytes)
        return &block;
    return nullptr;
  }

protected:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    ++requests_;
    if (bytes > limit_ * red_zone_scale || alignment > most)
      throw std::bad_alloc();
    void* const p = ::operator new(bytes, std::align_val_t{alignment});
    std::memset(p, 0xDD, bytes);
    blocks_.push_back({static_cast<std::byte*>(p), bytes, alignment, ++made_});
    return p;
  }

private:
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    const auto block = std::find_if(blocks_.rbegin(), blocks_.rend(), [&](const Block& given) {
      return given.is(p, bytes, alignment);
    });
    check(block != blocks_.rend(), "given back upstream as it was taken");
    *block = blocks_.back();
    blocks_.pop_back();
    std::memset(p, 0xDD, bytes); // under a sanitizer: nothing of it is hidden
    ::operator delete(p, std::align_val_t{alignment});
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::vector<Block> blocks_;
  std::size_t made_ = 0;
  std::size_t limit_ = most;
  std::size_t requests_ = 0;
};

/// Buffers of every kind, and a watch over what lies around borrowed ones.
class Memory {
public:
  /// Of about `bytes`.
  allot::Buffer draw(Input& input, std::size_t bytes, bool zero) {
    const std::size_t kind = input.below(64);
    operation("buffer", kind, bytes);
    if (kind == 0)
      return allot::Buffer::mapped(bytes);
    if (kind < 8)
      return allot::Buffer::from(&upstream_, bytes);
    if (kind < 40)
      return allot::Buffer::heap(bytes, allot::buffer_alignment, {.zero = zero});
    check_surroundings();
    before_ = margin + input.below(9);
    lent_.assign(before_ + bytes + margin, untouched);
    allot::Buffer buffer = allot::Buffer::borrowed({lent_.data() + before_, bytes});
    if (buffer.data() != nullptr) // else too little is left for it
      before_ = static_cast<std::size_t>(buffer.data() - lent_.data());
    bytes_ = buffer.size();
    return buffer;
  }
  void check_surroundings() const {
    if (lent_.empty())
      return;
    const auto is_untouched = [](std::byte byte) { return byte == untouched; };
    const auto begin = lent_.begin() + static_cast<std::ptrdiff_t>(before_);
    const auto end = begin + static_cast<std::ptrdiff_t>(bytes_);
    check(std::all_of(lent_.begin(), begin, is_untouched) &&
              std::all_of(end, lent_.end(), is_untouched),
          "nothing outside of the buffer is touched");
  }

private:
  static constexpr std::byte untouched{0xEE};
  static constexpr std::size_t margin = 64;
  std::vector<std::byte> lent_;
  std::size_t before_ = 0;
  std::size_t bytes_ = 0;
  Upstream upstream_;
};

} // namespace model
