// SharedBlockPool: one that has a block for everybody, and one that has not; zeroing, and not.
#include "torture.hpp"

#include <allot/threads/shared_block_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace torture {

namespace {

class Blocks {
public:
  Blocks(std::size_t count, bool zero) : pool_(block_bytes, count, {.zero = zero}), zero_(zero) {}
  static std::uint32_t size(Random&) { return block_bytes; }
  std::byte* allocate(std::uint32_t) {
    auto* const p = static_cast<std::byte*>(pool_.try_allocate());
    if (p == nullptr)
      ++refused_;
    else if (zero_)
      expect(std::all_of(p, p + block_bytes, [](std::byte b) { return b == std::byte{0}; }),
             "a block is not zero");
    return p;
  }
  void deallocate(std::byte* p, std::uint32_t) { pool_.deallocate(p); }
  void rest(std::uint64_t round) {
    expect(pool_.used() == 0 && pool_.available() == pool_.capacity(),
           "the pool counts blocks in use that are free");
    std::vector<void*> all(pool_.capacity());
    expect(pool_.try_allocate_many(all), "a block is lost");
    expect(pool_.try_allocate() == nullptr, "a block is there twice");
    expect(pool_.used() == pool_.capacity(), "the pool counts blocks as free that are in use");
    if (round % 3 == 2)
      pool_.reset();
    else
      pool_.deallocate_many(all);
    expect(pool_.empty(), "the pool was not emptied");
  }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
  static constexpr std::uint32_t block_bytes = 64;
  allot::SharedBlockPool pool_;
  bool zero_;
  std::atomic<std::uint64_t> refused_ = 0;
};

} // namespace

std::uint64_t block_pool(std::uint64_t operations) {
  Blocks ample(thread_count * 128 + Exchange::size + 64, false);
  Blocks zeroing(thread_count * 128 + Exchange::size + 64, true);
  Blocks scarce(Exchange::size + thread_count * 60, false);
  const std::uint64_t done = use(ample, 128, operations / 4) + use(zeroing, 128, operations / 4) +
                             use(scarce, 128, operations);
  expect(ample.refused() == 0 && zeroing.refused() == 0,
         "a block was refused though there was one for everybody");
  expect(scarce.refused() != 0 || operations < many_operations, "the small pool was never used up");
  return done;
}

} // namespace torture
