// Leavers: what is pushed is taken once, with all that was written to it.
#include "model.hpp"
#include "protocols.hpp"

#include <allot/threads/leavers.hpp>

#include <memory>

namespace schedules {
namespace {

using allot::detail::Leavers;

struct Node {
  Plain<Node*> next_left;
  Plain<int> taken;
};

template <class Atomics>
struct List {
  Leavers<Node, Atomics> left;
  Node nodes[4];

  void push(int i) { left.push(nodes[i]); }
  void take() {
    for (Node* node = left.take_all(); node != nullptr; node = node->next_left)
      node->taken = node->taken + 1;
  }
};

template <class Atomics>
Program with() {
  const auto list = std::make_shared<List<Atomics>>();
  return {{[=] {
             list->push(0);
             list->push(1);
             list->take();
             list->push(2);
           },
           [=] {
             list->take();
             list->push(3);
             list->take();
             list->take();
           }},
          [=] {
            list->take();
            for (const Node& node : list->nodes) {
              expect(node.taken >= 1, "a node was lost");
              expect(node.taken <= 1, "a node was taken twice");
            }
          }};
}

} // namespace

Cases leavers_cases() {
  return {
      {"leavers", [] { return with<Model>(); }, nullptr},
      {"leavers in two steps", [] { return with<Torn>(); }, ""},
      {"leavers that order nothing", [] { return with<Relaxed>(); }, "memory is"},
  };
}

} // namespace schedules
