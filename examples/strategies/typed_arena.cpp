// Nodes of a tree, which refer to each other by index.
#include <allot/typed_arena.hpp>

#include <cassert>
#include <cstddef>
#include <string>

struct Node {
  std::string name;
  std::size_t parent;
};

int main() {
  allot::TypedArena<Node> nodes(1000);
  const std::size_t root = nodes.create("root", 0u).index;
  const std::size_t leaf = nodes.create("leaf", root).index;
  assert(nodes[nodes[leaf].parent].name == "root");

  auto handle = nodes.handle(leaf);
  assert(nodes.at(handle).name == "leaf");
  nodes.reset();                           // ~Node() runs for each
  assert(nodes.try_at(handle) == nullptr); // the handle is stale, and known to be
  return nodes.contains(handle) ? 1 : 0;
}
