// What the conformance suite runs over: every strategy that serves any size, on every kind of
// memory that it can stand on, each made to hold `room` bytes.
#pragma once

#include <allot/allot.hpp>

#include "support.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace conformance {

inline constexpr std::size_t room = 65536; // whole pages, so that every kind of memory has it

class Heap {
public:
  static std::string name() { return "Heap"; }
  allot::Buffer buffer(allot::Options options) {
    return allot::Buffer::heap(room, allot::buffer_alignment, options);
  }
};

class Mapped {
public:
  static std::string name() { return "Mapped"; }
  allot::Buffer buffer(allot::Options) { return allot::Buffer::mapped(room); }
};

/// Memory of the test's own, `offset` bytes past an aligned address, with rubbish in and around it.
template <std::size_t offset>
class Borrowed {
public:
  static std::string name() { return "Borrowed" + std::to_string(offset); }
  allot::Buffer buffer(allot::Options) {
    lent_.push_back(std::make_unique<Memory>());
    std::byte* const bytes = lent_.back()->bytes;
    test::fill(bytes, sizeof(Memory));
    return allot::Buffer::borrowed({bytes + offset, room + allot::granule - 1});
  }
  ~Borrowed() {
    for (const auto& memory : lent_) {
      EXPECT_EQ(test::visible(memory->bytes, sizeof(Memory)), sizeof(Memory));
      EXPECT_TRUE(test::holds(memory->bytes, begin, 0xA5));
      EXPECT_TRUE(test::holds(memory->bytes + begin + room, sizeof(Memory) - begin - room, 0xA5));
    }
  }

private:
  struct alignas(64) Memory {
    std::byte bytes[room + 64];
  };
  static constexpr std::size_t begin = (offset + 7) / 8 * 8;
  std::vector<std::unique_ptr<Memory>> lent_;
};

class Upstream {
public:
  static std::string name() { return "Upstream"; }
  allot::Buffer buffer(allot::Options) { return allot::Buffer::from(&resource_, room); }

private:
  test::TestResource resource_;
};

template <class S>
inline constexpr const char* name_of = nullptr;
template <>
inline constexpr const char* name_of<allot::Arena> = "Arena";
template <>
inline constexpr const char* name_of<allot::Bump> = "Bump";
template <>
inline constexpr const char* name_of<allot::Scratch> = "Scratch";

template <class S, class Memory>
class On {
public:
  using Strategy = S;
  static std::string name() { return std::string(name_of<S>) + "On" + Memory::name(); }
  S make(allot::Options options) { return S(memory_.buffer(options), options); }

private:
  Memory memory_;
};

template <allot::Commit policy>
class Reserved {
public:
  using Strategy = allot::MappedArena;
  static std::string name() {
    return policy == allot::Commit::strict ? "MappedArenaStrict" : "MappedArenaDemand";
  }
  Strategy make(allot::Options options) {
    return Strategy(room, {.zero = options.zero, .commit = policy});
  }
};

/// Regions of one arena: their limit makes them as large as the others are.
class RegionOnHeap {
public:
  using Strategy = allot::Region;
  static std::string name() { return "RegionOnHeap"; }
  Strategy make(allot::Options options) {
    return Strategy({.zero = options.zero, .arena_size = room, .limit = room});
  }
};
class RegionOnUpstream {
public:
  using Strategy = allot::Region;
  static std::string name() { return "RegionOnUpstream"; }
  Strategy make(allot::Options options) {
    return Strategy(
        {.zero = options.zero, .arena_size = room, .limit = room, .upstream = &upstream_});
  }

private:
  test::TestResource upstream_;
};

/// For suites that are typed with one of the above.
template <class Config>
class Suite : public testing::Test {
protected:
  auto make(allot::Options options = {}) { return config_.make(options); }

private:
  Config config_;
};
struct Names {
  template <class Config>
  static std::string GetName(int /*index*/) {
    return Config::name();
  }
};

/// Whether `call` throws Exhausted, for whichever reason.
template <class Call>
bool is_exhausted(Call&& call) {
  return test::kind(std::forward<Call>(call)).starts_with("Exhausted");
}

} // namespace conformance
