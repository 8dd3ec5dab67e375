#include <boost/pool/object_pool.hpp>

struct Node {
  Node(int value, Node* next) : value(value), next(next) {}
  int value;
  Node* next;
};

int main() {
  boost::object_pool<Node> pool;
  Node* list = nullptr;
  for (int i = 0; i < 1000; ++i)
    list = pool.construct(i, list);
  return list->value == 999 ? 0 : 1;
}
