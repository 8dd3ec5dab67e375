// What the tests of thread parts share: the smallest thing that threads share.
#pragma once

#include <allot/threads/thread_parts.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace test {

struct Part : allot::detail::ThreadPart {
  using ThreadPart::ThreadPart;
  int first = 0; // both are the same while no thread is inside
  int second = 0;
};

class Thing {
public:
  Thing() = default;
  Thing(const Thing&) = delete;
  Thing& operator=(const Thing&) = delete;
  ~Thing() { shared.forget_parts(); }

  /// This thread's part, if it has one.
  [[nodiscard]] Part* part() const {
    allot::detail::ThreadPart* part = shared.part();
    return static_cast<Part*>(part != nullptr ? part : shared.find_part());
  }
  /// This thread's part, which it has from now on.
  Part& get() {
    if (Part* const mine = part())
      return *mine;
    const std::lock_guard lock(shared.mutex);
    collect();
    auto* mine = shared.take_idle();
    if (mine == nullptr) {
      made.push_back(std::make_unique<Part>(shared));
      shared.add(*made.back());
      mine = shared.take_idle();
    }
    shared.attach(*mine);
    return static_cast<Part&>(*mine);
  }
  void add() {
    Part& mine = get();
    if (!mine.lock.enter()) {
      const std::lock_guard lock(shared.mutex);
      ++mine.first;
      ++mine.second;
      return;
    }
    ++mine.first;
    ++mine.second;
    mine.lock.leave();
  }
  /// With the mutex held.
  void collect() {
    shared.collect([&](allot::detail::ThreadPart& part) {
      collected += static_cast<Part&>(part).first;
      static_cast<Part&>(part).first = static_cast<Part&>(part).second = 0;
    });
  }

  allot::detail::Shared shared;
  std::vector<std::unique_ptr<Part>> made;
  int collected = 0; // from threads that ended
};

} // namespace test
