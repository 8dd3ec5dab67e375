// Thread exit: a thread that ends leaves its part, while another reaches for all parts, collects
// those that were left and takes one for its own. As in thread_parts.cpp.
#include "model.hpp"
#include "protocols.hpp"

#include <allot/threads/leavers.hpp>
#include <allot/threads/owner_lock.hpp>

#include <memory>
#include <mutex>

namespace schedules {
namespace {

using allot::detail::Leavers;
using allot::detail::OwnerLock;

template <class Atomics>
struct Part {
  OwnerLock<Atomics> lock{true};
  Plain<int> content;
  Plain<Part*> next_left;
};

template <class Atomics>
struct SharedThing {
  Mutex mutex;
  Leavers<Part<Atomics>, Atomics> left;
  Part<Atomics> parts[2];
  // Guarded by the mutex:
  Plain<Part<Atomics>*> idle;
  Plain<int> collected; // of what was in parts
  Plain<int> ended;     // threads that are known to have

  void use(Part<Atomics>& mine) {
    if (mine.lock.enter()) {
      mine.content = mine.content + 1;
      mine.lock.leave();
      return;
    }
    const std::lock_guard guard(mutex);
    mine.content = mine.content + 1;
  }
  void end_thread(Part<Atomics>& mine) { left.push(mine); }

  // With the mutex held.
  void flush(Part<Atomics>& part) {
    collected = collected + part.content;
    part.content = 0;
  }
  void flush_all() {
    for (auto& part : parts)
      expect(part.lock.shut(), "it was closed");
    (void)Atomics::fence_threads();
    for (auto& part : parts) {
      part.lock.wait();
      flush(part);
      part.lock.open();
    }
  }
  Part<Atomics>* collect() {
    for (Part<Atomics>* each = left.take_all(); each != nullptr; each = each->next_left) {
      flush(*each);
      ended = ended + 1;
      idle = each;
    }
    return idle;
  }
};

template <class Atomics>
Program with(int uses) {
  const auto shared = std::make_shared<SharedThing<Atomics>>();
  return {{[=] {
             for (int i = 0; i != uses; ++i)
               shared->use(shared->parts[0]);
             shared->end_thread(shared->parts[0]);
           },
           [=] {
             Part<Atomics>* mine = nullptr;
             for (int i = 0; i != uses; ++i) {
               const std::lock_guard guard(shared->mutex);
               shared->flush_all();
               mine = shared->collect();
             }
             if (mine == nullptr) // the other has not ended
               mine = &shared->parts[1];
             shared->use(*mine);
             shared->end_thread(*mine);
           }},
          [=] {
            const bool was_taken = shared->ended == 1;
            shared->collect();
            expect(shared->ended == 2, "a part was lost, or left twice");
            expect(shared->idle != nullptr, "no part is idle");
            expect(shared->collected == uses + 1, "something in a part was lost");
            expect(!was_taken || shared->idle == &shared->parts[0], "another part was left");
          }};
}

} // namespace

Cases thread_exit_cases() {
  return {
      {"thread exit", [] { return with<Model>(2); }, nullptr},
      {"thread exit without a fence", [] { return with<WithoutFence>(1); }, "memory is"},
      {"thread exit in two steps", [] { return with<Torn>(1); }, ""},
      {"thread exit that orders nothing", [] { return with<Relaxed>(1); }, "memory is"},
  };
}

} // namespace schedules
