// pmr::synchronized_pool_resource, with an upstream that has enough, and with one that has less
// than the threads want: they live on what other sizes leave.
#include "torture.hpp"
#include "upstream.hpp"

#include <allot/pmr.hpp>
#include <allot/stack.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

namespace torture {

namespace {

class Resource {
public:
  explicit Resource(std::size_t most) : upstream_(most) {}
  static std::uint32_t size(Random& random) {
    return random.below(1000) == 0 ? 1000 + random.below(20'000) : 32 + random.below(400);
  }
  std::byte* allocate(std::uint32_t bytes) {
    try {
      return static_cast<std::byte*>(resource_.allocate(bytes, 8));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  void deallocate(std::byte* p, std::uint32_t bytes) { resource_.deallocate(p, bytes, 8); }
  void rest(std::uint64_t round) {
    if (round % 3 == 0)
      return;
    round % 3 == 1 ? resource_.trim() : resource_.release();
    expect(resource_.stats().used == 0, "the resource counts bytes in use that are none");
    expect(upstream_.live == 0, "memory was not given back");
  }
  [[nodiscard]] std::size_t refused() const { return upstream_.refused; }

private:
  Upstream upstream_;
  allot::pmr::synchronized_pool_resource resource_{&upstream_};
};

/// Marks of different stacks differ, in whichever threads they were set.
void set_marks() {
  std::array<std::vector<allot::Marker>, 4> marked;
  std::vector<std::thread> threads;
  for (std::vector<allot::Marker>& marks : marked)
    threads.emplace_back([&marks] {
      for (int i = 0; i != 50; ++i) {
        allot::Stack stack(64);
        marks.push_back(stack.mark());
      }
    });
  std::vector<allot::Marker> all;
  for (std::size_t i = 0; i != threads.size(); ++i) {
    threads[i].join();
    all.insert(all.end(), marked[i].begin(), marked[i].end());
  }
  for (std::size_t i = 0; i != all.size(); ++i)
    for (std::size_t j = 0; j != i; ++j)
      expect(all[i] != all[j], "two stacks set the same mark");
}

} // namespace

std::uint64_t resource(std::uint64_t operations) {
  set_marks();
  Resource ample(SIZE_MAX / 2);
  Resource scarce(200'000);
  const std::uint64_t done = use(ample, 128, operations / 8 * 7) + use(scarce, 128, operations / 8);
  expect(scarce.refused() != 0 || operations < many_operations,
         "the bounded upstream was never used up");
  return done;
}

} // namespace torture
