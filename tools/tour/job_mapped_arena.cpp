// The file, read piece by piece into contiguous memory, as a pipe whose length nobody knows.
#include "counting.hpp"
#include "jobs.hpp"

#include <allot/mapped_arena.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

namespace tour {
namespace {

using namespace allot::literals;

constexpr std::size_t piece = 64_KiB;

/// `Memory` has `char* grow(bytes)`, which gives memory for so many, with what was there before.
template <class Memory>
void read_all(std::FILE* file, Memory& memory, Values& values) {
  std::rewind(file);
  std::size_t size = 0;
  for (std::size_t got = piece; got == piece; size += got)
    got = std::fread(memory.grow(size + piece) + size, 1, piece, file);
  values.text({memory.text(), size});
}

Job::Turn with_strategy(const Input& input) {
  struct Memory {
    allot::MappedArena arena;
    void* all = nullptr;
    std::size_t bytes = 0;
    [[nodiscard]] char* text() const { return static_cast<char*>(all); }
    char* grow(std::size_t to) {
      all = arena.reallocate(all, bytes, to); // never moves: nothing else is in the arena
      bytes = to;
      return text();
    }
    void reset() {
      arena.reset(); // its pages stay
      all = nullptr;
      bytes = 0;
    }
  };
  const auto memory = std::make_shared<Memory>(Memory{allot::MappedArena(1_TiB, {.zero = false})});
  return [&input, memory](Values& values) {
    read_all(input.file.get(), *memory, values);
    counting::add_mapped(memory->arena.committed());
    memory->reset();
  };
}

void read_with_malloc(const Input& input, Values& values) {
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  struct {
    std::unique_ptr<char, Free> all;
    std::size_t capacity = 0;
    [[nodiscard]] char* text() const { return all.get(); }
    char* grow(std::size_t to) {
      if (to > capacity) {
        const std::size_t doubled = std::max(to, 2 * capacity);
        void* const p = std::realloc(all.get(), doubled);
        if (p == nullptr)
          throw std::bad_alloc();
        (void)all.release(); // realloc freed it
        all.reset(static_cast<char*>(p));
        capacity = doubled;
      }
      return text();
    }
  } memory;
  read_all(input.file.get(), memory, values);
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) { read_with_malloc(input, values); };
}

} // namespace

constinit const Job mapped_arena_job{"mmap arena",
                                     "the file read in pieces",
                                     "realloc, doubling",
                                     with_strategy,
                                     with_malloc,
                                     "grows in place, copies nothing",
                                     "malloc found room in place, too",
                                     "less than some pages, or a short life"};

} // namespace tour
