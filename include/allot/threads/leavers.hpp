// Leavers: what threads leave behind when they end, for others to take up. A thread that ends must
// not wait for the lock of each thing that it has a part of, as a thread that holds such a lock may
// wait for the end of threads.
//
//   ending threads   push  ->  | part | -> | part | -> null   ->  take_all   with the lock
//
// Lock-free. Nodes are only taken all at once, so that none can come back behind a thread that is
// about to push.
#pragma once

#include <allot/threads/atomics.hpp>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// `Node` has a member `Node* next_left`.
template <class Node, class Atomics = detail::Atomics>
class Leavers {
public:
  void push(Node& node) noexcept {
    Node* first = first_.load(std::memory_order_relaxed);
    do {
      node.next_left = first;
    } while (!first_.compare_exchange_weak(first, &node, std::memory_order_release,
                                           std::memory_order_relaxed));
  }
  /// All that were pushed, the last one first, linked by `next_left`; null if there are none.
  [[nodiscard]] Node* take_all() noexcept {
    if (first_.load(std::memory_order_relaxed) == nullptr)
      return nullptr;
    return first_.exchange(nullptr, std::memory_order_acquire);
  }

private:
  typename Atomics::template Atomic<Node*> first_ = nullptr;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
