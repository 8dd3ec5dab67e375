#include <memory_resource>
#include <new>

struct Node {
  int value;
  Node* next;
};

int main() {
  std::pmr::monotonic_buffer_resource region;
  Node* list = nullptr;
  for (int i = 0; i < 1000; ++i)
    list = new (region.allocate(sizeof(Node), alignof(Node))) Node{i, list};
  return list->value == 999 ? 0 : 1;
}
