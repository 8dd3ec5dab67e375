// allot_thread_memory [--quick]: how much memory stays resident while 64 threads have 2.4 MiB in
// use between them, by each of those who serve several threads, in a process of its own.
#include "thread_heaps.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bench::threads {

namespace {

constexpr std::size_t thread_count = 64;
constexpr std::size_t live_bytes = 2'516'582; // 2.4 MiB
constexpr std::size_t most_bytes = 1024;

std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Has its part of the bytes in use, in blocks of 16 to 1,024 bytes, frees one at random and takes
// another, so many times.
template <class Heap>
class User {
public:
  User(Heap& heap, std::uint32_t seed) : heap_(heap), random_(seed) {}
  void work(std::size_t turns) {
    for (std::size_t i = 0; i != turns; ++i) {
      while (held_ + most_bytes <= live_bytes / thread_count)
        take();
      give_back(random_() % blocks_.size());
    }
    while (held_ + most_bytes <= live_bytes / thread_count)
      take();
  }
  void end() {
    while (!blocks_.empty())
      give_back(blocks_.size() - 1);
  }

private:
  struct Block {
    void* p;
    std::size_t bytes;
  };
  void take() {
    const std::size_t bytes = 16 + random_() % (most_bytes - 15);
    Block& block = blocks_.emplace_back(Block{heap_.allocate(bytes), bytes});
    std::memset(block.p, 1, bytes);
    held_ += bytes;
  }
  void give_back(std::size_t i) {
    std::swap(blocks_[i], blocks_.back());
    const Block block = blocks_.back();
    blocks_.pop_back();
    heap_.deallocate(block.p, block.bytes);
    held_ -= block.bytes;
  }

  Heap& heap_;
  std::mt19937 random_;
  std::vector<Block> blocks_ = [] {
    std::vector<Block> blocks;
    blocks.reserve(live_bytes / thread_count / 16);
    return blocks;
  }();
  std::size_t held_ = 0;
};

// What is resident when all threads have what they want, over what is when they have nothing yet.
template <class Heap>
std::size_t measure(std::size_t turns) {
  Heap heap;
  std::size_t before = 0;
  std::size_t after = 0;
  std::barrier all(thread_count + 1);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i != thread_count; ++i)
    threads.emplace_back([&, i] {
      User<Heap> user(heap, i + 1);
      all.arrive_and_wait();
      all.arrive_and_wait(); // measured
      user.work(turns);
      all.arrive_and_wait();
      all.arrive_and_wait(); // measured
      user.end();
    });
  all.arrive_and_wait();
  before = resident();
  all.arrive_and_wait();
  all.arrive_and_wait();
  after = resident();
  all.arrive_and_wait();
  for (std::thread& thread : threads)
    thread.join();
  return after - before;
}

struct Contestant {
  const char* name;
  std::size_t (*measure)(std::size_t turns);
};

template <class Heap>
void add(std::vector<Contestant>& to) {
  if constexpr (!std::derived_from<Heap, Absent>)
    to.push_back({Heap::name, measure<Heap>});
}

// In a process of its own, as memory that one gave back might stay.
std::size_t measured_alone(const Contestant& contestant, std::size_t turns) {
  auto* const result = static_cast<std::size_t*>(mmap(
      nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const pid_t child = fork();
  if (child == 0) {
    *result = contestant.measure(turns);
    std::_Exit(0);
  }
  int status = 0;
  if (result == MAP_FAILED || child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    std::fprintf(stderr, "%s was not measured\n", contestant.name);
    std::exit(1);
  }
  return *result;
}

} // namespace

} // namespace bench::threads

int main(int count, char** arguments) {
  using namespace bench::threads;
  const bool quick = count == 2 && std::string_view(arguments[1]) == "--quick";
  if (count > 1 && !quick) {
    std::fputs("usage: allot_thread_memory [--quick]\n", stderr);
    return 2;
  }
  std::vector<Contestant> contestants;
  add<MallocHeap<bench::Glibc>>(contestants);
  add<OurHeap>(contestants);
  add<OurResource>(contestants);
  add<LockedHeap>(contestants);
  add<StandardResource>(contestants);
  add<MallocHeap<bench::Mimalloc>>(contestants);
  add<MallocHeap<bench::Jemalloc>>(contestants);
  add<MallocHeap<bench::Tcmalloc>>(contestants);
  add<MallocHeap<bench::TbbMalloc>>(contestants);
  std::puts("| 2.4 MiB in use by 64 threads | KiB resident | of glibc's |\n|---|---|---|");
  double glibc = 0;
  for (const Contestant& contestant : contestants) {
    const auto bytes = static_cast<double>(measured_alone(contestant, quick ? 100 : 20'000));
    if (glibc == 0)
      glibc = bytes;
    std::printf("| %s | %.0f | %.2f |\n", contestant.name, bytes / 1024, bytes / glibc);
    std::fflush(stdout);
  }
}
