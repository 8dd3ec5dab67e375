// allot_torture [OPERATIONS]: what serves several threads, used by as many as can hurt it. Each
// block carries its owner's stamp at both ends, and may be given back by another thread. Meant for
// ThreadSanitizer; the stamps tell by themselves of a block that was handed out twice.
#include <allot/pmr.hpp>
#include <allot/stack.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory_resource>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t thread_count = 4;
constexpr std::uint64_t round_operations = 2'000'000; // then the threads end and others begin

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "torture: %s\n", what);
  std::abort();
}

// Counts what is out, refuses more than `most` bytes, and tells if two threads are in it at once.
class Upstream : public std::pmr::memory_resource {
public:
  explicit Upstream(std::size_t most) : most_(most) {}
  std::size_t live = 0;
  std::size_t refused = 0;

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    enter();
    const bool fits = bytes <= most_ - held_;
    ++(fits ? live : refused);
    held_ += fits ? bytes : 0;
    void* const p = fits ? std::pmr::new_delete_resource()->allocate(bytes, alignment) : nullptr;
    inside_.store(false, std::memory_order_release);
    return fits ? p : throw std::bad_alloc();
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    enter();
    --live;
    held_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
    inside_.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  // Relaxed, so that the order between calls must come from the resource.
  void enter() {
    if (inside_.exchange(true, std::memory_order_relaxed))
      fail("two threads are in the upstream");
  }
  std::atomic<bool> inside_ = false;
  std::size_t most_;
  std::size_t held_ = 0;
};

class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}
  std::uint32_t below(std::uint32_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 32) * n >> 32);
  }

private:
  std::uint64_t state_;
};

struct Stamp {
  std::uint32_t owner, bytes;
  std::uint64_t number;
  bool operator==(const Stamp&) const = default;
};

/// Null: the upstream has nothing.
std::byte* allocate(allot::pmr::synchronized_pool_resource& resource, const Stamp& stamp) {
  std::byte* p = nullptr;
  try {
    p = static_cast<std::byte*>(resource.allocate(stamp.bytes, 8));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  std::memcpy(p, &stamp, sizeof stamp);
  std::memcpy(p + stamp.bytes - sizeof stamp, &stamp, sizeof stamp);
  return p;
}

/// Gives back what `owner` stamped, or anybody if it is 0.
void give_back(allot::pmr::synchronized_pool_resource& resource, std::byte* p,
               std::uint32_t owner) {
  Stamp first{};
  Stamp last{};
  std::memcpy(&first, p, sizeof first);
  if (first.owner == 0 || first.owner > thread_count || (owner != 0 && first.owner != owner))
    fail("a block has another owner's stamp");
  std::memcpy(&last, p + first.bytes - sizeof last, sizeof last);
  if (first != last)
    fail("a block has two stamps");
  std::memset(p, 0, sizeof first);
  resource.deallocate(p, first.bytes, 8);
}

constexpr std::uint32_t exchange_size = 256;
using Exchange = std::array<std::atomic<std::byte*>, exchange_size>; // blocks that change hands

std::uint64_t work(allot::pmr::synchronized_pool_resource& resource, Exchange& exchange,
                   std::uint32_t owner, std::uint64_t round, std::uint64_t operations) {
  Random random(round * thread_count + owner);
  std::vector<std::byte*> mine(512);
  std::uint64_t done = 0;
  while (done < operations) {
    std::byte*& p = mine[random.below(static_cast<std::uint32_t>(mine.size()))];
    if (p == nullptr) {
      const std::uint32_t bytes =
          random.below(1000) == 0 ? 1000 + random.below(20'000) : 32 + random.below(400);
      p = allocate(resource, {owner, bytes, done});
      ++done;
    } else if (random.below(4) != 0) {
      give_back(resource, std::exchange(p, nullptr), owner);
      ++done;
    } else {
      std::atomic<std::byte*>& place = exchange[random.below(exchange_size)];
      std::byte* const other = place.exchange(std::exchange(p, nullptr), std::memory_order_acq_rel);
      if (other != nullptr) {
        give_back(resource, other, 0);
        ++done;
      }
    }
  }
  for (std::byte* const p : mine)
    if (p != nullptr) {
      give_back(resource, p, owner);
      ++done;
    }
  return done;
}

/// Marks of different stacks differ, in whichever threads they were set.
std::vector<allot::Marker> marks() {
  std::vector<allot::Marker> all;
  for (int i = 0; i != 50; ++i) {
    allot::Stack stack(64);
    all.push_back(stack.mark());
  }
  return all;
}

} // namespace

/// Blocks of a resource, and those that change hands.
struct Shared {
  explicit Shared(std::size_t most) : upstream(most) {}
  Upstream upstream;
  allot::pmr::synchronized_pool_resource resource{&upstream};
  Exchange exchange{};
};

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  // The second is less than the threads want of it: they live on what other sizes leave.
  std::array<Shared, 2> shared{Shared(SIZE_MAX / 2), Shared(200'000)};
  std::uint64_t done = 0;
  std::uint64_t round = 0;
  for (; done < wanted; ++round) {
    std::array<std::uint64_t, thread_count> counts{};
    std::array<std::vector<allot::Marker>, thread_count> marked;
    std::vector<std::thread> threads;
    const std::uint64_t share = std::min(wanted - done, round_operations) / thread_count / 8 + 1;
    for (std::uint32_t i = 0; i != thread_count; ++i)
      threads.emplace_back([&, i] {
        marked[i] = marks();
        counts[i] += work(shared[0].resource, shared[0].exchange, i + 1, round, 7 * share);
        counts[i] +=
            work(shared[1].resource, shared[1].exchange, i + 1, round, share); // it is slow
      });
    for (std::thread& thread : threads)
      thread.join();
    for (Shared& those : shared)
      for (std::atomic<std::byte*>& place : those.exchange)
        if (std::byte* const p = place.exchange(nullptr, std::memory_order_relaxed)) {
          give_back(those.resource, p, 0);
          ++done;
        }
    for (const std::uint64_t count : counts)
      done += count;
    std::vector<allot::Marker> all;
    for (const auto& some : marked)
      all.insert(all.end(), some.begin(), some.end());
    for (std::size_t i = 0; i != all.size(); ++i)
      for (std::size_t j = 0; j != i; ++j)
        if (all[i] == all[j])
          fail("two stacks set the same mark");
    for (Shared& those : shared)
      if (round % 3 == 2) {
        those.resource.release();
        if (those.upstream.live != 0)
          fail("memory was not given back");
      }
  }
  if (shared[1].upstream.refused == 0)
    fail("the bounded upstream was never used up");
  std::printf("%llu operations of %u threads in %llu rounds\n",
              static_cast<unsigned long long>(done), thread_count,
              static_cast<unsigned long long>(round));
}
