// What stands on a buffer of the caller's asks the heap, and an upstream, for nothing: all
// operations of all such strategies, while both refuse everything.
#include "faults.hpp"

#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "../support.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using namespace faults;

namespace {

/// Gives nothing, and counts how often it was asked.
struct Refusing {
  std::size_t requests = 0;
  void* allocate(std::size_t, std::size_t) {
    ++requests;
    return nullptr;
  }
  void deallocate(void*, std::size_t, std::size_t) {}
};

// clang 14 takes the literal for a call at run time in some lambdas, and finds no such function.
constexpr std::size_t mib = 1_MiB;

alignas(4096) std::byte memory[2][65536];

Buffer buffer(int i = 0) {
  test::fill(memory[i], sizeof memory[i]);
  return Buffer::borrowed(memory[i]);
}

struct Owner {
  Owner() { ++living; }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { --living; }
  unsigned char bytes[40] = {};
  static inline int living = 0;
};
struct Failing {
  Failing() { throw std::runtime_error("always"); }
};

// What GoogleTest would ask of the heap itself stays out of it: failures are counted.
int failures = 0;
void check(bool holds) {
  failures += holds ? 0 : 1;
}
template <class Call>
bool refuses(Call call) {
  return !served(call);
}

// ------------------------------------------------------------------------------ any size

template <class S>
void use_bytes(S& s) {
  auto* const first = static_cast<std::byte*>(s.allocate(24));
  check(s.try_allocate(24) != nullptr && s.allocate(0) != nullptr);
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
    check(test::is_aligned(s.allocate(10, alignment), alignment));
    check(test::is_aligned(s.try_allocate(10, alignment), alignment));
  }
  void* p = s.allocate(100);
  check(s.try_resize(p, 100, 2000) && s.try_resize(p, 2000, 10));
  (void)s.allocate(8);
  p = s.reallocate(p, 10, 400);
  (void)s.allocate(8);
  p = s.try_reallocate(p, 400, 800);
  check(p != nullptr && s.try_resize(p, 800, 0));

  check(s.copy("text") == std::string_view("text"));
  const int numbers[] = {1, 2, 3};
  check(s.copy(std::span(numbers))[2] == 3);
  check(*s.template create<int>(7) == 7 && s.template try_create<double>() != nullptr);
  check(s.template create_array<int>(10).size() == 10);

  check(hooks::resize<S>(&s, hooks::resize<S>(&s, nullptr, 0, 100), 100, 300) != nullptr);
  void* const block = hooks::allocate<S>(&s, std::size_t{100});
  (void)hooks::allocate_array<S>(&s, std::size_t{10}, std::size_t{10});
  hooks::deallocate<S>(&s, hooks::reallocate<S>(&s, block, std::size_t{500}));
  {
    std::vector<long, Allocator<long, S>> vector{Allocator<long, S>(s)};
    for (long i = 0; i != 100; ++i)
      vector.push_back(i);
  }
  check(s.owns(first) && s.used() <= s.peak() && s.peak() <= s.capacity());
  s.reset_peak();

  const std::size_t used = s.used();
  check(s.try_allocate(mib) == nullptr && s.try_allocate(8, 1) != nullptr);
  check(s.try_reallocate(first, 24, mib) == nullptr);
  check(refuses([&] { return s.allocate(mib); }));
  check(refuses([&] { return s.allocate(100, 1024 * mib); }));
  check(s.used() == used + 8);
}

template <class S>
void use_objects(S& s) {
  (void)s.template create<Owner>();
  check(s.template create_array<Owner>(5).size() == 5 && s.template try_create<Owner>() != nullptr);
  bool thrown = false;
  try {
    (void)s.template create<Failing>();
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  check(thrown && Owner::living != 0 && s.objects() != 0);
}

// As many as there is room for: in the object, and at the far end or where it was set aside.
template <class S>
void use_checkpoints(S& s) {
  const std::size_t used = s.used();
  for (int i = 0; i != 20; ++i) {
    s.checkpoint();
    (void)s.allocate(40, 64);
    const auto scope = s.scope();
    (void)s.allocate(8);
    if (i >= 10)
      continue;
    const auto inner = s.scope();
    s.checkpoint();
    (void)s.allocate(8, 32);
  }
  void* const p = s.allocate(8);
  check(s.try_resize(p, 8, 0));
  for (int i = 0; i != 20; ++i)
    s.restore();
  check(s.used() == used && refuses([&] {
          try {
            s.restore();
          } catch (const Misuse&) {
            return false;
          }
          return true;
        }));
}

template <class S, class... Args>
void use(Args... args) {
  S s(buffer(), args...);
  for (int round = 0; round != 3; ++round) {
    use_bytes(s);
    if constexpr (Rewindable<S>)
      use_checkpoints(s);
    if constexpr (requires { s.objects(); })
      use_objects(s);
    if constexpr (Rewindable<S>)
      use_checkpoints(s);
    s.reset();
    check(s.used() == 0 && Owner::living == 0);
  }
  S other(buffer(1), args...);
  (void)other.allocate(8);
  if constexpr (Rewindable<S>)
    for (int i = 0; i != 10; ++i)
      other.checkpoint();
  s = std::move(other);
  S last(std::move(s));
  if constexpr (Rewindable<S>)
    last.restore();
  use_bytes(last);
  last.release();
}

void use_stack(const Options& options) {
  Stack s(buffer(), options);
  for (int round = 0; round != 3; ++round) {
    const Marker bottom = s.mark();
    Marker high;
    for (int i = 0; i != 20; ++i) {
      s.push(i);
      check(!s.try_push(std::string_view("text")).empty());
      high = s.mark();
      const auto scope = s.scope();
      const auto inner = s.scope();
      (void)s.push(std::array<int, 3>{1, 2, 3});
      (void)s.mark();
    }
    check(s.pop(8).size() == 8 && s.top<int>() == 19 && s.pop<int>() == 19);
    check(s.try_pop<int>().has_value() && s.try_pop(100'000).data() == nullptr);
    check(s.try_push(std::span(memory[1]).first(65536)).data() == nullptr);
    check(refuses([&] { return s.push(std::span<const std::byte>(memory[1])); }));
    s.restore(bottom);
    s.reset_peak();
    s.reset();
  }
  Stack other(buffer(1), options);
  for (int i = 0; i != 10; ++i)
    (void)other.mark();
  s = std::move(other);
  Stack last(std::move(s));
  (void)last.mark();
  last.release();
}

// -------------------------------------------------------------------------------- pieces

void use_slots() {
  SlotArena s(24, buffer());
  for (int round = 0; round != 2; ++round) {
    while (s.try_allocate().ptr != nullptr) {
    }
    check(refuses([&] { return s.allocate().ptr; }) && s.at(3) != nullptr);
    s.reset_peak();
    s.reset();
  }
  SlotArena other(24, buffer(1));
  s = std::move(other);
  check(s.allocate().index == 0);
  s.release();
}

void use_typed() {
  TypedArena<Owner> s(buffer());
  for (int round = 0; round != 2; ++round) {
    while (s.try_create().ptr != nullptr) {
    }
    check(refuses([&] { return s.create().ptr; }));
    const auto handle = s.handle(3);
    check(&s[3] == &s[handle]);
    s.for_each([](Owner& owner) { check(owner.bytes[0] == 0); });
    s.reset_peak();
    s.reset();
  }
  TypedArena<Owner> other(buffer(1));
  s = std::move(other);
  (void)s.create();
  s.release();
  check(Owner::living == 0);
}

void use_pool(const BlockOptions& options) {
  BlockPool s(64, buffer(), options);
  std::array<void*, 20> blocks{};
  for (int round = 0; round != 2; ++round) {
    void* const p = s.allocate();
    s.deallocate(p);
    s.allocate_many(blocks);
    s.deallocate_many(blocks);
    check(s.try_allocate_many(blocks));
    s.deallocate_many(blocks);
    Owner* const object = s.create<Owner>();
    check(object != nullptr && s.owns(object));
    s.destroy(object);
    while (s.try_allocate() != nullptr) {
    }
    check(refuses([&] { return s.allocate(); }));
    s.for_each([](void* block) { check(block != nullptr); });
    s.reset_peak();
    s.reset();
  }
  BlockPool other(64, buffer(1), options);
  s = std::move(other);
  check(s.allocate() != nullptr);
  s.release();
}

// --------------------------------------------------------------------------------- tests

/// Whether the heap was asked for anything by `call`.
template <class Call>
void expect_no_request(Call call) {
  failures = 0;
  bool asked = false;
  {
    const Fault fault(Source::heap, 1, true);
    call();
    asked = fault.happened();
  }
  EXPECT_FALSE(asked) << "the heap was asked";
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(test::visible(memory, sizeof memory), sizeof memory);
}

template <class S>
class OnABorrowedBuffer : public testing::Test {};
using OfAnySize = testing::Types<Arena, Bump, Scratch>;
TYPED_TEST_SUITE(OnABorrowedBuffer, OfAnySize);

TYPED_TEST(OnABorrowedBuffer, AsksTheHeapForNothing) {
  expect_no_request([] { use<TypeParam>(); });
  expect_no_request([] { use<TypeParam>(Options{.zero = false}); });
  expect_no_request([] { use<TypeParam>(Options{.marks = 100}); });
}

TEST(ARegionOnABorrowedBuffer, AsksNeitherTheHeapNorUpstreamAsLongAsItFits) {
  Refusing upstream;
  expect_no_request([&] {
    Region region(buffer(), {.marks = 10, .upstream = &upstream});
    for (int round = 0; round != 3; ++round) {
      std::size_t checkpoints = 0;
      while (region.try_allocate(20, 64) != nullptr && region.available() > 2000) {
        const auto scope = region.scope();
        (void)region.create<Owner>();
        if (checkpoints != 10) {
          const auto inner = region.scope();
          (void)region.allocate(100);
        }
      }
      for (; checkpoints != 10; ++checkpoints)
        region.checkpoint();
      (void)region.allocate(100);
      for (; checkpoints != 0; --checkpoints)
        region.restore();
      region.trim();
      region.reset();
      if (round == 1)
        region.release();
    }
  });
  EXPECT_EQ(upstream.requests, 0u);
}

TEST(ARegionOnABorrowedBuffer, AsksUpstreamAloneForWhatDoesNotFit) {
  Refusing upstream;
  expect_no_request([&] { use<Region>(RegionOptions{.marks = 100, .upstream = &upstream}); });
  EXPECT_NE(upstream.requests, 0u);
}

TEST(AStackOnABorrowedBuffer, AsksTheHeapForNothing) {
  expect_no_request([] { use_stack({}); });
  expect_no_request([] { use_stack({.zero = false}); });
  expect_no_request([] { use_stack({.marks = 100}); });
}

TEST(PiecesOfABorrowedBuffer, AskTheHeapForNothing) {
  expect_no_request(use_slots);
  expect_no_request(use_typed);
  expect_no_request([] { use_pool({}); });
  expect_no_request([] { use_pool({.order = Order::any}); });
}

} // namespace
