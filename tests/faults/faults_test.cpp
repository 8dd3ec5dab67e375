#include "faults.hpp"

#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/hooks.hpp>
#include <allot/pmr.hpp>

#include "../support.hpp"

#include <cstdlib>
#include <optional>

#include <sys/resource.h>

using namespace allot;
using namespace faults;

namespace {

// clang 14 takes the literals for calls at run time in some lambdas, and finds no such function.
constexpr std::size_t mib = 1_MiB;
constexpr std::size_t gib = 1_GiB;

/// The state before and after a refused operation is the same, and then it is served.
class EachRequest : public testing::TestWithParam<Case> {
protected:
  struct Observed {
    std::vector<std::size_t> statistics;
    std::vector<std::vector<std::byte>> contents;
    bool operator==(const Observed&) const = default;
  };
  static Observed observe(const Scene& scene) {
    Observed observed{scene.statistics(), {}};
    for (const auto& piece : scene.live)
      observed.contents.emplace_back(piece.begin(), piece.end());
    return observed;
  }
};

TEST_P(EachRequest, MayFail) {
  const Case& c = GetParam();
  for (const bool for_good : {false, true}) {
    unsigned number = 1;
    for (;; ++number) {
      SCOPED_TRACE("request " + std::to_string(number) + (for_good ? " and all later" : ""));
      ASSERT_LT(number, 100u);
      const std::ptrdiff_t heap = heap_blocks();
      bool happened = false;
      {
        Upstream upstream;
        {
          const Scene scene = c.make(upstream);
          const Observed before = observe(scene);
          bool served = false;
          {
            const Fault fault(c.source, number, for_good);
            served = scene.act();
            happened = fault.happened();
          }
          if (!served) {
            EXPECT_TRUE(happened) << "refused although nothing failed";
            EXPECT_EQ(observe(scene).statistics, before.statistics);
            EXPECT_EQ(observe(scene).contents, before.contents);
            EXPECT_TRUE(scene.act()) << "it is served when nothing fails any more";
          }
          EXPECT_EQ(observe(scene).contents, before.contents);
          EXPECT_FALSE(for_good && number == 1 && served) << "served without its memory";
        }
        EXPECT_EQ(upstream.blocks(), 0) << "memory is lost";
      }
      EXPECT_EQ(heap_blocks(), heap) << "memory is lost";
      if (!happened)
        break;
    }
    EXPECT_GT(number, 1u) << "the operation makes no request";
  }
}

// ------------------------------------------------------------------------------------------- cases

/// A strategy on memory that is there, with two allocations.
template <class S, class Act, class... Args>
Scene with_two(Act act, Args&&... args) {
  auto s = std::make_shared<S>(std::forward<Args>(args)...);
  void* const first = s->allocate(24);
  void* const second = s->allocate(24);
  return scene(std::move(s), {first, second}, act);
}

struct Owner {
  Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { ++ended; }
  unsigned char bytes[40] = {};
  static inline int ended = 0;
};

std::vector<Case> makers() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, auto make) {
    cases.push_back(
        {name, Source::heap, [=](Upstream&) { return nothing([=] { (void)make(); }); }});
  };
  add("Arena", [] { return Arena(1000); });
  add("Bump", [] { return Bump(1000); });
  add("BumpThatZeroesNothing", [] { return Bump(1000, {.zero = false}); });
  add("Scratch", [] { return Scratch(1000); });
  add("Stack", [] { return Stack(1000); });
  add("SlotArena", [] { return SlotArena(24, 10); });
  add("TypedArena", [] { return TypedArena<int>(10); });
  add("BlockPoolFirstFree", [] { return BlockPool(24, 10); });
  add("BlockPoolAny", [] { return BlockPool(24, 10, {.order = Order::any}); });
  add("BufferHeap", [] { return Buffer::heap(1000); });
  cases.push_back({"BufferTryHeap", Source::heap, [](Upstream&) {
                     return nothing([] { return Buffer::try_heap(1000).data(); });
                   }});
  return cases;
}

std::vector<Case> makers_on_upstream() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, auto make) {
    cases.push_back({name, Source::upstream, [=](Upstream& upstream) {
                       return nothing(
                           [&upstream, make] { (void)make(Buffer::from(&upstream, 1000)); });
                     }});
  };
  add("Buffer", [](Buffer buffer) { return buffer; });
  add("Arena", [](Buffer buffer) { return Arena(std::move(buffer)); });
  add("Bump", [](Buffer buffer) { return Bump(std::move(buffer)); });
  add("Scratch", [](Buffer buffer) { return Scratch(std::move(buffer)); });
  add("Stack", [](Buffer buffer) { return Stack(std::move(buffer)); });
  add("SlotArena", [](Buffer buffer) { return SlotArena(24, std::move(buffer)); });
  add("TypedArena", [](Buffer buffer) { return TypedArena<int>(std::move(buffer)); });
  add("BlockPool", [](Buffer buffer) { return BlockPool(24, std::move(buffer)); });
  return cases;
}

// A few lie in the strategy, which asks for none. The next makes room for 8, the 9th for 16.
std::vector<Case> checkpoints() {
  std::vector<Case> cases;
  const auto add = [&]<class S>(const std::string& name, Source source, auto make, S*) {
    for (const int before : {4, 8})
      cases.push_back(
          {name + "Checkpoint" + std::to_string(before + 1), source, [=](Upstream& upstream) {
             Scene scene = with_two<S>([](S& s) { (void)s.checkpoint(); }, make(upstream));
             for (int i = 0; i != before; ++i)
               (void)static_cast<S*>(scene.strategy.get())->checkpoint();
             return scene;
           }});
    cases.push_back({name + "RoomForMarks", source, [=](Upstream& upstream) {
                       return nothing([&upstream, make] { (void)make(upstream, 10); });
                     }});
  };
  const auto mapped = [](Upstream&, std::size_t marks = 0) {
    return MappedArena(1000, {.marks = marks});
  };
  const auto on_heap = [](Upstream&, std::size_t marks = 0) { return Region({.marks = marks}); };
  const auto on_upstream = [](Upstream& upstream, std::size_t marks = 0) {
    return Region({.marks = marks, .upstream = &upstream});
  };
  add("MappedArena", Source::heap, mapped, static_cast<MappedArena*>(nullptr));
  add("Region", Source::heap, on_heap, static_cast<Region*>(nullptr));
  add("RegionOnUpstream", Source::upstream, on_upstream, static_cast<Region*>(nullptr));
  return cases;
}

std::vector<Case> regions() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, std::size_t limit, auto prepare, auto act) {
    for (const Source source : {Source::heap, Source::upstream}) {
      const bool on_heap = source == Source::heap;
      cases.push_back(
          {name + (on_heap ? "FromHeap" : "FromUpstream"), source, [=](Upstream& upstream) {
             return with_two<Region>(act,
                                     prepare(Region({.arena_size = 256,
                                                     .max_arena_size = 256,
                                                     .limit = limit,
                                                     .upstream = on_heap ? nullptr : &upstream})));
           }});
    }
  };
  const auto as_it_is = [](Region region) { return region; };
  const auto with_spares = [](Region region) {
    (void)region.allocate(200);
    (void)region.allocate(200);
    (void)region.allocate(600);
    region.reset();
    return region;
  };
  const auto full = [](Region region) {
    (void)region.allocate(256 - 48);
    return region;
  };
  add("Allocate", max_size, as_it_is, [](Region& r) { return r.allocate(256); });
  add("Halved", max_size, full, [](Region& r) { return r.allocate(16); });
  add("TryHalved", max_size, full, [](Region& r) { return r.try_allocate(16); });
  add("TryAllocate", max_size, as_it_is, [](Region& r) { return r.try_allocate(256); });
  add("Aligned", max_size, as_it_is, [](Region& r) { return r.allocate(200, 64); });
  add("Large", max_size, as_it_is, [](Region& r) { return r.allocate(1000); });
  add("LargeAligned", max_size, as_it_is, [](Region& r) { return r.try_allocate(1000, 4096); });
  add("InPlaceOfSpares", 1200, with_spares, [](Region& r) { return r.allocate(800); });
  add("TryInPlaceOfSpares", 1200, with_spares, [](Region& r) { return r.try_allocate(800); });
  add("Copy", max_size, as_it_is, [](Region& r) { (void)r.copy(std::string(250, 'x')); });
  add("Create", max_size, as_it_is, [](Region& r) { (void)r.create_array<Owner>(5); });
  add("CreatePlain", max_size, as_it_is, [](Region& r) { (void)r.create_array<int>(64); });
  return cases;
}

/// The faces hand on what the strategy under them is refused, and leave it as it was.
std::vector<Case> faces() {
  std::vector<Case> cases;
  const auto options = [](Upstream& upstream) {
    return RegionOptions{.arena_size = 256, .max_arena_size = 256, .upstream = &upstream};
  };
  const auto add = [&](const std::string& name, auto act) {
    cases.push_back({name, Source::upstream,
                     [=](Upstream& upstream) { return with_two<Region>(act, options(upstream)); }});
  };
  add("Allocator", [](Region& r) { return Allocator<std::byte, Region>(r).allocate(256); });
  add("Vector", [](Region& r) { (void)std::vector<int, Allocator<int, Region>>(64, r); });
  add("Resource", [](Region& r) { return Resource<Region>(r).allocate(256); });
  add("ResourceAligned", [](Region& r) { return Resource<Region>(r).allocate(200, 64); });
  add("PmrString", [](Region& r) {
    Resource<Region> resource(r);
    (void)pmr::string(255, 'x', &resource);
  });
  add("HookResizeOfNull", [](Region& r) { return hooks::resize<Region>(&r, nullptr, 0, 256); });
  add("HookAllocate", [](Region& r) { return hooks::allocate<Region>(&r, std::size_t{240}); });
  add("HookArray", [](Region& r) { return hooks::allocate_array<Region>(&r, 60u, 4u); });

  /// What has 24 bytes is made longer, and keeps them.
  const auto add_growth = [&](const std::string& name, auto make, auto grow) {
    cases.push_back({name, Source::upstream, [=](Upstream& upstream) {
                       auto region = std::make_shared<Region>(options(upstream));
                       void* const live = region->allocate(24);
                       void* const p = make(*region);
                       test::fill(p, 24);
                       return scene(std::move(region), {live}, [=](Region& r) {
                         void* const grown = grow(r, p);
                         EXPECT_TRUE(test::holds(grown == nullptr ? p : grown, 24, 0xA5));
                         return grown;
                       });
                     }});
  };
  add_growth(
      "Reallocate", [](Region& r) { return r.allocate(24); },
      [](Region& r, void* p) { return r.reallocate(p, 24, 250); });
  add_growth(
      "TryReallocate", [](Region& r) { return r.allocate(24); },
      [](Region& r, void* p) { return r.try_reallocate(p, 24, 250); });
  // What is alone in its arena moves to a larger one, and keeps its place if there is none.
  add_growth(
      "ReallocateLarge", [](Region& r) { return r.allocate(1000); },
      [](Region& r, void* p) { return r.reallocate(p, 1000, 2000); });
  add_growth(
      "TryReallocateLarge", [](Region& r) { return r.allocate(1000); },
      [](Region& r, void* p) { return r.try_reallocate(p, 1000, 2000); });
  add_growth(
      "HookResize", [](Region& r) { return hooks::resize<Region>(&r, nullptr, 0, 24); },
      [](Region& r, void* p) { return hooks::resize<Region>(&r, p, 24, 250); });
  add_growth(
      "HookReallocate", [](Region& r) { return hooks::allocate<Region>(&r, 24); },
      [](Region& r, void* p) { return hooks::reallocate<Region>(&r, p, 250); });
  return cases;
}

std::vector<Case> object_pools() {
  struct Object {
    std::byte bytes[24] = {};
  };
  using Pool = ObjectPool<Object>;
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, int before, auto act) {
    for (const Source source : {Source::heap, Source::upstream}) {
      const bool on_heap = source == Source::heap;
      cases.push_back(
          {name + (on_heap ? "FromHeap" : "FromUpstream"), source, [=](Upstream& upstream) {
             auto pool = std::make_shared<Pool>(
                 std::size_t{20}, ObjectPoolOptions{.upstream = on_heap ? nullptr : &upstream});
             std::vector<void*> live;
             for (int i = 0; i != before; ++i)
               live.push_back(&pool->acquire());
             return scene(std::move(pool), live, act);
           }});
    }
  };
  for (const int before : {0, 20, 60}) {
    add("Acquire" + std::to_string(before), before, [](Pool& pool) { (void)pool.acquire(); });
    add("Lease" + std::to_string(before), before, [](Pool& pool) { (void)*pool.lease(); });
  }
  return cases;
}

template <class Resource>
void add_resource(std::vector<Case>& cases, const std::string& name, std::size_t first,
                  std::size_t next, int times) {
  cases.push_back({name, Source::upstream, [=](Upstream& upstream) {
                     auto resource = std::make_shared<Resource>(&upstream);
                     std::vector<void*> live;
                     for (int i = 0; i != times; ++i)
                       live.push_back(resource->allocate(first));
                     return scene(std::move(resource), live,
                                  [=](Resource& r) { return r.allocate(next); });
                   }});
}
std::vector<Case> resources() {
  std::vector<Case> cases;
  const auto add_pools = [&]<class Resource>(const std::string& name, Resource*) {
    add_resource<Resource>(cases, name + "First", 24, 24, 0);
    add_resource<Resource>(cases, name + "OtherClass", 24, 4000, 3); // more than others can lend
    add_resource<Resource>(cases, name + "NextChunk", 24, 24, 64 + 128 + 256);
    add_resource<Resource>(cases, name + "FirstLarge", 24, 100000, 3);
    add_resource<Resource>(cases, name + "LargeTable", 100000, 100000, 8);
  };
  using unsynchronized = pmr::unsynchronized_pool_resource;
  using synchronized = pmr::synchronized_pool_resource;
  add_pools("Unsynchronized", static_cast<unsynchronized*>(nullptr));
  add_pools("Synchronized", static_cast<synchronized*>(nullptr));
  add_resource<pmr::monotonic_buffer_resource>(cases, "MonotonicFirst", 24, 24, 0);
  add_resource<pmr::monotonic_buffer_resource>(cases, "MonotonicNext", 24, 2000, 3);
  return cases;
}

std::vector<Case> mappings() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, auto make) {
    cases.push_back({name, Source::system, [=](Upstream&) { return make(); }});
  };
  const auto makes = [&](const std::string& name, const MapOptions& options) {
    add("Map" + name, [=] { return nothing([=] { (void)MappedArena(100000, options); }); });
    add("BufferMapped" + name,
        [=] { return nothing([=] { (void)Buffer::mapped(100000, options); }); });
  };
  makes("Demand", {});
  makes("Strict", {.commit = Commit::strict});
  makes("Guarded", {.guard_pages = true});
  const auto strict = [&](const std::string& name, auto act) {
    add("Strict" + name,
        [=] { return with_two<MappedArena>(act, 16 * mib, MapOptions{.commit = Commit::strict}); });
  };
  strict("Allocate", [](MappedArena& m) { return m.allocate(mib); });
  strict("TryAllocate", [](MappedArena& m) { return m.try_allocate(mib); });
  strict("Aligned", [](MappedArena& m) { return m.try_allocate(mib, mib); });
  strict("Commit", [](MappedArena& m) { return m.commit(mib); });
  strict("Copy", [](MappedArena& m) { (void)m.copy(std::string(200000, 'x')); });
  strict("Grow", [](MappedArena& m) { return m.reallocate(nullptr, 0, mib); });
  add("DemandCommit",
      [] { return with_two<MappedArena>([](MappedArena& m) { return m.commit(mib); }, 16 * mib); });
  add("Multipool",
      [] { return nothing([] { (void)Multipool(MultipoolOptions{.reserve = mib}); }); });
  if (instrumented) { // else its memory comes without another call
    add("MultipoolAllocate",
        [] { return with_two<Multipool>([](Multipool& p) { return p.allocate(5000); }); });
    add("MultipoolLarge",
        [] { return with_two<Multipool>([](Multipool& p) { return p.try_allocate(100000); }); });
  }
  return cases;
}

const auto name_of = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Heap, EachRequest, testing::ValuesIn(makers()), name_of);
INSTANTIATE_TEST_SUITE_P(OnUpstream, EachRequest, testing::ValuesIn(makers_on_upstream()), name_of);
INSTANTIATE_TEST_SUITE_P(Checkpoint, EachRequest, testing::ValuesIn(checkpoints()), name_of);
INSTANTIATE_TEST_SUITE_P(Region, EachRequest, testing::ValuesIn(regions()), name_of);
INSTANTIATE_TEST_SUITE_P(Face, EachRequest, testing::ValuesIn(faces()), name_of);
INSTANTIATE_TEST_SUITE_P(ObjectPool, EachRequest, testing::ValuesIn(object_pools()), name_of);
INSTANTIATE_TEST_SUITE_P(Resource, EachRequest, testing::ValuesIn(resources()), name_of);
INSTANTIATE_TEST_SUITE_P(System, EachRequest, testing::ValuesIn(mappings()), name_of);

// --------------------------------------------------------------------- what cannot be refused

// Giving memory back may fail too, and is then not reported: what is promised still holds.
TEST(Faults, WhatWasTrimmedIsZeroThoughTheSystemRefused) {
  for (const Commit policy : {Commit::demand, Commit::strict}) {
    for (unsigned number = 1; number != 4; ++number) {
      for (const bool for_good : {false, true}) {
        MappedArena arena(mib, {.commit = policy});
        test::fill(arena.allocate(300000), 300000);
        arena.checkpoint();
        void* const above = arena.allocate(300000);
        test::fill(above, 300000);
        arena.restore();
        {
          const Fault fault(Source::system, number, for_good);
          arena.trim();
        }
        EXPECT_EQ(arena.committed(), 303104u);
        void* const again = arena.allocate(300000);
        EXPECT_EQ(again, above);
        EXPECT_TRUE(test::holds(static_cast<std::byte*>(again) + 8192, 291808, 0));
      }
    }
  }
}
TEST(Faults, AMultipoolsMemoryIsZeroThoughTheSystemRefusedToTakeItBack) {
  for (unsigned number = 1; number != 4; ++number) {
    for (const bool for_good : {false, true}) {
      Multipool pool({.reserve = 4 * mib});
      void* const p = pool.allocate(mib);
      test::fill(p, mib);
      pool.deallocate(p);
      {
        const Fault fault(Source::system, number, for_good);
        pool.trim();
      }
      EXPECT_EQ(pool.committed(), 0u);
      EXPECT_TRUE(test::holds(pool.allocate(mib), mib, 0));
    }
  }
}

TEST(Faults, ALargeObjectIsCopiedWhereTheSystemRefusesToMoveItsPages) {
  for (unsigned number = 1; number != 8; ++number) {
    for (const bool for_good : {false, true}) {
      Multipool pool({.reserve = 24 * mib});
      void* p = pool.allocate(2 * mib);
      test::fill(p, 2 * mib);
      for (std::size_t size = 3; size != 6; ++size) { // and the second time it lies in parts
        void* const behind = pool.allocate(100000);
        void* moved = nullptr;
        {
          const Fault fault(Source::system, number, for_good);
          moved = pool.try_reallocate(p, size * mib);
        }
        EXPECT_TRUE(moved != nullptr || instrumented); // where memory has to be committed first
        p = moved != nullptr ? moved : pool.reallocate(p, size * mib);
        EXPECT_TRUE(test::holds(p, (size - 1) * mib, 0xA5));
        EXPECT_TRUE(test::holds(static_cast<std::byte*>(p) + (size - 1) * mib, mib, 0));
        test::fill(p, size * mib);
        pool.deallocate(behind);
      }
      {
        const Fault fault(Source::system, number, for_good);
        pool.deallocate(p);
        pool.trim();
      }
      EXPECT_TRUE(test::holds(pool.allocate(20 * mib), 20 * mib, 0));
    }
  }
}

TEST(Faults, AMultipoolOnABufferAsksTheSystemForNothing) {
  Buffer buffer = Buffer::heap(4 * mib);
  const Fault fault(Source::system, 1, true);
  Multipool pool(std::move(buffer));
  while (pool.try_allocate(100000) != nullptr) {
  }
  pool.reset();
  for (std::size_t bytes = 8; bytes < mib; bytes *= 2)
    pool.deallocate(pool.reallocate(pool.allocate(bytes), 3 * bytes));
  pool.trim();
  pool.release();
  EXPECT_FALSE(fault.happened());
}

// Its records would have got less room.
TEST(Faults, AnObjectPoolShrinksThoughTheHeapRefused) {
  for (const bool for_good : {false, true}) {
    ObjectPool<long> pool(16);
    std::vector<long*> objects(1000);
    for (int round = 0; round != 2; ++round) {
      for (long*& object : objects)
        object = &pool.acquire();
      for (long* const object : objects)
        pool.give_back(*object);
      const Fault fault(Source::heap, 1, for_good);
      pool.shrink();
      EXPECT_TRUE(fault.happened());
      EXPECT_EQ(pool.available(), 16u);
      EXPECT_EQ(pool.used(), 0u);
    }
  }
}

// A file is extended before it is used.
TEST(Faults, AFullDiskIsExhausted) {
  const test::FreshPath path;
  MappedArena arena(16 * mib, {.file = path.string()});
  void* const live = arena.allocate(24);
  test::fill(live, 24);
  const auto before = test::state(arena);
  {
    const Fault fault(Source::system, 1, true);
    EXPECT_EQ(test::kind([&] { return arena.allocate(mib); }), "Exhausted(system_refused)");
    EXPECT_EQ(arena.try_allocate(mib), nullptr);
  }
  EXPECT_EQ(test::state(arena), before);
  EXPECT_TRUE(test::holds(live, 24, 0xA5));
  EXPECT_NE(arena.try_allocate(mib), nullptr);
}

// ------------------------------------------------------------------------------- the real thing

[[noreturn]] void exit_under_limit(int resource, std::size_t bytes, bool (*call)()) {
  const rlimit limit{bytes, bytes};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0)
    std::exit(2);
  std::exit(call() ? 0 : 1);
}
/// In a child process with a limit: `call` tells whether all is as it must be.
void under_limit(int resource, std::size_t bytes, bool (*call)()) {
  if (instrumented)
    GTEST_SKIP() << "a sanitizer has taken more addresses already";
  EXPECT_EXIT(exit_under_limit(resource, bytes, call), testing::ExitedWithCode(0), "");
}

bool refused(const std::string& kind) {
  return kind == "Exhausted(system_refused)";
}

TEST(Limits, AStrictCommitIsRefusedAndTheRestStays) {
  under_limit(RLIMIT_DATA, 64 * mib, [] {
    MappedArena arena(gib, {.commit = Commit::strict});
    void* const live = arena.allocate(mib);
    test::fill(live, mib);
    const auto before = test::state(arena);
    const bool told = refused(test::kind([&] { return arena.allocate(512 * mib); })) &&
                      arena.try_allocate(512 * mib) == nullptr &&
                      refused(test::kind([&] { return arena.commit(512 * mib); }));
    return told && test::state(arena) == before && test::holds(live, mib, 0xA5) &&
           arena.try_allocate(mib) != nullptr;
  });
}
TEST(Limits, AStrictArenaGrowsUntilTheSystemRefuses) {
  under_limit(RLIMIT_DATA, 64 * mib, [] {
    MappedArena arena(gib, {.commit = Commit::strict});
    std::size_t served = 0;
    while (void* const p = arena.try_allocate(mib)) {
      test::fill(p, mib);
      ++served;
    }
    return served > 16 && served < 64 && arena.used() == served * mib;
  });
}
TEST(Limits, ADemandReservationIsRefused) {
  under_limit(RLIMIT_DATA, 64 * mib, [] {
    return refused(test::kind([] { return MappedArena(gib); })) &&
           refused(test::kind([] { return Buffer::mapped(gib); })) &&
           refused(test::kind([] { return Multipool({.reserve = gib}); })) &&
           MappedArena(mib).try_allocate(1000) != nullptr;
  });
}
TEST(Limits, AnyReservationIsRefused) {
  under_limit(RLIMIT_AS, 512 * mib, [] {
    return refused(test::kind([] { return MappedArena(gib); })) &&
           refused(test::kind([] { return MappedArena(gib, {.commit = Commit::strict}); })) &&
           refused(test::kind([] { return Multipool({.reserve = gib}); })) &&
           refused(test::kind([] { return Arena(gib); })) && Arena(mib).capacity() == mib;
  });
}
// The most that is granted, in halves, and what it says of itself.
bool serves_until_reserved_is_used(std::size_t most) {
  Multipool pool;
  const std::size_t capacity = pool.capacity();
  while (void* const p = pool.try_allocate(mib / 2))
    test::touch(p);
  const std::string text = test::error([&] { return pool.allocate(mib / 2); });
  return capacity >= mib && capacity <= most && pool.available() < mib / 2 &&
         text == "Exhausted(no_room) multipool: 524288 bytes asked, 0 left of " +
                     std::to_string(capacity) + " reserved";
}
TEST(Limits, AMultipoolReservesWhatThereIs) {
  under_limit(RLIMIT_AS, gib, [] { return serves_until_reserved_is_used(gib / 2); });
}
TEST(Limits, MultipoolsShareWhatThereIs) {
  under_limit(RLIMIT_AS, gib, [] {
    Multipool first;
    Multipool second;
    const Multipool bounded({.limit = 16 * mib});
    return first.capacity() >= mib && second.capacity() >= mib && bounded.capacity() == 16 * mib &&
           first.try_allocate(mib / 2) != nullptr && second.try_allocate(mib / 2) != nullptr &&
           refused(test::kind([] { return Multipool({.reserve = gib}); }));
  });
}
// As where nothing is overcommitted: what may be touched is charged, addresses are not.
TEST(Limits, AMultipoolCommitsWhereAReservationWouldBeCharged) {
  under_limit(RLIMIT_DATA, 64 * mib, [] {
    Multipool pool;
    std::size_t served = 0;
    std::vector<void*> objects;
    while (void* const p = pool.try_allocate(mib)) {
      test::fill(p, mib);
      objects.push_back(p);
      ++served;
    }
    if (served < 16 || served >= 64 || pool.used() != served * mib ||
        pool.capacity() / mib != 8 * gib / mib)
      return false;
    for (void* const p : objects)
      pool.deallocate(p);
    pool.trim();
    return test::holds(pool.allocate(16 * mib), 16 * mib, 0);
  });
}
TEST(Limits, AHeapThatIsFullIsExhausted) {
  under_limit(RLIMIT_AS, 512 * mib, [] {
    Region region({.arena_size = mib});
    void* const live = region.allocate(24);
    test::fill(live, 24);
    while (region.try_allocate(mib) != nullptr) {
    }
    const auto before = test::state(region);
    return refused(test::kind([&] { return region.allocate(mib); })) &&
           test::state(region) == before && test::holds(live, 24, 0xA5);
  });
}

} // namespace
