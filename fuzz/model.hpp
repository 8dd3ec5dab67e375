// What the drivers share: a check that tells what was done before it failed, contents that can be
// recognised, and how a call was refused.
#pragma once

#include "input.hpp"

#include <allot/buffer.hpp>
#include <allot/error.hpp>
#include <allot/size.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <source_location>
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

[[noreturn, gnu::cold]] inline void fail(const char* claim, const std::source_location& where) {
  for (const Operation& o : operations())
    std::fprintf(stderr, "  %s %zu %zu %zu\n", o.name, o.a, o.b, o.c);
  std::fprintf(stderr, "%s:%u: not so after these operations: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), claim);
  std::abort();
}
inline void check(bool holds, const char* claim,
                  const std::source_location& where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    fail(claim, where);
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

/// Allocations that live at the same time, by address: for strategies whose choice of a place is
/// their own.
class Places {
public:
  void add(const Piece& piece, std::size_t room) {
    const auto at = lower(piece.p);
    check(at == pieces_.end() || piece.p + room <= at->piece.p, "no overlap with the next");
    check(at == pieces_.begin() || end(at[-1]) <= piece.p, "no overlap with the one before");
    pieces_.insert(at, {piece, room});
  }
  void remove(const Piece& piece) {
    check(piece.intact(), "contents kept");
    pieces_.erase(lower(piece.p));
  }
  [[nodiscard]] std::size_t size() const { return pieces_.size(); }
  [[nodiscard]] const Piece& operator[](std::size_t i) const { return pieces_[i].piece; }
  [[nodiscard]] std::size_t room(std::size_t i) const { return pieces_[i].room; }
  void clear() { pieces_.clear(); }
  void check_contents() const {
    for (const Place& place : pieces_)
      check(place.piece.intact(), "contents kept");
  }

private:
  struct Place {
    Piece piece;
    std::size_t room;
  };
  static const std::byte* end(const Place& place) { return place.piece.p + place.room; }
  std::vector<Place>::iterator lower(const std::byte* p) {
    auto first = pieces_.begin();
    for (std::size_t count = pieces_.size(); count != 0;) {
      const std::size_t half = count / 2;
      const auto middle = first + static_cast<std::ptrdiff_t>(half);
      first = middle->piece.p < p ? middle + 1 : first;
      count = middle->piece.p < p ? count - half - 1 : half;
    }
    return first;
  }
  std::vector<Place> pieces_;
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
