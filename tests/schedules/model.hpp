// What the protocols are written over in place of the machine's atomics, so that the scheduler has
// them run in every order; and the same with a mistake in it each, which it must find.
#pragma once

#include "scheduler.hpp"

#include <atomic>
#include <cstring>

namespace schedules {

inline bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
inline bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

struct Model {
  template <class T>
  class Atomic {
    static_assert(sizeof(T) <= sizeof(Word));

  public:
    Atomic(T value) { place_.value = word(value); } // NOLINT(google-explicit-constructor): as std's
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const {
      Scheduler* const s = Scheduler::running();
      if (s == nullptr)
        return value(place_.value);
      s->before({Kind::load, &place_});
      return value(s->load(place_, acquires(order)));
    }
    void store(T to, std::memory_order order) {
      Scheduler* const s = Scheduler::running();
      if (s == nullptr) {
        place_.value = word(to);
      } else if (order == std::memory_order_seq_cst) {
        (void)change([&](T) { return to; }, order);
      } else {
        s->before({Kind::store, &place_});
        s->store(place_, word(to), releases(order));
      }
    }
    T exchange(T to, std::memory_order order) {
      return change([&](T) { return to; }, order);
    }
    T fetch_add(T n, std::memory_order order) {
      return change([&](T v) { return static_cast<T>(v + n); }, order);
    }
    T fetch_sub(T n, std::memory_order order) {
      return change([&](T v) { return static_cast<T>(v - n); }, order);
    }
    bool compare_exchange_strong(T& expected, T to, std::memory_order order,
                                 std::memory_order order_of_failure) {
      Scheduler* const s = Scheduler::running();
      if (s != nullptr)
        s->before({Kind::update, &place_});
      const T found = value(place_.value);
      const bool same = word(found) == word(expected);
      if (s != nullptr)
        (void)s->load(place_, acquires(same ? order : order_of_failure));
      if (same && s != nullptr)
        s->update(place_, word(to), releases(order));
      else if (same)
        place_.value = word(to);
      expected = found;
      return same;
    }
    bool compare_exchange_weak(T& expected, T to, std::memory_order order,
                               std::memory_order order_of_failure) {
      return compare_exchange_strong(expected, to, order, order_of_failure);
    }

  private:
    static Word word(T value) {
      Word word = 0;
      std::memcpy(&word, &value, sizeof value);
      return word;
    }
    static T value(Word word) {
      T value;
      std::memcpy(&value, &word, sizeof value);
      return value;
    }
    template <class Change>
    T change(Change to, std::memory_order order) {
      Scheduler* const s = Scheduler::running();
      if (s == nullptr) {
        const T before = value(place_.value);
        place_.value = word(to(before));
        return before;
      }
      s->before({Kind::update, &place_});
      const T before = value(s->load(place_, acquires(order)));
      s->update(place_, word(to(before)), releases(order));
      return before;
    }

    mutable Place place_;
  };

  static void order() {}
  static bool fence_threads() {
    if (Scheduler* const s = Scheduler::running())
      s->fence_all();
    return true;
  }
  static void yield() {
    if (Scheduler* const s = Scheduler::running())
      s->yield();
  }
};

/// No thread passes a barrier that it does not know of.
struct WithoutFence : Model {
  static bool fence_threads() { return true; }
};

/// What is stored orders nothing.
struct Relaxed : Model {
  template <class T>
  class Atomic : public Model::Atomic<T> {
  public:
    using Model::Atomic<T>::Atomic;
    void store(T to, std::memory_order) { Model::Atomic<T>::store(to, std::memory_order_relaxed); }
    bool compare_exchange_weak(T& expected, T to, std::memory_order, std::memory_order failure) {
      return Model::Atomic<T>::compare_exchange_weak(expected, to, std::memory_order_relaxed,
                                                     failure);
    }
  };
};

/// Another thread may come between reading and writing.
struct Torn : Model {
  template <class T>
  class Atomic : public Model::Atomic<T> {
  public:
    using Model::Atomic<T>::Atomic;
    T exchange(T to, std::memory_order order) {
      const T before = this->load(std::memory_order_acquire);
      this->store(to, order);
      return before;
    }
    T fetch_add(T n, std::memory_order order) {
      return exchange(static_cast<T>(this->load(std::memory_order_relaxed) + n), order);
    }
    bool compare_exchange_weak(T& expected, T to, std::memory_order order, std::memory_order) {
      const T found = this->load(std::memory_order_acquire);
      const bool same = found == expected;
      if (same)
        this->store(to, order);
      expected = found;
      return same;
    }
  };
};

class Mutex {
public:
  void lock() {
    if (Scheduler* const s = Scheduler::running()) {
      s->before({Kind::lock, &place_});
      s->take(place_);
    }
  }
  void unlock() {
    if (Scheduler* const s = Scheduler::running()) {
      s->before({Kind::update, &place_});
      s->update(place_, 0, true);
    }
  }

private:
  Place place_;
};

/// Memory that threads share and that is no atomic.
template <class T>
class Plain {
public:
  Plain() = default;
  Plain(T value) : value_(value) {} // NOLINT(google-explicit-constructor): stands for a T
  Plain(const Plain& other) : value_(other) {}
  Plain& operator=(const Plain& other) { return *this = static_cast<T>(other); }
  Plain& operator=(T value) {
    if (Scheduler* const s = Scheduler::running())
      s->write(touched_, "written");
    value_ = value;
    return *this;
  }
  operator T() const { // NOLINT(google-explicit-constructor): stands for a T
    if (Scheduler* const s = Scheduler::running())
      s->read(touched_, "read");
    return value_;
  }

private:
  T value_{};
  mutable Touched touched_;
};

} // namespace schedules
