// Every strategy in one program that needs neither GoogleTest nor exceptions nor RTTI: for builds
// in which GoogleTest cannot run, or cannot be trusted. Exits with the number of failed checks.
#include <allot/allot.hpp>
#include <allot/threads.hpp>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

using namespace allot;
using namespace allot::literals;

namespace {

int checks = 0;
int failures = 0;

void check(bool holds, const char* what, const char* strategy) {
  ++checks;
  if (holds)
    return;
  ++failures;
  std::printf("failed: %s: %s\n", strategy, what);
}

// How a call was refused, if it was. Without exceptions the handlers are called, which may not
// return; the calls below have nothing to destroy on the way that longjmp takes.
#if defined(__cpp_exceptions)
template <class Call>
std::optional<Errc> refusal(Call&& call) {
  try {
    (void)call();
  } catch (const Exhausted& exhausted) {
    return exhausted.code();
  } catch (const Misuse& misuse) {
    return misuse.code();
  }
  return std::nullopt;
}
void install_handlers() {}
#else
std::jmp_buf refused_call;
Errc code;

template <class Call>
std::optional<Errc> refusal(Call&& call) {
  if (setjmp(refused_call) != 0)
    return code;
  (void)call();
  return std::nullopt;
}
template <class Error>
[[noreturn]] void escape(const Error& error) {
  code = error.code();
  std::longjmp(refused_call, 1);
}
void install_handlers() {
  exhausted_handler = escape<Exhausted>;
  misuse_handler = escape<Misuse>;
}
#endif

std::optional<Errc> reported; // where nothing may be thrown

/// The misuse that a call reports rather than throws.
template <class Call>
std::optional<Errc> report(Call&& call) {
  void (*const before)(const Misuse&) =
      std::exchange(misuse_handler, [](const Misuse& misuse) { reported = misuse.code(); });
  reported.reset();
  call();
  misuse_handler = before;
  return reported;
}

bool is_zero(const void* p, std::size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(p);
  return std::all_of(at, at + bytes, [](unsigned char byte) { return byte == 0; });
}
bool is_aligned(const void* p, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}

struct Counted {
  explicit Counted(int n) : number(n) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int number;
  static inline int alive = 0;
};

// What serves any size: allocation, alignment, contents, refusals, reset, moving, release.
template <class S>
void bytes(const char* name, S s) {
  void* blocks[64];
  for (std::size_t i = 0; i != 64; ++i) {
    const std::size_t alignment = i % 4 == 3 ? std::size_t{16} << (i % 6) : granule;
    blocks[i] = alignment == granule ? s.allocate(i + 1) : s.allocate(i + 1, alignment);
    check(is_aligned(blocks[i], alignment), "aligned", name);
    check(is_zero(blocks[i], i + 1), "zero", name);
    check(s.owns(blocks[i]), "owns it", name);
    std::memset(blocks[i], static_cast<int>(i + 1), i + 1);
  }
  for (std::size_t i = 0; i != 64; ++i) {
    const auto* at = static_cast<const unsigned char*>(blocks[i]);
    check(std::all_of(at, at + i + 1, [=](unsigned char b) { return b == i + 1; }), "kept", name);
  }
  check(!s.owns(&s), "does not own the stack", name);

  const std::size_t used = s.used();
  for (const std::size_t n : {SIZE_MAX, SIZE_MAX - 7, std::size_t{PTRDIFF_MAX} + 1}) {
    check(s.try_allocate(n) == nullptr, "no room", name);
    check(s.try_allocate(n, 64) == nullptr, "no room, aligned", name);
    check(refusal([&] { return s.allocate(n); }) == Errc::no_room, "refuses", name);
  }
  check(refusal([&] { return s.allocate(8, 3); }) == Errc::bad_alignment, "alignment of 3", name);
  check(s.used() == used, "a refusal changes nothing", name);
  check(s.copy(std::string_view("text")) == "text", "copy", name);

  s.reset();
  check(s.used() == 0, "empty after reset", name);
  void* p = s.allocate(100);
  check(is_zero(p, 100), "zero after reset", name);
  std::memset(p, 7, 100);
  p = s.reallocate(p, 100, 200);
  check(static_cast<unsigned char*>(p)[99] == 7, "reallocated with its contents", name);

  S other = std::move(s);
  check(other.owns(p), "moved", name);
  check(refusal([&] { return s.allocate(8); }) == Errc::released, "moved from", name); // NOLINT
  other.release();
  other.release();
  if constexpr (std::is_same_v<S, Region>) { // which starts anew
    check(other.capacity() == 0 && other.try_allocate(8) != nullptr, "released", name);
  } else {
    check(refusal([&] { return other.allocate(8); }) == Errc::released, "released", name);
    check(other.try_allocate(8) == nullptr, "try on a released one", name);
  }
}

template <class S>
void objects(const char* name, S s) {
  for (int i = 0; i != 10; ++i)
    check(s.template create<Counted>(i)->number == i, "create", name);
  check(s.template create_array<int>(100)[99] == 0, "create_array", name);
  check(Counted::alive == 10, "alive", name);
  s.reset();
  check(Counted::alive == 0, "destroyed by reset", name);
  (void)s.template create<Counted>(1);
  s.release();
  check(Counted::alive == 0, "destroyed by release", name);
}

template <class S>
void rewinding(const char* name, S s) {
  (void)s.allocate(24);
  const std::size_t before = s.used();
  s.checkpoint();
  (void)s.allocate(1000);
  s.restore();
  check(s.used() == before, "restored", name);
  {
    const auto scope = s.scope();
    (void)s.allocate(1000);
  }
  check(s.used() == before, "restored by a scope", name);
  check(refusal([&] {
          s.restore();
          return 0;
        }) == Errc::no_checkpoint,
        "no checkpoint", name);
  {
    const auto scope = s.scope();
    check(report([&] { s.release(); }) == Errc::busy, "released under a scope", name);
  }
}

void block_pools() {
  for (const Order order : {Order::first_free, Order::any}) {
    const char* const name = "block pool";
    BlockPool pool(24, 1000, {.order = order});
    void* blocks[1000];
    for (void*& p : blocks) {
      p = pool.allocate();
      check(is_zero(p, 24), "zero", name);
      std::memset(p, 1, 24);
    }
    check(pool.try_allocate() == nullptr, "full", name);
    check(refusal([&] { return pool.allocate(); }) == Errc::no_room, "refuses", name);
    for (std::size_t i = 0; i < 1000; i += 3)
      pool.deallocate(blocks[i]);
    const auto give_back = [&](void* p) {
      return refusal([&] {
        pool.deallocate(p);
        return 0;
      });
    };
    check(give_back(blocks[3]) == Errc::double_free, "double free", name);
    check(give_back(static_cast<std::byte*>(blocks[4]) + 8) == Errc::misaligned_pointer,
          "misaligned", name);
    check(give_back(&pool) == Errc::foreign_pointer, "foreign", name);
    check(give_back(nullptr) == Errc::null_pointer, "null", name);
    check(pool.stats().used == 666, "used", name);
    void* const p = pool.allocate();
    check(is_zero(p, 24), "zeroed when freed", name);
    check(order == Order::any || p == blocks[0], "the first free", name);
    pool.deallocate(p);
    Counted* const object = pool.create<Counted>(5);
    check(object->number == 5, "create", name);
    pool.destroy(object);
    check(Counted::alive == 0, "destroy", name);
  }
}

void stacks() {
  const char* const name = "stack";
  Stack stack(1_KiB);
  const Marker first = stack.mark();
  check(stack.push(std::string_view("words")).size() == 5, "push", name);
  const Marker second = stack.mark();
  const int numbers[] = {1, 2, 3};
  const std::span<std::byte> pushed = stack.push(numbers);
  check(std::memcmp(pushed.data(), numbers, sizeof numbers) == 0, "contents", name);
  check(stack.pop(sizeof numbers).size() == sizeof numbers, "pop", name);
  stack.restore(first);
  check(stack.used() == 0, "restored", name);
  check(refusal([&] {
          stack.restore(second);
          return 0;
        }) == Errc::stale_marker,
        "stale", name);
  check(refusal([&] { return stack.pop(8).size(); }) == Errc::underflow, "underflow", name);
  static const std::byte large[2048] = {};
  check(refusal([&] { return stack.push(std::span(large)).size(); }) == Errc::no_room, "refuses",
        name);
  stack.release();
  check(refusal([&] { return stack.mark().index(); }) == Errc::released, "released", name);
}

void slot_arenas() {
  SlotArena slots(12, 100);
  for (std::size_t i = 0; i != 100; ++i) {
    const Slot slot = slots.allocate();
    check(slot.index == i && slots.at(i) == slot.ptr && is_zero(slot.ptr, 12), "slot",
          "slot arena");
    std::memset(slot.ptr, 1, 12);
  }
  check(refusal([&] { return slots.allocate().index; }) == Errc::no_room, "refuses", "slot arena");
  check(refusal([&] { return slots.at(100); }) == Errc::out_of_bounds, "bounds", "slot arena");

  TypedArena<Counted> typed(10);
  for (int i = 0; i != 10; ++i)
    check(typed.create(i).ptr->number == i, "create", "typed arena");
  check(Counted::alive == 10, "alive", "typed arena");
  check(refusal([&] { return typed.at(10).number; }) == Errc::out_of_bounds, "bounds",
        "typed arena");
  typed.reset();
  check(Counted::alive == 0, "destroyed by reset", "typed arena");
}

void object_pools() {
  const char* const name = "object pool";
  ObjectPool pool([] { return 42; }, [](int& n) { n = 0; }, 4);
  int* objects[100];
  for (int*& object : objects) {
    object = &pool.acquire();
    check(*object == 42, "made", name);
  }
  pool.give_back(*objects[50]);
  check(refusal([&] {
          pool.give_back(*objects[50]);
          return 0;
        }) == Errc::double_free,
        "twice", name);
  int foreign = 0;
  check(refusal([&] {
          pool.give_back(foreign);
          return 0;
        }) == Errc::foreign_pointer,
        "foreign", name);
  check(&pool.acquire() == objects[50] && *objects[50] == 0, "reset, and handed out again", name);
  {
    const auto lease = pool.lease();
    check(*lease == 42, "leased", name);
  }
  check(pool.stats().in_use == 100 && pool.stats().available == 1, "stats", name);
}

// By one thread: there may be no others here.
void shared_block_pools() {
  const char* const name = "shared block pool";
  SharedBlockPool pool(24, 1000U);
  void* blocks[1000];
  for (void*& p : blocks) {
    p = pool.allocate();
    check(is_zero(p, 24), "zero", name);
    std::memset(p, 1, 24);
  }
  check(refusal([&] { return pool.allocate(); }) == Errc::no_room, "refuses", name);
  for (std::size_t i = 0; i < 1000; i += 2)
    pool.deallocate(blocks[i]);
  check(refusal([&] {
          pool.deallocate(blocks[2]);
          return 0;
        }) == Errc::double_free,
        "double free", name);
  check(pool.used() == 500, "used", name);
  for (std::size_t i = 0; i < 1000; i += 2)
    check(is_zero(blocks[i] = pool.allocate(), 24), "zeroed when freed", name);
  check(pool.try_allocate() == nullptr, "full", name);
}

void shared_object_pools() {
  const char* const name = "shared object pool";
  SharedObjectPool pool([] { return 42; }, [](int& n) { n = 0; }, 4);
  int& object = pool.acquire();
  check(object == 42, "made", name);
  pool.give_back(object);
  check(refusal([&] {
          pool.give_back(object);
          return 0;
        }) == Errc::double_free,
        "twice", name);
  check(&pool.acquire() == &object && object == 0, "reset, and handed out again", name);
  {
    const auto lease = pool.lease();
    check(*lease == 42, "leased", name);
  }
  check(pool.used() == 1 && pool.available() == 1, "counted", name);
}

void multipools() {
  const char* const name = "multipool";
  Multipool pool;
  constexpr std::size_t count = 2000;
  static std::pair<unsigned char*, std::size_t> blocks[count];
  std::uint32_t random = 1;
  for (std::size_t round = 0; round != 5; ++round) {
    for (std::size_t i = 0; i != count; ++i) {
      auto& [p, size] = blocks[i];
      if (p != nullptr) {
        check(p[0] == i % 251 && p[size - 1] == i % 251, "kept", name);
        check(pool.usable_size(p) >= size, "usable size", name);
        pool.deallocate(p);
      }
      random = random * 1664525 + 1013904223;
      size = i % 100 == 0 ? 100'000 + random % 100'000 : 1 + random % 2000;
      p = static_cast<unsigned char*>(pool.allocate(size));
      p[0] = p[size - 1] = static_cast<unsigned char>(i % 251);
    }
  }
  check(refusal([&] {
          pool.deallocate(&pool);
          return 0;
        }) == Errc::foreign_pointer,
        "foreign", name);
  pool.deallocate(blocks[1].first);
  check(refusal([&] {
          pool.deallocate(blocks[1].first);
          return 0;
        }) == Errc::double_free,
        "double free", name);
  pool.reset();
  check(pool.used() == 0, "empty after reset", name);
  pool.trim();
  check(is_zero(pool.allocate(1000), 1000), "zero after reset", name);
}

void shared_multipools() {
  const char* const name = "shared_multipool";
  SharedMultipool pool;
  static unsigned char* blocks[1000];
  const auto work = [&](std::size_t first) {
    for (std::size_t i = first; i < 1000; i += 2) {
      const std::size_t size = i % 100 == 0 ? 100'000 + i : 1 + i % 2000;
      blocks[i] = static_cast<unsigned char*>(pool.allocate(size));
      blocks[i][0] = blocks[i][size - 1] = static_cast<unsigned char>(i % 251);
      check(pool.usable_size(blocks[i]) >= size, "usable size", name);
    }
  };
  work(0);
  work(1);
  for (std::size_t i = 0; i != 1000; ++i) {
    check(blocks[i][0] == i % 251, "kept", name);
    pool.deallocate(blocks[i]);
  }
  check(pool.empty(), "all is free", name);
  check(refusal([&] {
          pool.deallocate(&pool);
          return 0;
        }) == Errc::foreign_pointer,
        "foreign", name);
  check(refusal([&] {
          pool.deallocate(blocks[1]);
          return 0;
        }) == Errc::double_free,
        "double free", name);
  pool.trim();
  pool.reset();
}

void mapped() {
  const char* const name = "mapped arena";
  for (const Commit commit : {Commit::demand, Commit::strict}) {
    // As much address space as a 64-bit system has for the asking, and a 32-bit one.
    constexpr std::size_t large =
        sizeof(void*) == 8 && !instrumented ? std::size_t{1} << 36 : std::size_t{256} << 20;
    MappedArena arena(large, {.commit = commit});
    check(arena.capacity() == large, "capacity", name);
    check(arena.commit(1) == 4096, "commits a page", name);
    for (std::size_t i = 0; i != 300; ++i)
      std::memset(arena.allocate(10'000), 1, 10'000);
    check(arena.committed() >= 3'000'000, "committed", name);
    arena.reset();
    arena.trim();
    check(is_zero(arena.allocate(100'000), 100'000), "zero after reset", name);
  }
}

void shared_arenas() {
  const char* const name = "shared arena";
  SharedArena arena(1_MiB, {.commit = Commit::strict});
  std::uint32_t offsets[4];
  const auto work = [&](std::size_t thread) {
    for (std::size_t i = 0; i != 1000; ++i)
      std::memset(arena.allocate(i % 100 + 1, 16), static_cast<int>(thread), i % 100 + 1);
    offsets[thread] = arena.offset_of(arena.create<Counted>(static_cast<int>(thread)));
  };
  for (std::size_t thread = 0; thread != 4; ++thread) // one by one, as Counted counts
    std::thread(work, thread).join();
  for (std::size_t thread = 0; thread != 4; ++thread)
    check(arena.at<Counted>(offsets[thread])->number == static_cast<int>(thread), "kept", name);
  check(Counted::alive == 4 && arena.objects() == 4, "alive", name);
  check(arena.used() + arena.lost() + arena.available() == 1_MiB, "accounts", name);
  check(refusal([&] { return arena.allocate(1_GiB); }) == Errc::no_room, "refuses", name);
  check(refusal([&] { return arena.at(1_GiB); }) == Errc::out_of_bounds, "bounds", name);
  arena.reset();
  check(Counted::alive == 0 && arena.empty(), "destroyed by reset", name);
  check(is_zero(arena.allocate(10'000), 10'000), "zero after reset", name);
  arena.release();
  check(refusal([&] { return arena.allocate(8); }) == Errc::released, "released", name);
}

void thread_scratches() {
  const char* const name = "thread scratch";
  ThreadScratch& outer = thread_scratch();
  const auto scope = outer.scope();
  void* const p = outer.allocate(100);
  ThreadScratch& inner = thread_scratch(outer);
  {
    const auto inner_scope = inner.scope();
    std::memset(inner.allocate(3_MiB), 1, 3_MiB);
    check(!inner.owns(p) && outer.owns(p), "another one", name);
  }
  check(inner.empty() && inner.capacity() <= ThreadScratch::kept, "given back", name);
  check(report([&] {
          alignas(Scope<ThreadScratch>) std::byte first[sizeof(Scope<ThreadScratch>)];
          auto* const open = new (first) Scope<ThreadScratch>(inner);
          const auto later = inner.scope();
          open->~Scope();
        }) == Errc::no_checkpoint,
        "scopes out of order", name);
}

} // namespace

int main() {
  install_handlers();
  alignas(64) static std::byte lent[64_KiB];
  bytes("arena", Arena(64_KiB));
  bytes("bump", Bump(64_KiB));
  bytes("bump, lent", Bump(Buffer::borrowed(lent)));
  bytes("bump, mapped", Bump(Buffer::mapped(64_KiB)));
  bytes("scratch", Scratch(64_KiB));
  bytes("mapped arena", MappedArena(64_KiB, {.commit = Commit::strict}));
  bytes("mapped arena, guarded", MappedArena(64_KiB, {.guard_pages = true}));
  bytes("region", Region({.limit = 1_MiB}));
  objects("arena", Arena(64_KiB));
  objects("scratch", Scratch(64_KiB));
  objects("region", Region());
  rewinding("scratch", Scratch(64_KiB));
  rewinding("region", Region());
  rewinding("mapped arena", MappedArena(64_KiB));
  slot_arenas();
  block_pools();
  stacks();
  object_pools();
  shared_block_pools();
  shared_object_pools();
  multipools();
  thread_scratches();
  shared_multipools();
  mapped();
  shared_arenas();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
