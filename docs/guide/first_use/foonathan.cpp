#include <foonathan/memory/memory_stack.hpp>
#include <new>

struct Node {
  int value;
  Node* next;
};

int main() {
  foonathan::memory::memory_stack<> stack(4096);
  Node* list = nullptr;
  for (int i = 0; i < 1000; ++i)
    list = new (stack.allocate(sizeof(Node), alignof(Node))) Node{i, list};
  return list->value == 999 ? 0 : 1;
}
