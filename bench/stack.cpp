// Values pushed and popped, one by one or by going back to a mark.
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <allot/stack.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace bench {

namespace stack {

constexpr std::size_t depth = 64;
constexpr std::size_t room = 64 * 1024;

template <std::size_t bytes>
struct Value {
  std::uint64_t words[bytes / 8];
};

struct NoStack {
  static constexpr const char* name = "loop";
  template <class V>
  void push(const V& value) {
    std::memcpy(Nothing::place, &value, sizeof value);
  }
  template <class V>
  void pop() {}
  template <class Body>
  void scoped(Body body) {
    body();
  }
};

struct IdealStack {
  static constexpr const char* name = "ideal";
  template <class V>
  void push(const V& value) {
    std::memcpy(ideal.allocate(sizeof value), &value, sizeof value);
  }
  template <class V>
  void pop() {
    if (sizeof(V) > static_cast<std::size_t>(ideal.head - ideal.start.get())) [[unlikely]]
      Ideal::refuse();
    ideal.head -= sizeof(V);
  }
  template <class Body>
  void scoped(Body body) {
    std::byte* const mark = ideal.head;
    body();
    ideal.head = mark;
  }
  Ideal ideal{Need{1, room}};
};

struct OurStack {
  static constexpr const char* name = "allot::Stack";
  template <class V>
  void push(const V& value) {
    stack.push(value);
  }
  template <class V>
  void pop() {
    stack.pop(sizeof(V));
  }
  template <class Body>
  void scoped(Body body) {
    const auto scope = stack.scope();
    body();
  }
  allot::Stack stack{room, {.zero = false}};
};

#ifdef ALLOT_BENCH_FOONATHAN
// A pop goes back to where the stack was before the push, which its user must remember.
struct FoonathanValues {
  using Stack = foonathan::memory::memory_stack<>;
  static constexpr const char* name = FoonathanStack::name;
  template <class V>
  void push(const V& value) {
    before[count++] = stack.top();
    std::memcpy(stack.allocate(sizeof value, 8), &value, sizeof value);
  }
  template <class V>
  void pop() {
    stack.unwind(before[--count]);
  }
  template <class Body>
  void scoped(Body body) {
    const std::size_t below = count;
    {
      const foonathan::memory::memory_stack_raii_unwind<Stack> unwind(stack);
      body();
    }
    count = below;
  }
  Stack stack{Stack::min_block_size(room)};
  std::vector<Stack::marker> before = std::vector<Stack::marker>(depth, stack.top());
  std::size_t count = 0;
};
#else
struct FoonathanValues : Absent {};
#endif

#ifdef ALLOT_BENCH_OBSTACK
struct ObstackValues {
  static constexpr const char* name = Obstack::name;
  ObstackValues() {
    obstack_specify_allocation(&values, static_cast<int>(room), 8, std::malloc, std::free);
  }
  ObstackValues(const ObstackValues&) = delete;
  ~ObstackValues() { obstack_free(&values, nullptr); }
  template <class V>
  void push(const V& value) {
    places[count++] = obstack_copy(&values, &value, static_cast<int>(sizeof value));
  }
  template <class V>
  void pop() {
    obstack_free(&values, places[--count]);
  }
  template <class Body>
  void scoped(Body body) {
    const std::size_t below = count;
    body();
    if (count != below)
      obstack_free(&values, places[below]);
    count = below;
  }
  obstack values;
  std::array<void*, depth> places;
  std::size_t count = 0;
};
#else
struct ObstackValues : Absent {};
#endif

struct VectorValues {
  static constexpr const char* name = "std::vector of bytes";
  VectorValues() { bytes.reserve(room); }
  template <class V>
  void push(const V& value) {
    const auto* const first = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof value);
  }
  template <class V>
  void pop() {
    bytes.resize(bytes.size() - sizeof(V));
  }
  template <class Body>
  void scoped(Body body) {
    const std::size_t below = bytes.size();
    body();
    bytes.resize(below);
  }
  std::vector<std::byte> bytes;
};

// Keeps what was pushed and popped so far from the optimizer.
void keep() {
  asm volatile("" : : : "memory");
}

// Made beforehand: copying a value whose first word was just stored would wait for the store.
template <class V>
const std::array<V, depth>& values() {
  static const std::array<V, depth> made = [] {
    std::array<V, depth> result{};
    for (std::size_t i = 0; i != depth; ++i)
      result[i].words[0] = i;
    return result;
  }();
  return made;
}

template <class Stack, class V>
class PushAndPop final : public Runner {
public:
  static constexpr std::size_t operations = 4096;

  PushAndPop() { PushAndPop::round(); }
  void round() override {
    const V* const from = values_;
    for (std::size_t done = 0; done != operations; done += depth) {
      for (std::size_t i = 0; i != depth; ++i) {
        stack_.push(from[i]);
        keep();
      }
      for (std::size_t i = 0; i != depth; ++i) {
        stack_.template pop<V>();
        keep();
      }
    }
  }

private:
  const V* values_ = values<V>().data();
  Stack stack_;
};
template <class Stack>
using Words = PushAndPop<Stack, Value<8>>;
template <class Stack>
using Lines = PushAndPop<Stack, Value<64>>;

// Pushes in a scope, which takes them back at its end.
template <class Stack>
class Scoped final : public Runner {
public:
  static constexpr std::size_t operations = 1024;

  Scoped() { Scoped::round(); }
  void round() override {
    for (std::size_t done = 0; done != operations; ++done) {
      stack_.scoped([this, from = values_] {
        for (std::size_t i = 0; i != 8; ++i) {
          stack_.push(from[i]);
          keep();
        }
      });
      keep();
    }
  }

private:
  const Value<8>* values_ = values<Value<8>>().data();
  Stack stack_;
};

template <template <class> class Run>
void add_contestants(Workload& workload, std::vector<Bound> bounds) {
  workload.add<Run, NoStack>(Role::loop, {});
  workload.add<Run, IdealStack>(Role::floor, {});
  workload.add<Run, OurStack>(Role::ours, std::move(bounds));
  workload.add_peers<Run, FoonathanValues, ObstackValues, VectorValues>();
}

} // namespace stack

std::vector<Workload> stack_workloads() {
  using namespace stack;
  const std::vector<Bound> bounds{{"foonathan memory_stack", 0.8}};
  Workload words{.name = "stack, 8 B",
                 .text = "64 values of 8 bytes pushed, then popped",
                 .operation = "value pushed and popped",
                 .operations = Words<NoStack>::operations};
  add_contestants<Words>(words, bounds);
  Workload lines{.name = "stack, 64 B",
                 .text = "64 values of 64 bytes pushed, then popped",
                 .operation = "value pushed and popped",
                 .operations = Lines<NoStack>::operations};
  add_contestants<Lines>(lines, bounds);
  Workload scopes{.name = "stack, scope",
                  .text = "a mark set, 8 values of 8 bytes pushed, the mark restored",
                  .operation = "scope",
                  .operations = Scoped<NoStack>::operations};
  add_contestants<Scoped>(scopes, {});
  return {words, lines, scopes};
}

} // namespace bench
