// Buffers that a pool of workers shares, which keep their capacity from one use to the next.
#include <allot/threads/shared_object_pool.hpp>

#include <cassert>
#include <string>
#include <thread>
#include <vector>

int main() {
  allot::SharedObjectPool buffers([] { return std::string(); },      // makes one
                                  [](std::string& s) { s.clear(); }, // before each reuse
                                  8);
  std::vector<std::thread> workers;
  for (int i = 0; i != 4; ++i)
    workers.emplace_back([&] {
      for (int request = 0; request != 100; ++request) {
        auto line = buffers.lease(); // gives itself back, in whichever thread
        assert(line->empty());
        line->assign(1000, 'x');
      }
    });
  for (std::thread& worker : workers)
    worker.join();
  assert(buffers.empty() && buffers.stats().total_allocated <= 400);
  buffers.trim(); // destroys those that are not in use
  assert(buffers.available() == 0);
}
