// Resource: a strategy that the program owns, as a std::pmr::memory_resource.
//
// For standard containers on an arena, a region or a pool. Not for containers whose memory resource
// the program does not name: allot::Allocator has no virtual call.
//
//   allot::Arena arena(64_KiB);
//   allot::Resource resource(arena);
//   std::pmr::vector<int> numbers(&resource);
//   numbers.assign(1000, 7);
//   std::pmr::map<int, std::pmr::string> names(&resource);
//   names[1] = "one";
//
//   allot::BlockPool pool(64, 1000);
//   allot::Resource nodes(pool); // serves what fits into a block
//   std::pmr::list<int> list(&nodes);
//
// What is given back goes back at once where the strategy can take single blocks back. A strategy
// that bumps a cursor takes back its newest allocation, and a Region what has an arena of its own;
// giving back any other gives nothing. It is O(1); O(log arenas) in a Region for what is not the
// newest. Nothing is thrown then: misuse that the strategy can tell goes to the misuse handler, and
// changes nothing.
//
// The strategy must outlive the resource and stay where it is. One thread at a time,
// unless many may use the strategy.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {

template <class Strategy>
  requires Allocating<Strategy> || HandingOutBlocks<Strategy>
class Resource final : public std::pmr::memory_resource {
public:
  explicit Resource(Strategy& strategy) noexcept : strategy_(strategy) {}
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  ~Resource() override = default;

  [[nodiscard]] Strategy& strategy() const noexcept { return strategy_; }

private:
  // Messages name the strategy, if it has a name.
  [[nodiscard]] Label label() const noexcept { return detail::label_of("resource", strategy_); }

  // As the strategy's allocate. Exhausted also: more, or aligned to more, than a block is.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if constexpr (Allocating<Strategy>) {
      return strategy_.allocate(bytes, alignment);
    } else {
      check_fits(bytes, alignment);
      return strategy_.allocate();
    }
  }

  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    if constexpr (HandingOutBlocks<Strategy>) {
      detail::report_if_thrown([&] {
        check_given_back(bytes, alignment);
        strategy_.deallocate(p);
      });
    } else {
      give_back(strategy_, "resource", p, bytes, alignment);
    }
  }

  // Without RTTI a resource only knows itself.
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
#if defined(__cpp_rtti)
    const auto* const same = dynamic_cast<const Resource*>(&other);
    return same != nullptr && &same->strategy_ == &strategy_;
#else
    return this == &other;
#endif
  }

  void check_alignment(std::size_t alignment) const {
    if (!is_power_of_two(alignment)) [[unlikely]]
      throw_bad_alignment(label(), alignment);
  }
  void check_fits(std::size_t bytes, std::size_t alignment) const {
    check_alignment(alignment);
    if (bytes > strategy_.block_size() || alignment > strategy_.block_alignment()) [[unlikely]]
      throw_exhausted(label(), Errc::no_room,
                      "%zu bytes aligned to %zu asked of blocks of %zu aligned to %zu", bytes,
                      alignment, strategy_.block_size(), strategy_.block_alignment());
  }
  void check_given_back(std::size_t bytes, std::size_t alignment) const {
    check_alignment(alignment);
    if (bytes > strategy_.block_size() || alignment > strategy_.block_alignment()) [[unlikely]]
      throw_misuse(label(), Errc::bad_size,
                   "%zu bytes aligned to %zu given back to blocks of %zu aligned to %zu", bytes,
                   alignment, strategy_.block_size(), strategy_.block_alignment());
  }

  Strategy& strategy_;
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
