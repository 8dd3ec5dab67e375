#include <allot/detail/address_index.hpp>

#include <allot/base/size.hpp>

#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

std::uintptr_t number(const void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p);
}

std::uint64_t priority(const AddressIndex::Node& node) noexcept {
  return mixed(number(node.begin)); // neighbours lie at regular distances
}

} // namespace detail

void AddressIndex::insert(Node& node) noexcept {
  Node** link = &root_;
  while (*link != nullptr && detail::priority(**link) >= detail::priority(node))
    link = node.begin < (*link)->begin ? &(*link)->below : &(*link)->above;
  // What stood here is parted into what lies below the node and what lies above.
  Node* rest = *link;
  *link = &node;
  Node** below = &node.below;
  Node** above = &node.above;
  while (rest != nullptr) {
    if (rest->begin < node.begin) {
      *below = rest;
      below = &rest->above;
      rest = rest->above;
    } else {
      *above = rest;
      above = &rest->below;
      rest = rest->below;
    }
  }
  *below = *above = nullptr;
}

void AddressIndex::erase(Node& node) noexcept {
  Node** link = &root_;
  while (*link != &node)
    link = node.begin < (*link)->begin ? &(*link)->below : &(*link)->above;
  Node* below = node.below;
  Node* above = node.above;
  while (below != nullptr && above != nullptr) {
    if (detail::priority(*below) >= detail::priority(*above)) {
      *link = below;
      link = &below->above;
      below = below->above;
    } else {
      *link = above;
      link = &above->below;
      above = above->below;
    }
  }
  *link = below != nullptr ? below : above;
}

AddressIndex::Node* AddressIndex::find(const void* p) const noexcept {
  const std::uintptr_t address = detail::number(p);
  Node* node = root_;
  while (node != nullptr) {
    if (address < detail::number(node->begin))
      node = node->below;
    else if (address >= detail::number(node->end))
      node = node->above;
    else
      break;
  }
  return node;
}

} // namespace ALLOT_ABI
} // namespace allot
