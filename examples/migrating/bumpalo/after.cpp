#include <allot/region.hpp>
#include <iostream>
#include <string_view>

struct Node {
  std::string_view name;
  const Node* next;
};

int main() {
  allot::Region bump;
  for (int round = 0; round < 2; ++round) {
    const std::string_view name = bump.copy("a node");
    const Node* list = nullptr;
    for (int i = 0; i < 3; ++i)
      list = bump.create<Node>(name, list);
    for (const Node* node = list; node != nullptr; node = node->next)
      std::cout << round << " " << node->name << "\n";
    bump.reset();
  }
}
