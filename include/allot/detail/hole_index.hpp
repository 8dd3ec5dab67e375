// Which slots of an array are holes: a search tree whose nodes lie in the holes themselves, so that
// it asks for no memory.
//
//   slot     slot     hole             slot     hole
//   | T    | | T    | | below | above | | T    | | below | above |     links are numbers of holes
//
// It is a treap, as AddressIndex is: a hole's priority, which is drawn from its number, is not
// below its children's. Adding and finding take O(log holes) steps, expected.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace allot {
inline namespace ALLOT_ABI {

/// Two links must fit into a slot: `Link` is an unsigned integer that can hold one more than the
/// highest number of a slot. `address` gives the bytes of a slot by its number.
class HoleIndex {
public:
  [[nodiscard]] bool empty() const noexcept { return root_ == 0; }
  void clear() noexcept { root_ = 0; }

  /// A slot that is no hole yet.
  template <class Link, class Address>
  void add(std::size_t slot, Address address) noexcept {
    annotate::show(address(slot), 2 * sizeof(Link));
    Place link{nullptr, 0};
    std::size_t rest = root_;
    while (rest != 0 && priority(rest - 1) >= priority(slot)) {
      link = {address(rest - 1), slot < rest - 1 ? 0U : 1U};
      rest = get<Link>(link);
    }
    set<Link>(link, slot + 1);
    // What stood there is parted into what lies below the slot and what lies above.
    Place below{address(slot), 0};
    Place above{address(slot), 1};
    while (rest != 0) {
      std::byte* const node = address(rest - 1);
      Place& side = rest - 1 < slot ? below : above;
      set<Link>(side, rest);
      side = {node, rest - 1 < slot ? 1U : 0U};
      rest = get<Link>(side);
    }
    set<Link>(below, 0);
    set<Link>(above, 0);
  }

  template <class Link, class Address>
  [[nodiscard]] bool contains(std::size_t slot, Address address) const noexcept {
    std::size_t link = root_;
    while (link != 0 && link - 1 != slot)
      link = read<Link>(address(link - 1), slot < link - 1 ? 0U : 1U);
    return link != 0;
  }

private:
  // A link in a hole, the lower or the upper; that of no hole is the root.
  struct Place {
    std::byte* hole;
    unsigned side;
  };

  template <class Link>
  static Link read(const std::byte* hole, unsigned side) noexcept {
    Link link;
    std::memcpy(&link, hole + side * sizeof(Link), sizeof(Link));
    return link;
  }
  template <class Link>
  [[nodiscard]] std::size_t get(Place place) const noexcept {
    return place.hole == nullptr ? root_ : read<Link>(place.hole, place.side);
  }
  template <class Link>
  void set(Place place, std::size_t to) noexcept {
    const auto link = static_cast<Link>(to);
    if (place.hole == nullptr)
      root_ = to;
    else
      std::memcpy(place.hole + place.side * sizeof(Link), &link, sizeof(Link));
  }
  [[nodiscard]] static std::uint64_t priority(std::size_t slot) noexcept {
    return detail::mixed(slot + 1);
  }

  std::size_t root_ = 0; // one above the number of a hole; 0 is none
};

} // namespace ALLOT_ABI
} // namespace allot
