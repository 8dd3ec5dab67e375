// SharedArena: a reservation that has room for all, and a megabyte that is used up. Nothing comes
// back before the end of a round, and all of it is still there then.
#include "torture.hpp"

#include <allot/base/annotate.hpp>
#include <allot/threads/shared_arena.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace torture {

namespace {

std::atomic<std::size_t> objects_made = 0;
std::atomic<std::size_t> objects_destroyed = 0;

struct Object {
  Object() { ++objects_made; }
  Object(const Object&) = delete;
  ~Object() { ++objects_destroyed; }
  std::uint64_t value = 0;
};

class Builder {
public:
  Builder(allot::SharedArena& arena, Exchange& exchange, std::uint32_t owner)
      : arena_(arena), exchange_(exchange), owner_(owner), random_(owner) {}

  /// Only what stands in `bytes()`, if nothing but blocks are made.
  void work(std::uint64_t operations, bool only_blocks) {
    for (std::uint64_t i = 0; i != operations; ++i) {
      if (only_blocks || random_.below(8) != 0)
        make_block(only_blocks);
      else if (random_.below(2) == 0)
        arena_.create<Object>()->value = owner_;
      else
        for (Object& object : arena_.create_array<Object>(1 + random_.below(4)))
          object.value = owner_;
    }
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// What it made is there, by offset, too.
  void check() const {
    for (std::byte* const p : mine_) {
      read_stamps(p, owner_);
      expect(arena_.owns(p) && arena_.at(arena_.offset_of(p)) == p,
             "an offset names another place");
    }
  }

private:
  void make_block(bool plainly) {
    const std::uint32_t bytes =
        random_.below(300) == 0 ? 1000 + random_.below(40'000) : 32 + random_.below(200);
    const std::size_t alignment = plainly || random_.below(8) != 0 ? 8 : 64;
    auto* p = static_cast<std::byte*>(arena_.allocate(bytes, alignment));
    Stamp before{};
    std::memcpy(&before, p, sizeof before);
    expect(before == Stamp{}, "memory is not zero");
    std::uint32_t kept = bytes;
    if (!plainly && random_.below(4) == 0) { // shorter, or longer where nobody is behind it
      const std::uint32_t other = 32 + random_.below(300);
      if (arena_.try_resize(p, bytes, other))
        kept = other;
    }
    write_stamps(p, {owner_, kept, mine_.size()});
    bytes_ += (kept + 7) / 8 * 8;
    mine_.push_back(p);
    if (const std::byte* const other = exchange_.swap(random_.below(Exchange::size), p))
      read_stamps(other, anybody);
  }

  allot::SharedArena& arena_;
  Exchange& exchange_;
  std::uint32_t owner_;
  Random random_;
  std::vector<std::byte*> mine_;
  std::size_t bytes_ = 0;
};

void expect_all_counted(const allot::SharedArena& arena) {
  expect(arena.used() + arena.lost() + arena.available() == arena.capacity(),
         "bytes are counted twice, or not at all");
}

void with_room(std::uint64_t operations) {
  allot::SharedArena arena(std::size_t{256} << 20);
  Exchange exchange;
  std::atomic<std::uint32_t> owners = 0;
  for (std::uint64_t round = 0; round != rounds; ++round) {
    const bool only_blocks = round % 3 == 0;
    std::atomic<std::size_t> bytes = 0;
    const auto build = [&](std::uint64_t share) {
      Builder builder(arena, exchange, ++owners);
      builder.work(share, only_blocks);
      builder.check();
      bytes += builder.bytes();
    };
    run_threads(
        operations / rounds / operations_of_short_thread,
        [&](std::uint32_t) { build(operations / rounds / thread_count + 1); }, [&] { build(16); });
    exchange.empty([](const std::byte* p) { read_stamps(p, anybody); });
    expect_all_counted(arena);
    expect(!only_blocks || arena.used() == bytes, "bytes are counted as used that are not");
    expect(arena.objects() == objects_made - objects_destroyed, "an object is not known");
    arena.reset();
    expect(arena.empty() && objects_made == objects_destroyed, "an object was not destroyed");
  }
}

/// Threads take what there is, until all is used up.
void used_up(std::uint64_t times) {
  constexpr std::size_t bytes = 32;
  allot::SharedArena arena(std::size_t{1} << 20);
  for (std::uint64_t i = 0; i != times; ++i) {
    std::atomic<std::size_t> taken = 0;
    const auto take = [&](std::size_t most) {
      for (std::size_t n = 0; n != most; ++n) {
        auto* const p = static_cast<std::byte*>(arena.try_allocate(bytes));
        if (p == nullptr)
          return;
        write_stamps(p, {1, bytes, 0});
        taken += bytes;
      }
    };
    run_threads(
        20, [&](std::uint32_t) { take(SIZE_MAX); }, [&] { take(10); });
    take(SIZE_MAX); // what those who ended left
    expect(arena.used() == taken, "bytes are counted as used that are not");
    expect_all_counted(arena);
    expect(allot::instrumented || arena.used() > arena.capacity() / 100 * 98,
           "an arena refused before it was used up");
    arena.reset();
  }
}

} // namespace

std::uint64_t arena(std::uint64_t operations) {
  with_room(operations / 4 * 3);
  const std::uint64_t times = operations / 4 / 32'768 + 1;
  used_up(times);
  return operations / 4 * 3 + times * 32'768;
}

} // namespace torture
