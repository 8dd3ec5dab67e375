// Requests that fail on demand: of malloc and its kin, of the system calls for memory, and of an
// upstream. The program is linked with --wrap, so the library has no hook for this.
#pragma once

#include <allot/error.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <memory_resource>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace faults {

enum class Source { heap, system, upstream };

/// While one lives, the `number`-th request of a source fails, counted from 1, and if `for_good`
/// all later ones too.
class Fault {
public:
  Fault(Source source, unsigned number, bool for_good)
      : source_(source), number_(number), for_good_(for_good) {
    current() = this;
  }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;
  ~Fault() { current() = nullptr; }
  [[nodiscard]] bool happened() const { return seen_ >= number_; }

  /// Whether a request that is just made must fail.
  static bool now(Source source) {
    Fault* const fault = current();
    if (fault == nullptr || fault->source_ != source)
      return false;
    ++fault->seen_;
    return fault->for_good_ ? fault->happened() : fault->seen_ == fault->number_;
  }

private:
  static Fault*& current() {
    static Fault* fault = nullptr;
    return fault;
  }
  Source source_;
  unsigned number_;
  bool for_good_;
  unsigned seen_ = 0;
};

/// Blocks of the heap that are not free yet.
[[nodiscard]] std::ptrdiff_t heap_blocks();

/// Serves from the C++ heap.
class Upstream : public std::pmr::memory_resource {
public:
  [[nodiscard]] std::ptrdiff_t blocks() const { return blocks_; }

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (Fault::now(Source::upstream))
      throw std::bad_alloc();
    void* const p = ::operator new(bytes, std::align_val_t(alignment));
    ++blocks_;
    return p;
  }
  void do_deallocate(void* p, std::size_t /*bytes*/, std::size_t alignment) override {
    --blocks_;
    ::operator delete(p, std::align_val_t(alignment));
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::ptrdiff_t blocks_ = 0;
};

/// All that a strategy says of itself.
template <class S>
std::vector<std::size_t> statistics(const S& s) {
  std::vector<std::size_t> all;
  if constexpr (requires { s.capacity(); })
    all.push_back(s.capacity());
  if constexpr (requires { s.used(); })
    all.push_back(s.used());
  if constexpr (requires { s.available(); })
    all.push_back(s.available());
  if constexpr (requires { s.peak(); })
    all.push_back(s.peak());
  if constexpr (requires { s.committed(); })
    all.push_back(s.committed());
  if constexpr (requires { s.objects(); })
    all.push_back(s.objects());
  if constexpr (requires { s.stats().arenas; })
    for (const std::size_t n : {s.stats().arenas, s.stats().current_arena_size})
      all.push_back(n);
  if constexpr (requires { s.stats().in_use; })
    for (const std::size_t n :
         {s.stats().available, s.stats().in_use, s.stats().total_allocated, s.stats().capacity})
      all.push_back(n);
  return all;
}

/// Whether `call` was served: it neither threw what an exhausted strategy or upstream throws, nor
/// gave null, false or nothing.
template <class Call>
bool served(Call&& call) {
  try {
    if constexpr (std::is_void_v<decltype(call())>)
      call();
    else if constexpr (requires { static_cast<bool>(call()); })
      return static_cast<bool>(call());
    else
      (void)call();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// A strategy in the middle of its work, and what is asked of it next.
struct Scene {
  std::shared_ptr<void> strategy;
  std::function<std::vector<std::size_t>()> statistics;
  std::vector<std::span<std::byte>> live;
  std::function<bool()> act; // whether it was served
};

/// `live` are pointers to allocations of 24 bytes, which are filled here.
template <class S, class Act>
Scene scene(std::shared_ptr<S> s, const std::vector<void*>& live, Act act) {
  Scene result;
  for (void* p : live) {
    std::memset(p, static_cast<int>(result.live.size()) + 1, 24);
    result.live.emplace_back(static_cast<std::byte*>(p), 24);
  }
  S* const strategy = s.get();
  result.statistics = [strategy] { return faults::statistics(*strategy); };
  result.act = [strategy, act] { return served([&] { return act(*strategy); }); };
  result.strategy = std::move(s);
  return result;
}
/// Of what does not exist yet: `act` makes it.
template <class Act>
Scene nothing(Act act) {
  return {{}, [] { return std::vector<std::size_t>(); }, {}, [act] { return served(act); }};
}

struct Case {
  std::string name;
  Source source;
  std::function<Scene(Upstream&)> make;
  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
};

} // namespace faults
