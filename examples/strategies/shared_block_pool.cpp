// Messages that one thread makes and another uses up.
#include <allot/threads/shared_block_pool.hpp>

#include <atomic>
#include <cassert>
#include <thread>

struct Message {
  int number;
  Message* next;
};

int main() {
  allot::SharedBlockPool pool(sizeof(Message), 100, {.name = "messages"});
  std::atomic<Message*> sent = nullptr;

  std::thread consumer([&] {
    for (int received = 0; received != 1000;)
      for (Message* message = sent.exchange(nullptr); message != nullptr; ++received) {
        Message* const next = message->next;
        pool.destroy(message); // goes back to whoever needs one
        message = next;
      }
  });
  for (int number = 0; number != 1000;) {
    auto* const message = pool.try_create<Message>(number, nullptr);
    if (message == nullptr) { // all 100 are on their way
      std::this_thread::yield();
      continue;
    }
    message->next = sent.load();
    while (!sent.compare_exchange_weak(message->next, message)) {
    }
    ++number;
  }
  consumer.join();
  assert(pool.empty());
}
