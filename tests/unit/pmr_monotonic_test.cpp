#include <allot/json.hpp>
#include <allot/pmr.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <random>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace allot;
using namespace test;
using Monotonic = pmr::monotonic_buffer_resource;
using Standard = std::pmr::monotonic_buffer_resource;

namespace {

constexpr std::size_t stretch = red_zones.stretch(1);

// What the standard's class can and cannot do, ours can and cannot.
template <class R>
constexpr bool has_the_standards_shape =
    std::is_default_constructible_v<R> && std::is_constructible_v<R, pmr::memory_resource*> &&
    std::is_constructible_v<R, std::size_t> &&
    std::is_constructible_v<R, std::size_t, pmr::memory_resource*> &&
    std::is_constructible_v<R, void*, std::size_t> &&
    std::is_constructible_v<R, void*, std::size_t, pmr::memory_resource*> &&
    !std::is_convertible_v<pmr::memory_resource*, R> && !std::is_convertible_v<std::size_t, R> &&
    !std::is_copy_constructible_v<R> && !std::is_copy_assignable_v<R> && !std::is_final_v<R> &&
    std::is_base_of_v<pmr::memory_resource, R> && std::has_virtual_destructor_v<R>;
static_assert(has_the_standards_shape<Monotonic> && has_the_standards_shape<Standard>);

// The overrides are there for derived classes.
struct Derived : Monotonic {
  using Monotonic::do_allocate;
  using Monotonic::do_deallocate;
  using Monotonic::do_is_equal;
  using Monotonic::Monotonic;
};

TEST(PmrMonotonic, CarriesContainers) {
  TestResource upstream;
  Monotonic resource(&upstream);
  pmr::vector<pmr::string> words(&resource);
  for (int i = 0; i != 200; ++i)
    words.emplace_back("a word too long to lie within the string: " + std::to_string(i));
  EXPECT_EQ(words[199], "a word too long to lie within the string: 199");
  EXPECT_GT(upstream.live(), 1U);
  EXPECT_EQ(resource.upstream_resource(), &upstream);
}

TEST(PmrMonotonic, DefaultUpstreamIsTheDefaultResource) {
  TestResource upstream;
  pmr::memory_resource* const before = pmr::set_default_resource(&upstream);
  {
    std::byte buffer[16];
    Monotonic plain;
    Monotonic sized(100);
    Monotonic on_buffer(buffer, sizeof buffer);
    pmr::set_default_resource(before);
    for (Monotonic* resource : {&plain, &sized, &on_buffer}) {
      EXPECT_EQ(resource->upstream_resource(), &upstream);
      (void)resource->allocate(32);
    }
    EXPECT_EQ(upstream.live(), 3U);
  }
  EXPECT_EQ(upstream.live(), 0U);
}

TEST(PmrMonotonic, AsksForTheNextSizeOrMore) {
  TestResource upstream;
  Monotonic resource(1000, &upstream);
  (void)resource.allocate(1, 1);
  ASSERT_EQ(upstream.requests.size(), 1U);
  EXPECT_GE(upstream.requests[0].bytes, 1000U);
  (void)resource.allocate(999, 1); // all of the first size can be used
  EXPECT_EQ(upstream.requests.size(), 1U);
  (void)resource.allocate(10'000, 1); // more than the next size
  ASSERT_EQ(upstream.requests.size(), 2U);
  EXPECT_GE(upstream.requests[1].bytes, 10'000U);
  (void)resource.allocate(1, 4096);
  ASSERT_EQ(upstream.requests.size(), 3U);
  EXPECT_GE(upstream.requests[2].bytes, 2000U);
  EXPECT_GE(upstream.requests[2].alignment, 4096U);
}

TEST(PmrMonotonic, GrowsGeometrically) {
  TestResource upstream;
  Monotonic resource(1, &upstream);
  for (int i = 0; i != 10'000; ++i)
    (void)resource.allocate(1, 1);
  EXPECT_GT(upstream.requests.size(), 2U);
  EXPECT_LT(upstream.requests.size(), 30U);
  for (std::size_t i = 1; i != upstream.requests.size(); ++i)
    EXPECT_GE(upstream.requests[i].bytes, upstream.requests[i - 1].bytes);
}

TEST(PmrMonotonic, UsesEveryByteOfTheCallersBuffer) {
  alignas(8) std::byte buffer[100];
  Monotonic resource(buffer, sizeof buffer, pmr::null_memory_resource());
  for (std::byte& byte : buffer)
    EXPECT_EQ(resource.allocate(1, 1), &byte);
  EXPECT_THROW((void)resource.allocate(1, 1), std::bad_alloc);
  resource.release();
  EXPECT_EQ(resource.allocate(100, 4), buffer);
}

TEST(PmrMonotonic, StartsAgainAtTheCallersBuffer) {
  TestResource upstream;
  alignas(16) std::byte buffer[64];
  Monotonic resource(buffer, sizeof buffer, &upstream);
  EXPECT_EQ(resource.allocate(48, 16), buffer);
  (void)resource.allocate(48);
  const std::size_t first = upstream.requests.at(0).bytes;
  EXPECT_GE(first, 64U); // the next size is above the buffer's
  (void)resource.allocate(1000);
  (void)resource.allocate(5000);
  EXPECT_EQ(upstream.live(), 3U);
  resource.release();
  EXPECT_EQ(upstream.live(), 0U);
  EXPECT_EQ(resource.allocate(48, 16), buffer);
  (void)resource.allocate(48);
  EXPECT_EQ(upstream.requests.back().bytes, first);
}

TEST(PmrMonotonic, WithoutABufferTheFirstSizeComesAgain) {
  TestResource upstream;
  Monotonic resource(100, &upstream);
  (void)resource.allocate(8);
  (void)resource.allocate(400);
  resource.release();
  resource.release();
  (void)resource.allocate(8);
  EXPECT_EQ(upstream.requests.at(2).bytes, upstream.requests.at(0).bytes);
}

TEST(PmrMonotonic, TakesTinyMisalignedAndEmptyBuffers) {
  TestResource upstream;
  alignas(8) std::byte buffer[16];
  Monotonic tiny(buffer + 1, 1, &upstream);
  Monotonic empty(buffer, 0, &upstream);
  Monotonic null(nullptr, 0, &upstream);
  Monotonic odd(buffer + 3, 9, &upstream);
  EXPECT_EQ(tiny.allocate(1, 1), buffer + 1);
  EXPECT_EQ(odd.allocate(4, 4), buffer + 4);
  EXPECT_EQ(upstream.live(), 0U);
  for (Monotonic* resource : {&tiny, &empty, &null, &odd}) {
    void* const p = resource->allocate(8, 8);
    EXPECT_TRUE(is_aligned(p, 8));
    fill(p, 8);
  }
  EXPECT_EQ(upstream.live(), 4U);
  for (Monotonic* resource : {&tiny, &empty, &null, &odd})
    resource->release();
  EXPECT_EQ(tiny.allocate(1, 1), buffer + 1);
}

TEST(PmrMonotonic, TellsWhatItHolds) {
  TestResource upstream;
  std::byte buffer[128];
  Monotonic resource(buffer, sizeof buffer, &upstream);
  const char* const name = resource.stats().name;
  EXPECT_EQ(resource.stats(), (Stats{name, 128, 0, 128, 0, 128}));
  (void)resource.allocate(100, 1);
  EXPECT_EQ(resource.stats(), (Stats{name, 128, 100, 28, 100, 128}));
  EXPECT_EQ(to_json(resource.stats()),
            "{\"name\":\"monotonic_buffer_resource\",\"capacity\":128,\"used\":100,"
            "\"available\":28,\"peak\":100,\"committed\":128}");
  (void)resource.allocate(100, 1); // the 28 are left over
  const Stats grown = resource.stats();
  EXPECT_EQ(grown.used, 228U);
  EXPECT_EQ(grown.committed, 128 + upstream.live_bytes());
  EXPECT_EQ(grown.available, grown.capacity - grown.used);
  resource.release();
  EXPECT_EQ(resource.stats(), (Stats{name, 128, 0, 128, 228, 128}));
  (void)resource.allocate(10, 1);
  resource.reset_peak();
  EXPECT_EQ(resource.stats().peak, 10U);
  std::ostringstream printed;
  printed << resource.stats();
  EXPECT_EQ(printed.str(),
            "monotonic_buffer_resource: 10 of 128 bytes used, 118 left, peak 10, 128 held");
}

TEST(PmrMonotonic, RefusesNullAtConstruction) {
  std::byte buffer[8];
  pmr::memory_resource* const null = nullptr;
  EXPECT_EQ(error([&] { Monotonic resource(null); }),
            "Misuse(null_pointer) monotonic_buffer_resource: a null resource was given");
  EXPECT_EQ(kind([&] { Monotonic resource(8, null); }), "Misuse(null_pointer)");
  EXPECT_EQ(kind([&] { Monotonic resource(buffer, 8, null); }), "Misuse(null_pointer)");
  EXPECT_EQ(error([&] { Monotonic resource(nullptr, 8, pmr::new_delete_resource()); }),
            "Misuse(null_pointer) monotonic_buffer_resource: a null buffer of 8 bytes was given");
}

TEST(PmrMonotonic, EmptyRequestsDiffer) {
  Monotonic resource;
  void* const first = resource.allocate(0, 1);
  void* const second = resource.allocate(0, 1);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(first, second);
}

TEST(PmrMonotonic, RefusesBadRequestsAndGoesOn) {
  TestResource upstream;
  Monotonic resource(256, &upstream);
  auto* const first = static_cast<std::byte*>(resource.allocate(16, 8));
  for (const std::size_t alignment : bad_alignments)
    EXPECT_EQ(kind([&] { return resource.allocate(8, alignment); }), "Misuse(bad_alignment)");
  for (const std::size_t bytes : unservable)
    EXPECT_THROW((void)resource.allocate(bytes, 8), std::bad_alloc);
  const volatile std::size_t huge = SIZE_MAX / 2 + 1;
  EXPECT_THROW((void)resource.allocate(8, huge), std::bad_alloc);
  EXPECT_EQ(resource.allocate(16, 8), first + 16 * stretch);
}

// Whatever is thrown is the upstream's: it is asked even for what nobody has.
TEST(PmrMonotonic, AskUpstreamForTheImpossibleToo) {
  if constexpr (instrumented)
    GTEST_SKIP() << "refused before it is asked";
  RefusingResource upstream;
  Monotonic resource(&upstream);
  const volatile std::size_t highest = SIZE_MAX / 2 + 1; // which compilers warn of
  for (const std::size_t bytes : unservable) {
    EXPECT_THROW((void)resource.allocate(bytes, 8), RefusingResource::Refused);
    EXPECT_GE(upstream.bytes, bytes);
  }
  const volatile std::size_t nearly_all = SIZE_MAX - 1; // which compilers warn of
  EXPECT_THROW((void)resource.allocate(nearly_all, 1), RefusingResource::Refused);
  EXPECT_EQ(upstream.bytes, SIZE_MAX);
  EXPECT_EQ(upstream.alignment, highest);
  EXPECT_THROW((void)resource.allocate(8, highest), RefusingResource::Refused);
  EXPECT_EQ(upstream.alignment, highest);
  Monotonic greedy(SIZE_MAX, &upstream);
  EXPECT_THROW((void)greedy.allocate(1, 1), RefusingResource::Refused);
  EXPECT_EQ(upstream.bytes, SIZE_MAX);
}

TEST(PmrMonotonic, UpstreamsFailureChangesNothing) {
  TestResource upstream;
  Monotonic resource(256, &upstream);
  auto* const first = static_cast<std::byte*>(resource.allocate(16, 8));
  for (const TestResource::Answer answer : failures()) {
    upstream.answer = answer;
    EXPECT_THROW((void)resource.allocate(1000, 8), std::bad_alloc);
  }
  EXPECT_EQ(upstream.live(), 1U);
  EXPECT_EQ(resource.allocate(16, 8), first + 16 * stretch); // the current buffer is still that
  upstream.answer = TestResource::Answer::memory;
  (void)resource.allocate(300, 8);
  EXPECT_EQ(upstream.requests.back().bytes, // nor has the next size grown
            (upstream.requests.end() - 2)->bytes + 384 * stretch - 1000 * stretch);
}

TEST(PmrMonotonic, EqualsItselfOnly) {
  Derived one;
  Derived two;
  EXPECT_TRUE(one == one);
  EXPECT_FALSE(one == two);
  EXPECT_TRUE(one.do_is_equal(one));
  one.do_deallocate(one.do_allocate(8, 8), 8, 8);
}

// An override that calls the base is called once for each call, however slow the base's path.
struct Counting : Monotonic {
  using Monotonic::Monotonic;
  int calls = 0;
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    ++calls;
    return Monotonic::do_allocate(bytes, alignment);
  }
};
TEST(PmrMonotonic, DoesNotCallOverridesItself) {
  Counting resource;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{8}, std::size_t{10'000}})
    (void)resource.allocate(bytes);
  EXPECT_EQ(resource.calls, 3);
}

// Random operations on the standard's and on ours. What upstream is asked for must be what the
// standard promises of both, and as often, give or take what their chunks are rounded to.
TEST(PmrMonotonic, DoesAsTheStandards) {
  std::mt19937 random(3);
  for (int trial = 0; trial != 20; ++trial) {
    TestResource standard_upstream;
    TestResource our_upstream;
    const std::size_t first = random() % 2000 + 1;
    alignas(64) std::byte buffers[2][512];
    const bool buffered = random() % 2 == 0;
    const std::size_t buffer_size = random() % sizeof buffers[0];
    Standard standard = buffered ? Standard(buffers[0], buffer_size, &standard_upstream)
                                 : Standard(first, &standard_upstream);
    Monotonic ours = buffered ? Monotonic(buffers[1], buffer_size, &our_upstream)
                              : Monotonic(first, &our_upstream);
    struct Given {
      unsigned char* p;
      std::size_t bytes;
      unsigned char value;
    };
    std::vector<Given> given;
    std::size_t in_buffer = 0; // requests that the caller's buffer served, of either
    std::size_t our_in_buffer = 0;
    for (int step = 0; step != 300; ++step) {
      if (random() % 100 == 0) {
        for (const Given& g : given)
          ASSERT_TRUE(holds(g.p, g.bytes, g.value));
        given.clear();
        standard.release();
        ours.release();
        EXPECT_EQ(standard_upstream.live(), 0U);
        EXPECT_EQ(our_upstream.live(), 0U);
        continue;
      }
      const std::size_t bytes = random() % 8 == 0 ? random() % 3000 : random() % 50 + 1;
      const std::size_t alignment = std::size_t{1} << random() % 8;
      const std::size_t requests = our_upstream.requests.size();
      auto* const s = static_cast<std::byte*>(standard.allocate(bytes, alignment));
      auto* const p = static_cast<unsigned char*>(ours.allocate(bytes, alignment));
      ASSERT_TRUE(is_aligned(p, alignment));
      in_buffer += std::size_t{s >= buffers[0] && s < buffers[0] + sizeof buffers[0]};
      our_in_buffer += std::size_t{distance(buffers[1], p) >= 0 &&
                                   distance(buffers[1], p) < std::ptrdiff_t{sizeof buffers[1]}};
      if (our_upstream.requests.size() != requests) {
        EXPECT_EQ(our_upstream.requests.size(), requests + 1);
        EXPECT_GE(our_upstream.requests.back().bytes, bytes);
        EXPECT_GE(our_upstream.requests.back().alignment, alignment);
      }
      given.push_back({p, bytes, static_cast<unsigned char>(step)});
      fill(p, bytes, step);
    }
    for (const Given& g : given)
      ASSERT_TRUE(holds(g.p, g.bytes, g.value));
    EXPECT_EQ(our_in_buffer, in_buffer);
    const auto calls = static_cast<double>(our_upstream.requests.size());
    const auto standards_calls = static_cast<double>(standard_upstream.requests.size());
    EXPECT_LE(calls, standards_calls * 1.25 + 1);
    EXPECT_GE(calls, standards_calls * 0.75 - 1);
  }
}

struct PmrMonotonicWatched : Watched {};

TEST_F(PmrMonotonicWatched, HidesWhatIsNotHandedOut) {
  alignas(8) std::byte buffer[256];
  Monotonic on_buffer(buffer, sizeof buffer);
  EXPECT_TRUE(all_hidden(buffer, sizeof buffer));
  void* const p = on_buffer.allocate(21, 1);
  EXPECT_EQ(visible(p, 64), 21U);
  on_buffer.release();
  EXPECT_TRUE(all_hidden(buffer, sizeof buffer));

  Monotonic on_chunks(1024);
  void* const first = on_chunks.allocate(24, 8);
  void* const second = on_chunks.allocate(24, 8);
  EXPECT_EQ(visible(first, 64), 24U);
  EXPECT_EQ(visible(second, 64), 24U);
  EXPECT_GE(distance(first, second), 32);
}

TEST_F(PmrMonotonicWatched, GivesTheCallersBufferBackVisible) {
  alignas(8) std::byte buffer[256];
  {
    Monotonic resource(buffer, sizeof buffer);
    fill(resource.allocate(100), 100);
  }
  EXPECT_EQ(visible(buffer, sizeof buffer), sizeof buffer);
}

#if defined(ALLOT_ASAN)
TEST(PmrMonotonicDeathTest, TouchingBeyondTheEnd) {
  Monotonic resource;
  void* const p = resource.allocate(24, 8);
  EXPECT_DEATH(touch(static_cast<std::byte*>(p) + 24), "use-after-poison");
}
#endif

} // namespace
