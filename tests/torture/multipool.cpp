// SharedMultipool: blocks of any size, zeroed and not, and one whose limit the threads want more
// of.
#include "torture.hpp"

#include <allot/threads/shared_multipool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace torture {

namespace {

class Multipool {
public:
  explicit Multipool(const allot::SharedMultipoolOptions& options)
      : pool_(options), zero_(options.zero) {}
  static std::uint32_t size(Random& random) {
    switch (random.below(1000)) {
    case 0:
      return 1000 + random.below(20'000);
    case 1:
      return 64'000 + random.below(200'000);
    default:
      return 32 + random.below(400);
    }
  }
  std::byte* allocate(std::uint32_t bytes) {
    auto* const p = static_cast<std::byte*>(pool_.try_allocate(bytes));
    if (p == nullptr)
      ++refused_;
    else if (zero_)
      for (std::uint32_t i = 0; i < bytes; i += bytes < 1000 ? 1 : 61)
        expect(p[i] == std::byte{0}, "a block is not zero");
    return p;
  }
  void deallocate(std::byte* p, std::uint32_t) { pool_.deallocate(p); }
  void rest(std::uint64_t round) {
    expect(pool_.used() == 0, "the pool counts bytes in use that are free");
    if (round % 3 == 2)
      pool_.reset();
  }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

private:
  allot::SharedMultipool pool_;
  bool zero_;
  std::atomic<std::uint64_t> refused_ = 0;
};

} // namespace

std::uint64_t multipool(std::uint64_t operations) {
  Multipool ample({.zero = false});
  Multipool zeroing({.zero = true});
  Multipool scarce({.zero = false, .limit = 1 << 20});
  const std::uint64_t done = use(ample, 128, operations / 4) + use(zeroing, 128, operations / 8) +
                             use(scarce, 512, operations / 8);
  expect(ample.refused() == 0 && zeroing.refused() == 0, "a block was refused for no reason");
  expect(scarce.refused() != 0 || operations < many_operations, "the limit was never met");
  return done;
}

} // namespace torture
