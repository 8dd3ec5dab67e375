// OwnerLock: the owner and another are never inside together, and each sees what the other did.
#include "model.hpp"
#include "protocols.hpp"

#include <allot/threads/owner_lock.hpp>

#include <memory>
#include <mutex>

namespace schedules {
namespace {

using allot::detail::OwnerLock;

template <class Atomics>
struct Counter {
  Mutex mutex;
  OwnerLock<Atomics> lock{true};
  Plain<int> count;

  // The long way of the owner is with the mutex.
  void add_as_owner() {
    if (lock.enter()) {
      count = count + 1;
      lock.leave();
    } else {
      const std::lock_guard guard(mutex);
      count = count + 1;
    }
  }
  void add_as_other() {
    const std::lock_guard guard(mutex);
    expect(lock.close(), "it cannot be closed");
    count = count + 1;
    lock.open();
  }
};

template <class Atomics>
Program with(int by_owner, std::vector<int> by_others) {
  const auto counter = std::make_shared<Counter<Atomics>>();
  Program program;
  int all = by_owner;
  program.threads.push_back([=] {
    for (int i = 0; i != by_owner; ++i)
      counter->add_as_owner();
  });
  for (const int n : by_others) {
    all += n;
    program.threads.push_back([=] {
      for (int i = 0; i != n; ++i)
        counter->add_as_other();
    });
  }
  program.at_end = [=] { expect(counter->count == all, "something was not counted"); };
  return program;
}

} // namespace

Cases owner_lock_cases() {
  return {
      {"owner lock", [] { return with<Model>(3, {3}); }, nullptr},
      {"owner lock, two others",
       [] {
         return with<Model>(2, {1, 2});
       },
       nullptr},
      {"owner lock without a fence", [] { return with<WithoutFence>(1, {1}); }, "memory is"},
      {"owner lock that orders nothing", [] { return with<Relaxed>(1, {1}); }, "memory is"},
  };
}

} // namespace schedules
