// Forks, while threads are inside each of what they share: in the child, which has one thread,
// everything can be used, and what others had passed on can be given back.
#include "torture.hpp"

#include <cstdint>

#if defined(_WIN32)
namespace torture {
std::uint64_t forks(std::uint64_t) {
  return 0;
}
} // namespace torture
#else
#include <allot/pmr.hpp>
#include <allot/threads/shared_arena.hpp>
#include <allot/threads/shared_block_pool.hpp>
#include <allot/threads/shared_multipool.hpp>
#include <allot/threads/shared_object_pool.hpp>
#include <allot/threads/thread_scratch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace torture {

namespace {

constexpr std::uint32_t block_bytes = 64;

class Blocks {
public:
  static std::uint32_t size(Random&) { return block_bytes; }
  std::byte* allocate(std::uint32_t) { return static_cast<std::byte*>(pool_.try_allocate()); }
  void deallocate(std::byte* p, std::uint32_t) { pool_.deallocate(p); }

private:
  allot::SharedBlockPool pool_{block_bytes, 300};
};

class Sizes {
public:
  static std::uint32_t size(Random& random) { return 32 + random.below(400); }
  std::byte* allocate(std::uint32_t bytes) {
    return static_cast<std::byte*>(pool_.try_allocate(bytes));
  }
  void deallocate(std::byte* p, std::uint32_t) { pool_.deallocate(p); }

private:
  allot::SharedMultipool pool_;
};

class Resource {
public:
  static std::uint32_t size(Random& random) { return 32 + random.below(400); }
  std::byte* allocate(std::uint32_t bytes) {
    return static_cast<std::byte*>(resource_.allocate(bytes, 8));
  }
  void deallocate(std::byte* p, std::uint32_t bytes) { resource_.deallocate(p, bytes, 8); }

private:
  allot::pmr::synchronized_pool_resource resource_;
};

class Objects {
public:
  static std::uint32_t size(Random&) { return block_bytes; }
  std::byte* allocate(std::uint32_t) { return pool_.acquire().data(); }
  void deallocate(std::byte* p, std::uint32_t) { pool_.give_back(*reinterpret_cast<Object*>(p)); }

private:
  using Object = std::array<std::byte, block_bytes>;
  allot::SharedObjectPool<Object> pool_{8};
};

/// Nothing comes back: blocks lie in the arena, and others in this thread's scratch.
class Arena {
public:
  static std::uint32_t size(Random& random) { return 32 + random.below(400); }
  std::byte* allocate(std::uint32_t bytes) {
    auto& scratch = allot::thread_scratch();
    const auto scope = scratch.scope();
    auto* const moment = static_cast<std::byte*>(scratch.allocate(bytes));
    write_stamps(moment, {1, bytes, 1});
    read_stamps(moment, 1);
    return static_cast<std::byte*>(arena_.try_allocate(bytes));
  }
  void deallocate(std::byte*, std::uint32_t) {}

private:
  allot::SharedArena arena_{std::size_t{128} << 20};
};

template <class Blocks>
class Used {
public:
  void work(std::uint32_t owner, std::uint64_t operations) {
    User<Blocks> user(blocks_, exchange_, owner, 32);
    user.work(operations);
    user.end();
  }
  /// What a child does: it gives back what others passed on as well.
  void inherit(std::uint32_t owner) {
    User<Blocks> user(blocks_, exchange_, owner, 32);
    exchange_.empty([&](std::byte* p) { user.give_back(p, anybody); });
    user.work(500);
    user.end();
  }

private:
  Blocks blocks_;
  Exchange exchange_;
};

struct All {
  Used<Blocks> blocks;
  Used<Sizes> sizes;
  Used<Resource> resource;
  Used<Objects> objects;
  Used<Arena> arena;

  template <class Do>
  void for_each(Do what) {
    what(blocks);
    what(sizes);
    what(resource);
    what(objects);
    what(arena);
  }
};

} // namespace

std::uint64_t forks(std::uint64_t operations) {
  All all;
  std::atomic<std::uint32_t> owners = 0;
  std::atomic<bool> ends = false;
  std::vector<std::thread> threads;
  for (int i = 0; i != 4; ++i)
    threads.emplace_back([&] {
      while (!ends)
        all.for_each([&](auto& used) { used.work(++owners, 100); });
    });
  const std::uint64_t wanted = std::clamp<std::uint64_t>(operations / 10'000, 10, 100);
  for (std::uint64_t n = 0; n != wanted; ++n) {
    all.for_each([&](auto& used) { used.work(++owners, 10); });
    const pid_t child = fork();
    if (child == 0) {
      all.for_each([&](auto& used) { used.inherit(++owners); });
      _exit(0);
    }
    int status = 0;
    expect(child > 0 && waitpid(child, &status, 0) == child, "there is no child");
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child did not end well");
  }
  ends = true;
  for (std::thread& thread : threads)
    thread.join();
  return wanted;
}

} // namespace torture
#endif
