// The hooks that are not told how long a block is, over each strategy that has them.
#include "memory.hpp"

#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <type_traits>

namespace {

using namespace model;
using allot::Errc;
namespace hooks = allot::hooks;

constexpr std::size_t most_alignment = std::size_t{512} * 1024;

// As QuickJS has it, and as FreeType.
struct Counted {
  std::size_t malloc_count, malloc_size, malloc_limit;
  void* opaque;
};
struct Plain {
  void* user;
};

template <class S>
class HooksDriver {
public:
  explicit HooksDriver(Input& input) : in_(input) {
    hooks::fill(strategy_, last_.allocate, last_.reallocate, last_.deallocate, last_.context);
  }

  void run() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        reset();
        break;
      case 1:
      case 2:
        refuse();
        break;
      case 3:
        places_.check_contents();
        break;
      default:
        switch (places_.empty() ? 0 : in_.below(5)) {
        case 0:
        case 1:
          allocate();
          break;
        case 2:
          deallocate();
          break;
        default:
          reallocate();
        }
      }
    }
    while (!places_.empty())
      deallocate();
  }

private:
  using InCounted = hooks::Through<&Counted::opaque, S>;
  using InPlain = hooks::Through<&Plain::user, S>;

  static S make(Input& in, Memory& memory) {
    const std::size_t bytes = std::size_t{4096} << in.below(9);
    operation("make", bytes);
    if constexpr (std::is_same_v<S, allot::Multipool>)
      return S({.limit = bytes * 4});
    else if constexpr (std::is_same_v<S, allot::Region>)
      return S({.arena_size = 4096, .limit = bytes});
    else if constexpr (std::is_same_v<S, allot::MappedArena>)
      return S(bytes);
    else
      return S(memory.draw(in, bytes, false));
  }

  void allocate() {
    const std::size_t bytes = in_.size();
    const std::size_t alignment = counts_ || in_.one_in(2) ? 16 : in_.alignment();
    const std::size_t way = in_.below(4);
    operation("allocate", bytes, alignment, way);
    void* p = nullptr;
    std::size_t has = bytes;
    if (counts_) {
      const std::size_t before = counted_.malloc_size;
      p = InCounted::allocate(&counted_, bytes);
      check(p == nullptr || before + bytes <= counted_.malloc_limit, "the limit is kept");
    } else if (alignment != 16) {
      p = hooks::allocate_aligned<S>(&strategy_, bytes, alignment);
    } else if (way == 0) {
      p = last_.allocate(bytes, last_.context);
    } else if (way == 1) {
      p = InPlain::allocate(&plain_, bytes);
    } else if (way == 2) {
      const std::size_t count = 1 + in_.below(4);
      has = bytes / count * count;
      p = hooks::allocate_array<S>(&strategy_, count, bytes / count);
      check(p == nullptr || holds(bytes_of(p), has, 0), "an array is zero");
    } else {
      p = hooks::allocate<S>(&strategy_, bytes);
    }
    if (p == nullptr)
      return;
    const bool served = allot::is_power_of_two(alignment) && alignment <= most_alignment;
    check(served, "other alignments are refused");
    add(p, has, alignment);
  }

  void reallocate() {
    const std::size_t i = places_.pick(in_);
    const Place old = places_[i];
    const std::size_t bytes = in_.size();
    const std::size_t alignment = counts_ || in_.one_in(2) ? 16 : in_.alignment();
    const std::size_t way = in_.below(4);
    operation("reallocate", i, bytes, alignment);
    check(old.piece.intact(), "contents kept");
    std::byte* const at = old.piece.p;
    const std::size_t told = in_.byte(); // where a wrong old size may be told
    void* p = nullptr;
    std::size_t aligned = 16;
    bool frees = true; // at 0 bytes
    if (counts_) {
      const std::size_t others = counted_.malloc_size - old.room;
      p = InCounted::reallocate(&counted_, at, bytes);
      check(p == nullptr || bytes <= old.room || others + bytes <= counted_.malloc_limit,
            "the limit is kept");
    } else if (alignment != 16) {
      p = hooks::reallocate_aligned<S>(&strategy_, at, bytes, alignment);
      aligned = alignment;
    } else if (way == 0) {
      p = last_.reallocate(at, bytes, last_.context);
      frees = false;
    } else if (way == 1) {
      p = InPlain::reallocate(&plain_, told, bytes, at);
    } else {
      p = hooks::reallocate<S>(&strategy_, at, told, bytes);
      frees = false;
    }
    if (p == nullptr) {
      if (frees && bytes == 0)
        places_.erase(i);
      else
        check(old.piece.intact(), "what is refused changes nothing");
      return;
    }
    places_.erase(i);
    check(holds(bytes_of(p), std::min(bytes, old.piece.bytes), old.piece.value),
          "contents are moved");
    add(p, bytes, aligned);
  }

  void deallocate() {
    const std::size_t i = places_.pick(in_);
    operation("deallocate", i);
    void* const p = places_.remove(i).piece.p;
    free(p);
  }
  void free(void* p) {
    if (counts_)
      InCounted::deallocate(&counted_, p);
    else if (in_.one_in(2))
      last_.deallocate(p, last_.context);
    else
      InPlain::deallocate(&plain_, p);
  }

  void refuse() {
    operation("misuse");
    alignas(16) std::byte other[64] = {};
    const std::size_t used = strategy_.used();
    const auto refuses = [&](void* p, std::optional<Errc> code) {
      free(p);
      const std::optional<Errc> told = Reports::take();
      check(told && (!code || told == code), "misuse is reported, with its name");
      check(hooks::reallocate<S>(&strategy_, p, in_.below(100) + 1) == nullptr, "and refused");
      Reports::take();
      check(strategy_.used() == used, "and changes nothing");
    };
    refuses(other + 32, Errc::foreign_pointer);
    if (places_.empty())
      return;
    const Piece piece = places_[places_.pick(in_)].piece;
    if (piece.bytes < 64)
      return;
    refuses(piece.p + 1, Errc::misaligned_pointer);
    refuses(piece.p + 32, std::nullopt);
    check(piece.intact(), "contents kept");
  }

  void reset() {
    operation("reset");
    places_.check_contents();
    places_.clear();
    strategy_.reset();
    counted_.malloc_count = counted_.malloc_size = 0;
    check(strategy_.used() == 0, "nothing is used");
  }

  void add(void* p, std::size_t bytes, std::size_t alignment) {
    check(is_aligned(p, 16) && is_aligned(p, alignment), "aligned");
    const auto room = hooks::usable_size<S, std::size_t>(&strategy_, p);
    check(room == 0 || strategy_.owns(p), "the strategy's");
    check(room >= bytes, "the usable size is as much as was asked");
    places_.add({new_piece(p, bytes), std::max<std::size_t>(room, 1), alignment});
  }

  void check_state() {
    check(!Reports::take(), "no misuse is reported that was none");
    if (!counts_)
      return;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i != places_.size(); ++i)
      bytes += hooks::usable_size<S, std::size_t>(&strategy_, places_[i].piece.p);
    check(counted_.malloc_count == places_.size(), "blocks are counted");
    check(counted_.malloc_size == bytes, "and their bytes");
  }

  struct Last { // miniaudio's
    void* (*allocate)(std::size_t, void*);
    void* (*reallocate)(void*, std::size_t, void*);
    void (*deallocate)(void*, void*);
    void* context;
  };

  Input& in_;
  Reports reports_;
  Memory memory_;
  S strategy_ = make(in_, memory_);
  bool counts_ = in_.one_in(3);
  Counted counted_{0, 0, in_.one_in(2) ? SIZE_MAX : in_.below(65536), &strategy_};
  Plain plain_{&strategy_};
  Last last_{};
  Places places_;
};

const Driver driver("hooks", [](Input& input) {
  switch (input.below(6)) {
  case 0:
    return HooksDriver<allot::Arena>(input).run();
  case 1:
    return HooksDriver<allot::Bump>(input).run();
  case 2:
    return HooksDriver<allot::MappedArena>(input).run();
  case 3:
    return HooksDriver<allot::Multipool>(input).run();
  case 4:
    return HooksDriver<allot::Region>(input).run();
  default:
    return HooksDriver<allot::Scratch>(input).run();
  }
});

} // namespace
