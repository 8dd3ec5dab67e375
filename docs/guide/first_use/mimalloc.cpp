#include <mimalloc.h>
#include <new>

struct Node {
  int value;
  Node* next;
};

int main() {
  mi_heap_t* heap = mi_heap_new();
  Node* list = nullptr;
  for (int i = 0; i < 1000; ++i)
    list = new (mi_heap_malloc(heap, sizeof(Node))) Node{i, list};
  int last = list->value;
  mi_heap_destroy(heap);
  return last == 999 ? 0 : 1;
}
