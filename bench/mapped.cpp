// Memory from the operating system: its first touch, and its use again after a reset.
#include "cells.hpp"
#include "ours.hpp"

#include <allot/mapped_arena.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <sys/mman.h>

namespace bench {

namespace mapped {

constexpr std::size_t page = 4096;
constexpr std::size_t extent = std::size_t{64} << 20;
constexpr std::size_t huge_page = std::size_t{2} << 20;

enum class Pages { small, huge };

/// One mapping, by hand. What a system does by itself is overruled, so that it is known.
class Mapping {
public:
  explicit Mapping(Pages pages) {
    void* const base = mmap(nullptr, extent + huge_page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
      throw std::bad_alloc();
    base_ = static_cast<std::byte*>(base);
    start_ = base_ + (0 - reinterpret_cast<std::uintptr_t>(base)) % huge_page;
    madvise(start_, extent, pages == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  Mapping(const Mapping&) = delete;
  ~Mapping() { munmap(base_, extent + huge_page); }
  [[nodiscard]] std::byte* start() const { return start_; }

private:
  std::byte* base_;
  std::byte* start_;
};

// `use_all` touches each page once.

template <Pages pages>
struct MappedByHand {
  static constexpr const char* name =
      pages == Pages::huge ? "mmap by hand, huge pages" : "mmap by hand";
  void use_all() {
    for (std::size_t at = 0; at != extent; at += page)
      touch(mapping.start() + at, at);
  }
  void reset() {}
  Mapping mapping{pages};
};

template <Pages pages>
struct ZeroedByHand : MappedByHand<pages> {
  static constexpr const char* name =
      pages == Pages::huge ? "mmap and memset, huge pages" : "mmap and memset";
  void reset() { std::memset(this->mapping.start(), 0, extent); }
};

/// What committing a page at a time costs: a system call for each.
struct Protecting {
  static constexpr const char* name = "mmap, an mprotect a page";
  Protecting() : start(mmap(nullptr, extent, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (start == MAP_FAILED)
      throw std::bad_alloc();
    madvise(start, extent, MADV_NOHUGEPAGE);
  }
  Protecting(const Protecting&) = delete;
  ~Protecting() { munmap(start, extent); }
  void use_all() {
    for (std::size_t at = 0; at != extent; at += page) {
      std::byte* const p = static_cast<std::byte*>(start) + at;
      if (mprotect(p, page, PROT_READ | PROT_WRITE) != 0)
        throw std::bad_alloc();
      touch(p, at);
    }
  }
  void* start;
};

template <class Malloced>
struct ByMalloc {
  static constexpr const char* name = Malloced::name;
  void use_all() {
    for (std::size_t at = 0; at != extent; at += page)
      touch(bytes.get() + at, at);
  }
  std::unique_ptr<std::byte, Free> bytes{Malloced::get()};
};
struct Malloced {
  static constexpr const char* name = "glibc malloc";
  static std::byte* get() { return static_cast<std::byte*>(std::malloc(extent)); }
};
struct Calloced {
  static constexpr const char* name = "glibc calloc";
  static std::byte* get() { return static_cast<std::byte*>(std::calloc(extent, 1)); }
};

template <class Chosen>
struct OurMapping {
  static constexpr const char* name = Chosen::name;
  void use_all() {
    for (std::size_t at = 0; at != extent; at += page)
      touch(arena.allocate(page), at);
  }
  void reset() { arena.reset(); }
  allot::MappedArena arena{Chosen::reserve, Chosen::options()};
};
struct Small {
  static constexpr const char* name = "allot::MappedArena, 4 KiB pages";
  static constexpr std::size_t reserve = extent;
  static allot::MapOptions options() {
    return {.zero = false, .huge_pages = allot::HugePages::never};
  }
};
struct SmallOfTebibyte : Small {
  static constexpr const char* name = "allot::MappedArena, 1 TiB of 4 KiB pages";
  static constexpr std::size_t reserve = std::size_t{1} << 40;
};
struct Strict : Small {
  static constexpr const char* name = "allot::MappedArena, strict";
  static allot::MapOptions options() {
    return {.zero = false, .huge_pages = allot::HugePages::never, .commit = allot::Commit::strict};
  }
};
struct Huge : Small {
  static constexpr const char* name = "allot::MappedArena, huge pages";
  static allot::MapOptions options() {
    return {.zero = false, .huge_pages = allot::HugePages::always};
  }
};
struct Default : Small {
  static constexpr const char* name = "allot::MappedArena, by default";
  static allot::MapOptions options() { return {}; }
};
struct SmallZeroing : Small {
  static constexpr const char* name = "allot::MappedArena, 4 KiB pages, zeroing";
  static allot::MapOptions options() { return {.huge_pages = allot::HugePages::never}; }
};
struct HugeZeroing : Small {
  static constexpr const char* name = "allot::MappedArena, huge pages, zeroing";
  static allot::MapOptions options() { return {.huge_pages = allot::HugePages::always}; }
};

template <class Memory>
class FirstTouch final : public Runner {
public:
  void round() override {
    Memory memory;
    memory.use_all();
  }
};

template <class Memory>
class Reuse final : public Runner {
public:
  Reuse() { Reuse::round(); }
  void round() override {
    memory_.use_all();
    memory_.reset();
  }

private:
  Memory memory_;
};

} // namespace mapped

std::vector<Workload> mapped_workloads() {
  using namespace mapped;
  using ByHand = MappedByHand<Pages::small>;
  using HugeByHand = MappedByHand<Pages::huge>;
  using ZeroedHugeByHand = ZeroedByHand<Pages::huge>;

  Workload first{.name = "first touch",
                 .text = "64 MiB mapped, each page of 4 KiB touched once, and unmapped",
                 .operation = "page",
                 .operations = extent / page,
                 .counted = false,
                 .system_calls = true};
  first.add<FirstTouch, ByHand>(Role::floor, {});
  first.add<FirstTouch, OurMapping<Small>>(Role::ours, {{ByHand::name, 1.05}});
  first.add<FirstTouch, OurMapping<SmallOfTebibyte>>(Role::ours, {{ByHand::name, 1.05}});
  first.add<FirstTouch, OurMapping<Strict>>(Role::ours, {});
  first.add<FirstTouch, OurMapping<Huge>>(Role::ours, {{Small::name, 0.4}});
  first.add<FirstTouch, OurMapping<Default>>(Role::ours, {{Small::name, 0.4}});
  first.add<FirstTouch, HugeByHand>(Role::reference, {});
  first.add<FirstTouch, Protecting>(Role::reference, {});
  first.add<FirstTouch, ByMalloc<Malloced>>(Role::peer, {});
  first.add<FirstTouch, ByMalloc<Calloced>>(Role::peer, {});

  Workload again{.name = "touch after reset",
                 .text = "the same 64 MiB used again, each page touched once, and reset",
                 .operation = "page",
                 .operations = extent / page,
                 .counted = false,
                 .system_calls = true};
  again.add<Reuse, ByHand>(Role::floor, {});
  again.add<Reuse, HugeByHand>(Role::reference, {});
  again.add<Reuse, OurMapping<Small>>(Role::ours, {{ByHand::name, 1.15}});
  again.add<Reuse, OurMapping<Huge>>(Role::ours, {{HugeByHand::name, 1.15}});

  Workload zeroed{.name = "touch after reset, zeroing",
                  .text = "the same 64 MiB used again, each page touched once, reset and zeroed",
                  .operation = "page",
                  .operations = extent / page,
                  .counted = false,
                  .system_calls = true};
  zeroed.add<Reuse, ZeroedByHand<Pages::small>>(Role::floor, {});
  zeroed.add<Reuse, ZeroedHugeByHand>(Role::reference, {});
  zeroed.add<Reuse, OurMapping<SmallZeroing>>(Role::ours,
                                              {{ZeroedByHand<Pages::small>::name, 1.1}});
  zeroed.add<Reuse, OurMapping<HugeZeroing>>(Role::ours, {{ZeroedHugeByHand::name, 1.1}});
  return {first, again, zeroed};
}

} // namespace bench
