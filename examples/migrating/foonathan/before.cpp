#include <algorithm>
#include <foonathan/memory/container.hpp>
#include <foonathan/memory/memory_pool.hpp>
#include <foonathan/memory/memory_stack.hpp>
#include <iostream>
#include <list>

namespace memory = foonathan::memory;

int main() {
  memory::memory_pool<> pool(memory::list_node_size<int>::value, 4096);
  memory::list<int, memory::memory_pool<>> numbers(pool);
  for (int i = 0; i < 100; ++i)
    numbers.push_back(i);

  memory::memory_stack<> stack(4096);
  const auto top = stack.top();
  auto* copy = static_cast<int*>(stack.allocate(100 * sizeof(int), alignof(int)));
  std::copy(numbers.begin(), numbers.end(), copy);
  std::cout << numbers.size() << " " << copy[99] << "\n";
  stack.unwind(top);
}
