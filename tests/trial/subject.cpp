// The program under trial: what it says it does is checked here, what the library counted by the
// test.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sites.hpp"

namespace {

using Region = At<0>;
using Pool = At<1>;
using Elsewhere = At<-1>;

bool is_filled(const void* p, std::size_t bytes, int with) {
  const auto* const at = static_cast<const unsigned char*>(p);
  for (std::size_t i = 0; i < bytes; ++i)
    if (at[i] != static_cast<unsigned char>(with))
      return false;
  return true;
}

void* used(void* p, std::size_t bytes) {
  CHECK(p);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
  CHECK(::malloc_usable_size(p) >= bytes);
  std::memset(p, 0xa5, ::malloc_usable_size(p));
  return p;
}

bool is_aligned(const void* p, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}

constexpr std::size_t sizes[] = {0, 1, 15, 16, 24, 40, 64, 300, 5000, 200'000};
constexpr std::size_t alignments[] = {16, 64, 4096};

template <class S>
void use_family() {
  for (const std::size_t n : sizes) {
    std::free(used(S::malloc(n), n));
    void* const zeros = S::calloc(2, n);
    CHECK(zeros && is_filled(zeros, 2 * n, 0));
    std::free(used(zeros, 2 * n));
    std::free(used(S::realloc(nullptr, n), n));
    std::free(used(S::reallocarray(nullptr, 2, n), 2 * n));
    for (const std::size_t a : alignments) {
      void* const p[] = {S::aligned_alloc(a, n), S::memalign(a, n), S::posix_memalign(a, n)};
      for (void* const q : p) {
        CHECK(is_aligned(q, a));
        std::free(used(q, n));
      }
      void* const one = used(S::make_aligned(n, a), n);
      void* const many = used(S::make_array_aligned(n, a), n);
      CHECK(is_aligned(one, a) && is_aligned(many, a));
      ::operator delete(one, std::align_val_t(a));
      ::operator delete[](many, n, std::align_val_t(a));
    }
    void* const pages = used(S::valloc(n), n);
    void* const more = used(S::pvalloc(n), (n + 4095) / 4096 * 4096);
    CHECK(is_aligned(pages, 4096) && is_aligned(more, 4096));
    std::free(pages);
    std::free(more);
    ::operator delete(used(S::make(n), n));
    ::operator delete[](used(S::make_array(n), n), n);
    ::operator delete(used(S::make_nothrow(n), n), std::nothrow);
    ::operator delete[](used(S::make_array_nothrow(n), n));
  }
  CHECK(!S::memalign(16, SIZE_MAX / 2));
  CHECK(!S::posix_memalign(3, 8));
}

void family() {
  use_family<Region>();
  use_family<Pool>();
  use_family<Elsewhere>();
}

// 100 epochs, the largest of 70 blocks that count as 32 bytes, and one of 1008.
void epochs() {
  void* blocks[70];
  for (int epoch = 0; epoch < 100; ++epoch) {
    const int count = epoch == 50 ? 70 : epoch % 7 + 1;
    for (int i = 0; i < count; ++i)
      blocks[i] = used(Region::malloc(17), 17);
    void* const larger = used(Region::make(1000), 1000);
    for (int i = 0; i < count; ++i)
      std::free(blocks[i]);
    ::operator delete(larger);
  }
}

// 40 at once, 400 in all.
void pool() {
  std::vector<void*> blocks;
  for (int turn = 0; turn < 10; ++turn) {
    for (int i = 0; i < 40; ++i)
      blocks.push_back(used(Pool::malloc(64), 64));
    for (void* const p : blocks)
      std::free(p);
    blocks.clear();
  }
}

void reallocations() {
  // Within a region: the newest in place, others not; what is there stays.
  void* const first = used(Region::malloc(100), 100);
  void* second = used(Region::malloc(50), 50);
  std::memset(second, 2, 50);
  CHECK(Region::realloc(second, 120) == second);
  CHECK(is_filled(second, 50, 2));
  std::memset(first, 1, 100);
  void* const moved = Region::realloc(first, 300);
  CHECK(moved != first && is_filled(moved, 100, 1));
  CHECK(Region::realloc(moved, 10) == moved);
  CHECK(is_filled(moved, 10, 1) && ::malloc_usable_size(moved) >= 10);
  // What has an arena of its own, grown in steps.
  void* large = Region::malloc(10'000);
  std::memset(large, 3, 10'000);
  for (std::size_t n = 20'000; n <= 160'000; n *= 2)
    large = Region::realloc(large, n);
  CHECK(is_filled(large, 10'000, 3));
  // Out of it, and into it.
  void* const out = Elsewhere::realloc(moved, 400);
  CHECK(is_filled(out, 10, 1));
  void* const in = Region::realloc(out, 500);
  CHECK(in != out && is_filled(in, 10, 1));
  // From a pool: within a block; to what is larger, which the pool hasn't; and to a region.
  void* const block = used(Pool::malloc(20), 20);
  std::memset(block, 4, 20);
  CHECK(Pool::realloc(block, 60) == block);
  void* const grown = Pool::realloc(block, 1000);
  CHECK(is_filled(grown, 20, 4));
  void* const last = Region::reallocarray(grown, 10, 10);
  CHECK(is_filled(last, 20, 4));
  CHECK(!Region::realloc(last, 0)); // as glibc: it is free then
  CHECK(!Region::reallocarray(in, SIZE_MAX / 2, 3) && errno == ENOMEM);
  std::free(in);
  std::free(large);
  std::free(second);
}

void two_frames() {
  std::free(used(through_shared<0>(10), 10));
  std::free(used(through_shared<1>(10), 10));
}

void foreign() {
  for (int i = 0; i < 10; ++i) {
    void* const mine = used(Region::malloc(100), 100);
    void* const pooled = used(Pool::malloc(10), 10);
    std::thread([=] {
      std::free(mine);
      std::free(pooled);
    }).join();
  }
  std::free(Region::malloc(1));
  std::free(Pool::malloc(1));
}

void threads_end() {
  for (int i = 0; i < 5; ++i) {
    void* left = nullptr;
    std::thread([&] {
      left = used(Region::malloc(100), 100);
      std::free(Region::malloc(100));
    }).join();
    std::free(left);
  }
}

// Blocks that go from thread to thread, of routes that all threads have.
void crossing() {
  struct Passed {
    void* block;
    std::size_t bytes;
    int with;
  };
  std::mutex mutex;
  std::vector<Passed> passed;
  const auto take = [&](std::size_t which) {
    const Passed p = passed[which % passed.size()];
    passed[which % passed.size()] = passed.back();
    passed.pop_back();
    return p;
  };
  const auto check = [](const Passed& p) {
    CHECK(is_filled(p.block, p.bytes, p.with));
    std::free(p.block);
  };
  std::atomic<int> ready{0};
  const auto work = [&](unsigned seed) {
    for (++ready; ready != 4;)
      std::this_thread::yield();
    for (int i = 0; i < 3000; ++i) {
      seed = seed * 1664525 + 1013904223;
      if (i % 64 == 0)
        std::this_thread::yield();
      const std::size_t bytes = (seed >> 16) % 64 + 1;
      Passed p{(seed >> 8) % 2 ? Region::malloc(bytes) : Pool::malloc(bytes), bytes, i};
      std::memset(p.block, i, bytes);
      {
        const std::lock_guard<std::mutex> locked(mutex);
        passed.push_back(p);
        if (passed.size() < 100)
          continue;
        p = take(seed >> 4);
      }
      check(p);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i)
    threads.emplace_back(work, i);
  for (std::thread& t : threads)
    t.join();
  while (!passed.empty())
    check(take(0));
}

void forked() {
  void* const before = used(Region::malloc(30), 30);
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    std::free(used(Region::malloc(30), 30));
    auto* const after = static_cast<char*>(used(Region::malloc(30), 30));
    CHECK(after != before); // it lives here, too
    std::free(after);
    for (int i = 0; i < 1000; ++i)
      std::free(used(Region::malloc(100), 100));
    std::free(before);
    std::free(Pool::malloc(8));
    std::_Exit(7);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
  std::free(before);
  std::free(Region::malloc(8));
}

volatile std::sig_atomic_t interrupts = 0;

void interrupted() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    void* const p = Region::malloc(50);
    std::memset(p, 1, 50);
    void* const q = Pool::malloc(50);
    std::memset(q, 2, 50);
    std::free(p);
    std::free(q);
    interrupts = interrupts + 1;
  };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPROF, &action, nullptr);
  const itimerval often{{0, 1000}, {0, 1000}};
  ::setitimer(ITIMER_PROF, &often, nullptr);
  while (interrupts < 50) {
    void* const p = used(Region::malloc(33), 33);
    void* const q = used(Pool::malloc(33), 33);
    std::free(p);
    std::free(q);
  }
  ::signal(SIGPROF, SIG_IGN);
}

void plugged(const char* path) {
  Allocate* const allocate = plugin(path);
  for (int i = 0; i < 3; ++i)
    std::free(used(allocate(std::malloc, 40), 40));
  using HasFriend = bool();
  auto* const has_friend =
      reinterpret_cast<HasFriend*>(::dlsym(::dlopen(path, RTLD_NOW), "plugin_has_friend"));
  CHECK(has_friend());
}

void killed() {
  for (int i = 0; i < 12; ++i)
    std::free(Region::malloc(100));
  used(Region::malloc(64), 64);
  ::raise(SIGKILL);
}

// Far more than the plan says.
void outgrown() {
  std::vector<void*> blocks;
  for (int i = 0; i < 20'000; ++i)
    blocks.push_back(used(Region::malloc(100), 100));
  for (int i = 0; i < 2000; ++i)
    blocks.push_back(used(Pool::malloc(64), 64));
  for (void* const p : blocks)
    std::free(p);
}

void no_memory() {
  CHECK(!Region::malloc(SIZE_MAX / 2) && errno == ENOMEM);
  CHECK(!Pool::calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
  CHECK(!Region::make_nothrow(SIZE_MAX / 2));
  static int asked = 0;
  std::set_new_handler([] {
    if (++asked == 3)
      std::set_new_handler(nullptr);
  });
  bool thrown = false;
  try {
    ::operator delete(Region::make(SIZE_MAX / 2));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  CHECK(thrown && asked == 3);
}

void environment() {
  CHECK(std::system("env | grep -e ALLOT -e liballot") != 0);
}

struct Late {
  void* kept = nullptr;
  ~Late() { std::free(kept); }
} late;

[[gnu::constructor]] void early() {
  if (std::getenv("SUBJECT_EARLY"))
    late.kept = Region::malloc(10);
}

void double_free() {
  void* const p = Pool::malloc(10);
  std::free(Pool::malloc(10));
  std::free(p);
  std::free(p);
}

void wrong_pointer() {
  auto* const p = static_cast<char*>(Pool::malloc(10));
  std::free(p + 16);
}

void far_pointer() {
  auto* const p = static_cast<char*>(Region::malloc(10));
  std::free(p + (std::size_t{1} << 36)); // where nobody has anything
}

// 3 epochs of 5 blocks: the first free of each follows allocations.
void teardown() {
  for (int epoch = 0; epoch < 3; ++epoch) {
    void* blocks[5];
    for (void*& p : blocks)
      p = Region::malloc(10);
    for (void* const p : blocks)
      std::free(p);
  }
}

struct Case {
  const char* name;
  void (*run)();
};
constexpr Case cases[] = {
    {"family", family},
    {"epochs", epochs},
    {"pool", pool},
    {"reallocations", reallocations},
    {"two_frames", two_frames},
    {"foreign", foreign},
    {"threads_end", threads_end},
    {"crossing", crossing},
    {"forked", forked},
    {"interrupted", interrupted},
    {"killed", killed},
    {"outgrown", outgrown},
    {"no_memory", no_memory},
    {"environment", environment},
    {"double_free", double_free},
    {"wrong_pointer", wrong_pointer},
    {"far_pointer", far_pointer},
    {"teardown", teardown},
    {"nothing", [] {}},
};

} // namespace

int main(int argc, char** argv) {
  const char* const name = argc > 1 ? argv[1] : "";
  const char* const path = argc > 2 ? argv[2] : "";
  if (std::strcmp(name, "keys") == 0)
    return print_keys(path);
  if (std::strcmp(name, "plugged") == 0)
    return plugged(path), 0;
  for (const Case& c : cases)
    if (std::strcmp(c.name, name) == 0)
      return c.run(), 0;
  return 2;
}
