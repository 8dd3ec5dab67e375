// Which of many ranges of memory an address lies in: a search tree of the ranges by address, whose
// nodes lie in their headers, so that it asks for no memory.
//
// It is a treap: a node's priority, which is drawn from its address, is not below its children's.
// So it is as deep as a tree of random insertions: everything takes O(log ranges) steps, expected.
#pragma once

#include <allot/base/abi.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

class AddressIndex {
public:
  struct Node {
    std::byte* begin = nullptr;
    std::byte* end = nullptr;
    Node* below = nullptr; // of lower addresses
    Node* above = nullptr;
  };

  /// A range that overlaps none that is there.
  void insert(Node& node) noexcept;
  /// One that is there.
  void erase(Node& node) noexcept;
  /// Null: it lies in none.
  [[nodiscard]] Node* find(const void* p) const noexcept;

private:
  Node* root_ = nullptr;
};

} // namespace ALLOT_ABI
} // namespace allot
