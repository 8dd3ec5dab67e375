#include <allot/allot.hpp>

struct Node {
  int value;
  Node* next;
};

int main() {
  allot::Region region;
  Node* list = nullptr;
  for (int i = 0; i < 1000; ++i)
    list = region.create<Node>(i, list);
  return list->value == 999 ? 0 : 1;
}
