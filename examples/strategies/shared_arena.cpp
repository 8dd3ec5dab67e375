// Four threads build one list in one arena, whose nodes name each other by 32-bit offsets.
#include <allot/threads/shared_arena.hpp>

#include <atomic>
#include <cassert>
#include <cstdint>
#include <thread>
#include <vector>

struct Node {
  std::uint32_t next; // half of a pointer
  int value;
};

int main() {
  using namespace allot::literals;
  allot::SharedArena arena(16_GiB); // addresses only
  const std::uint32_t end = arena.offset_of(arena.create<Node>());

  std::atomic<std::uint32_t> newest = end;
  std::vector<std::thread> threads;
  for (int thread = 0; thread != 4; ++thread)
    threads.emplace_back([&] {
      for (int i = 1; i <= 10'000; ++i) {
        Node* const node = arena.create<Node>(newest.load(), i);
        while (!newest.compare_exchange_weak(node->next, arena.offset_of(node)))
          ;
      }
    });
  for (std::thread& thread : threads)
    thread.join();

  long sum = 0;
  for (std::uint32_t at = newest; at != end; at = arena.at<Node>(at)->next)
    sum += arena.at<Node>(at)->value;
  assert(arena.used() == 40'001 * sizeof(Node));
  arena.reset(); // while no other thread uses it
  assert(arena.empty());
  return sum == 4L * 10'000 * 10'001 / 2 ? 0 : 1;
}
