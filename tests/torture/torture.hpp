// What the tortures share: who owns a block, written at both its ends; blocks that change hands;
// threads by the dozen and by the thousand.
//
//   16 threads    take, give back, pass on      as many operations as were asked
//   short ones    the same, a few operations    a thread of 500 operations, two at a time
//   exchange      blocks that were passed on, for whoever comes next; their owners may have ended
//
// When the threads of a round have ended nobody is inside, and what is counted must be right.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

namespace torture {

// One a file. Each does about so many operations, and tells how many.
std::uint64_t arena(std::uint64_t operations);
std::uint64_t block_pool(std::uint64_t operations);
std::uint64_t forks(std::uint64_t operations);
std::uint64_t multipool(std::uint64_t operations);
std::uint64_t object_pool(std::uint64_t operations);
std::uint64_t resource(std::uint64_t operations);
std::uint64_t scratch(std::uint64_t operations);

constexpr std::uint32_t thread_count = 16;
constexpr std::uint64_t rounds = 4; // then the threads end and others begin
constexpr std::uint64_t operations_of_short_thread = 500;
constexpr std::uint64_t many_operations = 1'000'000; // enough for what is scarce to be used up

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "torture: %s\n", what);
  std::abort();
}
inline void expect(bool good, const char* otherwise) {
  if (!good)
    fail(otherwise);
}

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
constexpr std::uint32_t anybody = 0;

/// Both ends of a block of at least two stamps.
inline void write_stamps(std::byte* p, const Stamp& stamp) {
  std::memcpy(p, &stamp, sizeof stamp);
  std::memcpy(p + stamp.bytes - sizeof stamp, &stamp, sizeof stamp);
}
inline Stamp read_stamps(const std::byte* p, std::uint32_t owner) {
  Stamp first{};
  Stamp last{};
  std::memcpy(&first, p, sizeof first);
  expect(first.owner != anybody && (owner == anybody || first.owner == owner),
         "a block has another owner's stamp");
  std::memcpy(&last, p + first.bytes - sizeof last, sizeof last);
  expect(first == last, "a block has two stamps");
  return first;
}

/// Where blocks change hands.
class Exchange {
public:
  /// What lies there, or null.
  std::byte* swap(std::uint32_t place, std::byte* p) {
    return places_[place].exchange(p, std::memory_order_acq_rel);
  }
  template <class Take>
  void empty(Take take) {
    for (std::atomic<std::byte*>& place : places_)
      if (std::byte* const p = place.exchange(nullptr, std::memory_order_acquire))
        take(p);
  }
  static constexpr std::uint32_t size = 256;

private:
  std::array<std::atomic<std::byte*>, size> places_{};
};

/// Blocks has `std::uint32_t size(Random&)`, bytes of at least two stamps; `std::byte*
/// allocate(std::uint32_t bytes)`, null if there is nothing; and `deallocate(std::byte*, bytes)`.
/// They outlive the exchange's content.
template <class Blocks>
class User {
public:
  User(Blocks& blocks, Exchange& exchange, std::uint32_t owner, std::uint32_t most)
      : blocks_(blocks), exchange_(exchange), owner_(owner), random_(owner), mine_(most) {}

  /// So many operations: blocks are taken, given back, or passed on; mostly taken for a while, then
  /// mostly given back.
  void work(std::uint64_t operations) {
    for (const std::uint64_t end = done_ + operations; done_ < end;) {
      std::byte*& p = mine_[random_.below(static_cast<std::uint32_t>(mine_.size()))];
      const bool takes = (done_ + owner_ * 100) / 300 % 2 == 0;
      if ((p != nullptr) == takes && random_.below(4) != 0)
        continue;
      if (p == nullptr)
        p = take();
      else if (random_.below(4) != 0)
        give_back(std::exchange(p, nullptr), owner_);
      else if (std::byte* const other =
                   exchange_.swap(random_.below(Exchange::size), std::exchange(p, nullptr)))
        give_back(other, anybody);
    }
  }
  /// Gives back what it has.
  void end() {
    for (std::byte*& p : mine_)
      if (p != nullptr)
        give_back(std::exchange(p, nullptr), owner_);
  }
  void give_back(std::byte* p, std::uint32_t owner) {
    const Stamp stamp = read_stamps(p, owner);
    std::memset(p, 0, sizeof stamp);
    blocks_.deallocate(p, stamp.bytes);
    ++done_;
  }
  [[nodiscard]] std::uint64_t done() const { return done_; }

private:
  std::byte* take() {
    const std::uint32_t bytes = blocks_.size(random_);
    std::byte* const p = blocks_.allocate(bytes);
    if (p != nullptr)
      write_stamps(p, {owner_, bytes, done_});
    ++done_;
    return p;
  }

  Blocks& blocks_;
  Exchange& exchange_;
  std::uint32_t owner_;
  Random random_;
  std::vector<std::byte*> mine_;
  std::uint64_t done_ = 0;
};

/// Runs `work(i)` in each of `thread_count` threads, and `short_work()` in `short_threads` others
/// meanwhile, two at a time.
template <class Work, class ShortWork>
void run_threads(std::uint64_t short_threads, Work work, ShortWork short_work) {
  std::vector<std::thread> threads;
  std::latch all_there(thread_count);
  for (std::uint32_t i = 0; i != thread_count; ++i)
    threads.emplace_back([&, i] {
      all_there.arrive_and_wait();
      work(i);
    });
  for (std::uint64_t i = 0; i < short_threads; i += 2) {
    std::thread one(short_work);
    std::thread other(short_work);
    one.join();
    other.join();
  }
  for (std::thread& thread : threads)
    thread.join();
}

/// Rounds of threads that use `blocks`, each of which has `most` of them at most. After each,
/// `blocks.rest(round)` is called: nothing is in use then.
template <class Blocks>
std::uint64_t use(Blocks& blocks, std::uint32_t most, std::uint64_t operations) {
  Exchange exchange;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint32_t> owners = 0; // each thread is one that there never was
  for (std::uint64_t round = 0; round != rounds; ++round) {
    std::latch worked(thread_count);
    const auto as_user = [&](std::uint32_t blocks_at_most, std::uint64_t share, auto wait) {
      User<Blocks> user(blocks, exchange, ++owners, blocks_at_most);
      user.work(share);
      wait();
      user.end();
      done += user.done();
    };
    // All have what they want at once, though one may have worked before another came.
    const auto wait = [&] { worked.arrive_and_wait(); };
    run_threads(
        operations / rounds / operations_of_short_thread,
        [&](std::uint32_t) { as_user(most, operations / rounds / thread_count + 1, wait); },
        [&] { as_user(4, 16, [] {}); });
    User<Blocks> last(blocks, exchange, ++owners, 0);
    exchange.empty([&](std::byte* p) { last.give_back(p, anybody); });
    blocks.rest(round);
  }
  return done;
}

} // namespace torture
