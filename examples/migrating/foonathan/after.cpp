#include <algorithm>
#include <allot/allocator.hpp>
#include <allot/block_pool.hpp>
#include <allot/scratch.hpp>
#include <iostream>
#include <list>

int main() {
  allot::BlockPool pool(32, 128); // a node of std::list<int>; or a Multipool, which grows
  std::list<int, allot::Allocator<int, allot::BlockPool>> numbers(pool);
  for (int i = 0; i < 100; ++i)
    numbers.push_back(i);

  allot::Scratch stack(4096);
  {
    auto scope = stack.scope();
    auto copy = stack.create_array<int>(100);
    std::copy(numbers.begin(), numbers.end(), copy.begin());
    std::cout << numbers.size() << " " << copy[99] << "\n";
  }
}
