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
// that bumps a cursor takes back its newest allocation; giving back any other costs nothing and
// gives nothing. Nothing is thrown then: misuse that the strategy can tell goes to the misuse
// handler, and changes nothing.
//
// The strategy must outlive the resource and stay where it is. One thread at a time.
#pragma once

#include <allot/base/size.hpp>
#include <allot/concepts.hpp>
#include <allot/detail/give_back.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {

class Region;

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
  static constexpr const char* resource_name = "resource";

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
    } else if constexpr (Deallocating<Strategy>) {
      give_back(strategy_, p, bytes, alignment);
    } else if (bytes == 0 || !strategy_.try_resize(p, bytes, 0)) {
      report_foreign(p, bytes, alignment);
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
      throw_bad_alignment(resource_name, alignment);
  }
  void check_fits(std::size_t bytes, std::size_t alignment) const {
    check_alignment(alignment);
    if (bytes > strategy_.block_size() || alignment > strategy_.block_alignment()) [[unlikely]]
      throw_exhausted(resource_name, Errc::no_room,
                      "%zu bytes aligned to %zu asked of blocks of %zu aligned to %zu", bytes,
                      alignment, strategy_.block_size(), strategy_.block_alignment());
  }
  void check_given_back(std::size_t bytes, std::size_t alignment) const {
    check_alignment(alignment);
    if (bytes > strategy_.block_size() || alignment > strategy_.block_alignment()) [[unlikely]]
      throw_misuse(resource_name, Errc::bad_size,
                   "%zu bytes aligned to %zu given back to blocks of %zu aligned to %zu", bytes,
                   alignment, strategy_.block_size(), strategy_.block_alignment());
  }

  // What a strategy that bumps a cursor did not take back: an older allocation, or misuse.
  void report_foreign(void* p, std::size_t bytes, std::size_t alignment) const noexcept {
    if (p == nullptr)
      report_misuse(resource_name, Errc::null_pointer, "a null pointer was given back");
    else if (!is_power_of_two(alignment))
      report_misuse(resource_name, Errc::bad_alignment, "alignment %zu is not a power of two",
                    alignment);
    else if (padding(reinterpret_cast<std::uintptr_t>(p), alignment) != 0)
      report_misuse(resource_name, Errc::misaligned_pointer, "%p is not aligned to %zu", p,
                    alignment);
    else if (bytes != 0 && !may_own(p, bytes))
      report_misuse(resource_name, Errc::foreign_pointer,
                    "%zu bytes at %p are not allocated by this strategy", bytes, p);
  }
  [[nodiscard]] bool may_own(void* p, std::size_t bytes) const noexcept {
    if constexpr (std::same_as<Strategy, Region>) {
      return true; // it would have to search its arenas
    } else {
      const auto last = reinterpret_cast<std::uintptr_t>(p) + (bytes - 1);
      return last >= reinterpret_cast<std::uintptr_t>(p) && strategy_.owns(p) &&
             strategy_.owns(reinterpret_cast<const void*>(last));
    }
  }

  Strategy& strategy_;
};

} // namespace ALLOT_ABI
} // namespace allot
