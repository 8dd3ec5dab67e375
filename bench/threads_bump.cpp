// Arenas that several threads build in, and a thread's scratch memory, beside the strategies of one
// thread.
#include "bump_runs.hpp"
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"
#include "thread_heaps.hpp"
#include "thread_runs.hpp"

#include <allot/threads/shared_arena.hpp>
#include <allot/threads/thread_scratch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace bench {

namespace threads {

// ----------------------------------------------------------------------------------------- arenas

template <class A>
using Run16 = FixedRun<A, 16, 8>;

struct OurArena {
  static constexpr const char* name = "allot::SharedArena";
  explicit OurArena(const Need& need)
      : arena(2 * need.bytes + (std::size_t{1} << 20), {.zero = false}) {}
  void* allocate(std::size_t bytes) { return arena.allocate(bytes); }
  void reset() { arena.reset(); }
  allot::SharedArena arena;
};

struct LockedArena : Locked {
  static constexpr const char* name = "std::mutex, allot::Arena";
  explicit LockedArena(const Need& need) : arena(2 * need.bytes, {.zero = false}) {}
  void* allocate(std::size_t bytes) {
    return (*this)([&] { return arena.allocate(bytes); });
  }
  void reset() { arena.reset(); }
  allot::Arena arena;
};

constexpr std::size_t arena_allocations = 100'000;

// One thread or two build in one arena; then all is taken back.
template <class A, std::size_t threads>
class BuildTogether final : public Runner {
public:
  BuildTogether() { BuildTogether::round(); }
  void round() override {
    if (helper_)
      helper_->start();
    build();
    helper_ ? helper_->wait() : build();
    arena_.reset();
  }

private:
  void build() {
    for (std::size_t i = 0; i != arena_allocations; ++i)
      touch(arena_.allocate(16), i);
  }
  A arena_{need(2 * arena_allocations, 16, 8)};
  std::unique_ptr<Helper> helper_ =
      threads == 2 ? std::make_unique<Helper>([this] { build(); }) : nullptr;
};
template <class A>
using BuildAlone = BuildTogether<A, 1>;
template <class A>
using BuildByTwo = BuildTogether<A, 2>;

struct OurArenaAlone : OurArena {
  static constexpr const char* name = "allot::SharedArena, one thread";
  using OurArena::OurArena;
};

/// With blocks of its own, as it takes one for each thread.
#ifdef ALLOT_BENCH_PROTOBUF
class SharedProtobufArena {
public:
  static constexpr const char* name = ProtobufArena::name;
  explicit SharedProtobufArena(const Need&) {}
  void* allocate(std::size_t bytes) {
    return google::protobuf::Arena::CreateArray<char>(&arena_, bytes);
  }
  void reset() { arena_.Reset(); }

private:
  google::protobuf::Arena arena_;
};
#else
struct SharedProtobufArena : Absent {};
#endif

// ---------------------------------------------------------------------------------------- scratch

constexpr std::size_t scratch_scopes = 1024;

struct NoScratch {
  static constexpr const char* name = "loop";
  void use(std::uint64_t value) { touch(Nothing::place, value); }
};
struct OwnScratch {
  static constexpr const char* name = "allot::Scratch";
  void use(std::uint64_t value) {
    const auto scope = scratch.scope();
    touch(scratch.allocate(100), value);
  }
  allot::Scratch scratch{64 * 1024, {.zero = false}};
};
struct ThreadScratch {
  static constexpr const char* name = "allot::thread_scratch";
  void use(std::uint64_t value) {
    auto& scratch = allot::thread_scratch();
    const auto scope = scratch.scope();
    touch(scratch.allocate(100), value);
  }
};
struct ThreadScratchAvoiding {
  static constexpr const char* name = "allot::thread_scratch, avoiding";
  void use(std::uint64_t value) {
    auto& scratch = allot::thread_scratch(results);
    const auto scope = scratch.scope();
    touch(scratch.allocate(100), value);
  }
  allot::ThreadScratch& results = allot::thread_scratch();
};
template <class Malloc>
struct MallocScratch {
  static constexpr const char* name = Malloc::name;
  void use(std::uint64_t value) {
    void* const p = Malloc::allocate(100);
    touch(p, value);
    Malloc::deallocate(p);
  }
};
template <std::derived_from<Absent> Malloc>
struct MallocScratch<Malloc> : Absent {};

template <class Scratch>
class Scopes final : public Runner {
public:
  Scopes() { Scopes::round(); }
  void round() override {
    for (std::size_t i = 0; i != scratch_scopes; ++i)
      scratch_.use(i);
  }

private:
  Scratch scratch_;
};

void add_arenas(std::vector<Workload>& result) {
  Workload one{.name = "threads, arena, 16 B",
               .text = "allocations of 16 bytes by one thread",
               .operation = "allocation",
               .operations = allocations};
  one.add<Run16, Nothing>(Role::loop, {});
  one.add<Run16, OurArena>(Role::ours, {{"allot::Arena", 1.5}});
  one.add<Run16, NotZeroing<allot::Arena>>(Role::reference, {});
  one.add<Run16, LockedArena>(Role::reference, {});
  one.add_peers<Run16, SharedProtobufArena, TbbPool, OneByOne<Glibc>, OneByOne<Mimalloc>,
                OneByOne<Jemalloc>, OneByOne<Tcmalloc>, OneByOne<TbbMalloc>>();
  result.push_back(std::move(one));

  Workload two{.name = "threads, arena, 16 B, by two",
               .text = "two threads each allocate 10^5 times 16 bytes from one arena",
               .operation = "allocation",
               .operations = 2 * arena_allocations,
               .counted = false,
               .threads = true};
  two.add<BuildByTwo, OurArena>(Role::ours, {faster_than(OurArenaAlone::name, 1.8)});
  two.add<BuildAlone, OurArenaAlone>(Role::reference, {});
  two.add<BuildByTwo, LockedArena>(Role::reference, {});
  two.add_peers<BuildByTwo, SharedProtobufArena, TbbPool>();
  result.push_back(std::move(two));
}

Workload scratch() {
  Workload result{.name = "threads, scratch",
                  .text = "a scope, and 100 bytes in it",
                  .operation = "scope",
                  .operations = scratch_scopes};
  result.add<Scopes, NoScratch>(Role::loop, {});
  result.add<Scopes, ThreadScratch>(Role::ours, {{"allot::Scratch", 1.5}});
  result.add<Scopes, ThreadScratchAvoiding>(Role::ours, {});
  result.add<Scopes, OwnScratch>(Role::reference, {});
  result.add_peers<Scopes, MallocScratch<Glibc>, MallocScratch<Mimalloc>, MallocScratch<Jemalloc>,
                   MallocScratch<Tcmalloc>, MallocScratch<TbbMalloc>>();
  return result;
}

} // namespace threads

std::vector<Workload> thread_bump_workloads() {
  std::vector<Workload> result;
  threads::add_arenas(result);
  result.push_back(threads::scratch());
  return result;
}

} // namespace bench
