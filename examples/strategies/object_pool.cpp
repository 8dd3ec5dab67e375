// Buffers that keep their capacity from one use to the next.
#include <allot/object_pool.hpp>

#include <cassert>
#include <string>

int main() {
  allot::ObjectPool buffers([] { return std::string(); },      // makes one
                            [](std::string& s) { s.clear(); }, // before each reuse
                            8);
  {
    auto line = buffers.lease(); // gives itself back
    line->assign(10'000, 'x');
  }
  std::string& again = buffers.acquire();
  assert(again.empty() && again.capacity() >= 10'000);
  buffers.give_back(again);
  assert(buffers.stats().total_allocated == 1);
  buffers.trim(); // destroys those that are not in use
  assert(buffers.available() == 0);
}
