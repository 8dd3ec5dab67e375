// What the drivers share: a check that tells what was done before it failed, contents that can be
// recognised, and how a call was refused.
#pragma once

#include "input.hpp"

#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace model {

/// A driver, which puts itself in a list so that a program has those that are linked into it.
class Driver {
public:
  Driver(const char* its_name, void (*what)(Input&)) : name(its_name), run(what), next(first()) {
    first() = this;
  }
  static Driver*& first() {
    static Driver* driver = nullptr;
    return driver;
  }
  const char* name;
  void (*run)(Input&);
  Driver* next;
};

// ------------------------------------------------------------------------------------------- trace

struct Operation {
  const char* name;
  std::size_t a, b, c;
};
/// What was done since the driver started.
inline std::vector<Operation>& operations() {
  static std::vector<Operation> all;
  return all;
}
inline void operation(const char* name, std::size_t a = 0, std::size_t b = 0, std::size_t c = 0) {
  operations().push_back({name, a, b, c});
}

[[noreturn, gnu::cold]] inline void fail(const char* claim, const char* file, int line) {
  for (const Operation& o : operations())
    std::fprintf(stderr, "  %s %zu %zu %zu\n", o.name, o.a, o.b, o.c);
  std::fprintf(stderr, "%s:%d: not so after these operations: %s\n", file, line, claim);
  std::abort();
}
// The builtins, because clang 14 has no std::source_location.
inline void check(bool holds, const char* claim, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (!holds) [[unlikely]]
    fail(claim, file, line);
}

// ---------------------------------------------------------------------------------------- contents

inline std::byte* bytes_of(const void* p) {
  return static_cast<std::byte*>(const_cast<void*>(p));
}
inline bool is_aligned(const void* p, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}
inline bool holds(const std::byte* p, std::size_t bytes, unsigned char value) {
  return bytes == 0 || (*p == std::byte{value} && std::memcmp(p, p + 1, bytes - 1) == 0);
}

/// An allocation, filled with one value that is not zero.
struct Piece {
  std::byte* p = nullptr;
  std::size_t bytes = 0; // 0: it is gone
  unsigned char value = 0;

  void fill() const { std::memset(p, value, bytes); }
  [[nodiscard]] bool intact() const { return holds(p, bytes, value); }
};
inline Piece new_piece(void* p, std::size_t bytes) {
  static unsigned char value = 0;
  value = static_cast<unsigned char>(value % 255 + 1);
  const Piece piece{static_cast<std::byte*>(p), bytes, value};
  piece.fill();
  return piece;
}

/// An allocation, and what is its alone.
struct Place {
  Piece piece;
  std::size_t room = 0;      // bytes that nobody else has
  std::size_t alignment = 8; // that was asked for
  std::size_t written = 0;   // from here on nothing was ever written
};

/// Allocations that live at the same time, by address: for strategies whose choice of a place is
/// their own.
class Places {
public:
  void add(const Place& place) {
    const auto at = find(place.piece.p);
    check(at == all_.end() || place.piece.p + place.room <= at->piece.p, "no overlap");
    check(at == all_.begin() || at[-1].piece.p + at[-1].room <= place.piece.p, "no overlap");
    all_.insert(at, place);
  }
  /// No longer known, with its contents checked.
  Place remove(std::size_t i) {
    const Place place = all_[i];
    check(place.piece.intact(), "contents kept");
    erase(i);
    return place;
  }
  void erase(std::size_t i) { all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(i)); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] const Place& operator[](std::size_t i) const { return all_[i]; }
  [[nodiscard]] std::size_t pick(Input& input) const { return input.below(65536) % all_.size(); }
  void clear() { all_.clear(); }
  void check_contents() const {
    for (const Place& place : all_)
      check(place.piece.intact(), "contents kept");
  }

private:
  std::vector<Place>::iterator find(const std::byte* p) {
    return std::lower_bound(
        all_.begin(), all_.end(), p,
        [](const Place& place, const std::byte* address) { return place.piece.p < address; });
  }
  std::vector<Place> all_;
};

// ---------------------------------------------------------------------------------------- refusals

/// Whether to make a call that will throw, if it is `refused`: seldom, since that is slow.
inline bool worth_throwing(Input& input, bool refused) {
  return !refused || input.one_in(16);
}

/// Why a call threw, or that it did not.
template <class Call>
std::optional<allot::Errc> refusal(Call&& call) {
  try {
    (void)call();
  } catch (const allot::Exhausted& exhausted) {
    return exhausted.code();
  } catch (const allot::Misuse& misuse) {
    return misuse.code();
  } catch (const std::bad_alloc&) {
    return allot::Errc::system_refused; // upstream's own
  }
  return std::nullopt;
}

/// Counts misuse that is reported rather than thrown.
class Reports {
public:
  Reports() : before_(std::exchange(allot::misuse_handler, count)) { last() = std::nullopt; }
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;
  ~Reports() { allot::misuse_handler = before_; }
  /// The last one since this was asked.
  static std::optional<allot::Errc> take() { return std::exchange(last(), std::nullopt); }

private:
  static std::optional<allot::Errc>& last() {
    static std::optional<allot::Errc> code;
    return code;
  }
  static void count(const allot::Misuse& misuse) { last() = misuse.code(); }
  void (*before_)(const allot::Misuse&);
};

/// Bytes of address from one byte accounted for to the next: 2 where allocations have red zones.
inline const std::size_t red_zone_scale = allot::red_zones.stretch(1);

} // namespace model
