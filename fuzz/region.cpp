#include "memory.hpp"
#include "operations.hpp"

#include <allot/region.hpp>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace {

using namespace model;

constexpr std::size_t none = SIZE_MAX;

/// Arenas by number; the lists hold numbers, the one to be used next last.
class RegionModel {
public:
  struct Arena : Span {
    bool large = false;
  };
  struct Position {
    std::size_t current, used, in_use, pieces;
    bool operator==(const Position&) const = default;
  };

  RegionModel() = default;
  explicit RegionModel(const allot::RegionOptions& given) : options(given) {
    options.arena_size = allot::round_up(options.arena_size);
    next_size = options.arena_size;
  }

  allot::RegionOptions options;
  std::vector<Arena> arenas;
  std::vector<std::size_t> in_use, spare, large_spare;
  std::size_t current = none;
  std::size_t next_size = 0;
  std::size_t peak = 0;
  Pieces pieces;

  [[nodiscard]] std::size_t capacity() const {
    return size_of(in_use) + size_of(spare) + size_of(large_spare);
  }
  [[nodiscard]] std::size_t count() const {
    return in_use.size() + spare.size() + large_spare.size();
  }
  [[nodiscard]] std::size_t used() const {
    return std::accumulate(in_use.begin(), in_use.end(), std::size_t{0},
                           [&](std::size_t sum, std::size_t i) { return sum + arenas[i].used; });
  }
  [[nodiscard]] Span current_arena() const {
    return current == none ? Span() : static_cast<const Span&>(arenas[current]);
  }
  [[nodiscard]] std::size_t available() const {
    return current_arena().size - current_arena().used;
  }

  [[nodiscard]] std::optional<Errc> refusal(std::size_t bytes, std::size_t alignment) const {
    if (!allot::is_power_of_two(alignment))
      return Errc::bad_alignment;
    if (bytes == 0 || current_arena().fits(bytes, alignment) ||
        find_spare(needed(bytes, alignment)) != none)
      return std::nullopt;
    const std::size_t least = needed(bytes, alignment);
    if (least > room_without_spares())
      return options.limit == allot::max_size ? Errc::system_refused : Errc::no_room;
    return new_size(least) > Upstream::most - 1024 ? std::optional(Errc::system_refused)
                                                   : std::nullopt;
  }

  void served(void* p, std::size_t bytes, std::size_t alignment, std::size_t used_now) {
    if (!current_arena().fits(bytes, alignment)) {
      const std::size_t least = needed(bytes, alignment);
      std::size_t arena = find_spare(least);
      if (arena != none) {
        std::erase(is_large(least) ? large_spare : spare, arena);
      } else {
        const std::size_t skip = used_now - used() - allot::round_up(bytes);
        arena = add_arena(least, static_cast<std::byte*>(p) - skip * red_zone_scale);
      }
      in_use.push_back(arena);
      if (is_large(least)) {
        check(arenas[arena].take(bytes, alignment) == p, "the start of an arena of its own");
        peak = std::max(peak, used());
        return;
      }
      current = arena;
    }
    check(arenas[current].take(bytes, alignment) == p, "the next address");
    peak = std::max(peak, used());
  }
  void add(void* p, std::size_t bytes) {
    around(p).hand_out(static_cast<std::byte*>(p), bytes, options.zero);
    pieces.all.push_back(new_piece(p, bytes));
  }
  void add_object(void* p, std::size_t bytes) {
    around(p).hand_out(static_cast<std::byte*>(p), bytes, false);
  }

  [[nodiscard]] bool resizes(const Piece& piece, std::size_t bytes) const {
    const Span arena = current_arena();
    if (!arena.is_newest(piece))
      return bytes != 0 && bytes <= piece.bytes;
    return bytes <= arena.size - arena.offset(piece.p);
  }
  void resized(Piece& piece, std::size_t bytes) {
    if (current_arena().is_newest(piece))
      arenas[current].used = arenas[current].offset(piece.p) + allot::round_up(bytes);
    peak = std::max(peak, used());
    around(piece.p).hand_out(piece.p, bytes, options.zero);
    piece.bytes = bytes;
  }

  [[nodiscard]] Position position() const {
    return {current, current_arena().used, in_use.size(), pieces.all.size()};
  }
  void rewind(const Position& to) {
    take_back(to.in_use);
    current = to.current;
    if (current != none)
      arenas[current].used = to.used;
    pieces.all.resize(to.pieces);
    const Span arena = current_arena();
    for (Piece& piece : pieces.all) // one that grew since has its old size again
      if (arena.contains(piece.p))
        piece.bytes =
            std::min(piece.bytes, arena.used - std::min(arena.used, arena.offset(piece.p)));
  }
  void lower(Position& position) const {
    if (position.current == current)
      position.used = std::min(position.used, current_arena().used);
  }
  void reset() {
    std::erase_if(large_spare, [&](std::size_t i) { return arenas[i].fresh == arenas[i].base; });
    rewind({none, 0, 0, 0});
    for (Arena& arena : arenas)
      arena.fresh = arena.base;
  }
  void release() { *this = RegionModel(options); }
  void trim(std::size_t keep) {
    for (auto* list : {&large_spare, &spare})
      for (std::size_t i = list->size(); i-- != 0;)
        if (capacity() - arenas[(*list)[i]].size >= keep)
          list->erase(list->begin() + static_cast<std::ptrdiff_t>(i));
    if (count() == 0)
      next_size = options.arena_size;
  }

private:
  [[nodiscard]] static std::size_t needed(std::size_t bytes, std::size_t alignment) {
    return allot::saturating_add(allot::saturating_round_up(bytes, allot::granule),
                                 std::max<std::size_t>(alignment, 64) - 64);
  }
  [[nodiscard]] bool is_large(std::size_t least) const { return least > options.arena_size; }
  [[nodiscard]] std::size_t size_of(const std::vector<std::size_t>& list) const {
    return std::accumulate(list.begin(), list.end(), std::size_t{0},
                           [&](std::size_t sum, std::size_t i) { return sum + arenas[i].size; });
  }
  [[nodiscard]] std::size_t room_without_spares() const { return options.limit - size_of(in_use); }
  // Only a few are tried.
  [[nodiscard]] std::size_t find_spare(std::size_t least) const {
    const std::vector<std::size_t>& list = is_large(least) ? large_spare : spare;
    for (std::size_t i = list.size(); i-- != 0 && list.size() - i <= 8;)
      if (arenas[list[i]].size >= least)
        return list[i];
    return none;
  }
  // Near the limit arenas are smaller.
  [[nodiscard]] std::size_t new_size(std::size_t least) const {
    const std::size_t left = options.limit - capacity();
    if (is_large(least) || next_size <= left)
      return is_large(least) ? least : next_size;
    const std::size_t room = least > left ? room_without_spares() : left;
    return std::max(least, std::min(options.arena_size, room / 8 * 8));
  }
  [[nodiscard]] std::size_t add_arena(std::size_t least, std::byte* base) {
    const std::size_t size = new_size(least);
    if (size > options.limit - capacity()) {
      spare.clear();
      large_spare.clear();
    }
    if (!is_large(least) && next_size < options.max_arena_size)
      next_size = std::min(2 * next_size, allot::round_up(options.max_arena_size));
    check(is_aligned(base, 64), "arenas are aligned");
    for (const auto* list : {&in_use, &spare, &large_spare})
      for (const std::size_t i : *list)
        check(arenas[i].at(arenas[i].size) <= base ||
                  base + size * red_zone_scale <= arenas[i].base,
              "arenas do not overlap");
    arenas.push_back({{base, size, red_zone_scale}, is_large(least)});
    return arenas.size() - 1;
  }
  void take_back(std::size_t keep) {
    for (; in_use.size() != keep; in_use.pop_back()) {
      Arena& arena = arenas[in_use.back()];
      arena.used = 0;
      (arena.large ? large_spare : spare).push_back(in_use.back());
    }
  }
  [[nodiscard]] Span& around(const void* p) {
    const auto arena = std::find_if(in_use.rbegin(), in_use.rend(), [&](std::size_t i) {
      return arenas[i].contains(static_cast<const std::byte*>(p));
    });
    check(arena != in_use.rend(), "in one of the arenas");
    return arenas[*arena];
  }
};

class RegionDriver {
public:
  explicit RegionDriver(Input& input) : in_(input) {
    Ends::hook() = [this] {
      check(region_.try_allocate(8) == nullptr, "closed while destructors run");
    };
  }

  void run() {
    some();
    if (!in_.empty())
      run();
    release();
  }

private:
  allot::Region make() {
    allot::RegionOptions options;
    options.zero = !in_.one_in(4);
    options.arena_size = 1 + in_.below(in_.one_in(4) ? 8192 : 512);
    options.max_arena_size =
        in_.one_in(2) ? options.arena_size : options.arena_size * in_.below(20);
    const bool limited = in_.one_in(2);
    options.limit = limited ? in_.below(in_.one_in(2) ? 4096 : 65536) : allot::max_size;
    options.upstream = !limited || in_.one_in(2) ? &upstream_ : nullptr;
    operation("region", options.arena_size, options.max_arena_size, options.limit);
    model_ = Model(options);
    return allot::Region(options);
  }

  /// Until the end of a scope.
  void some() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        in_.one_in(4) ? release() : reset();
        break;
      case 1:
        move();
        break;
      case 2:
        trim();
        break;
      case 3:
        ops_.check_all();
        break;
      case 4:
      case 5:
        return;
      case 6:
      case 7:
        if (model_.scopes < 20)
          ops_.scope([this] { some(); });
        break;
      case 8:
      case 9:
      case 10:
        ops_.checkpoint();
        break;
      case 11:
      case 12:
        ops_.restore();
        break;
      default:
        in_.one_in(4) ? ops_.any_object() : ops_.any();
      }
    }
  }

  void reset() {
    operation("reset", model_.scopes);
    ops_.check_all();
    if (model_.scopes != 0) {
      check(refusal([&] { region_.reset(); }) == Errc::busy, "not reset under a scope");
      return;
    }
    region_.reset();
    ops_.ends.expect_back_to(0);
    model_.checkpoints.clear();
    model_.reset();
  }
  void release() {
    operation("release", model_.scopes);
    ops_.check_all();
    region_.release();
    if (model_.scopes != 0) {
      check(Reports::take() == Errc::busy, "not released under a scope");
      return;
    }
    ops_.ends.expect_back_to(0);
    check(upstream_.blocks() == 0, "all is given back upstream");
    model_.checkpoints.clear();
    model_.release();
    check_state();
    if (!in_.one_in(4))
      region_ = make();
  }
  void move() {
    if (model_.scopes != 0)
      return;
    operation("move");
    allot::Region other(std::move(region_));
    check_released(region_, in_.size());
    check(refusal([&] { region_.checkpoint(); }) == Errc::released, "moved from");
    check(refusal([&] { region_.trim(); }) == Errc::released, "moved from");
    region_ = std::move(other);
    check_released(other, in_.size());
  }
  void trim() {
    const std::size_t keep = in_.size();
    operation("trim", keep);
    region_.trim(keep);
    model_.trim(keep);
  }
  void check_state() {
    ops_.check_state();
    const allot::Region::Stats stats = region_.stats();
    const Span current = model_.current_arena();
    check(stats.arenas == model_.count(), "arenas");
    check(stats.total_allocated == model_.used(), "total_allocated");
    check(stats.current_arena_used == current.used, "current_arena_used");
    check(stats.current_arena_size == current.size, "current_arena_size");
    check(model_.options.upstream == nullptr || upstream_.blocks() == model_.count(),
          "an arena is one block from upstream");
  }

  using Model = Rewound<RegionModel>;
  Input& in_;
  Reports reports_;
  Upstream upstream_;
  Model model_;
  allot::Region region_ = make();
  RewindOperations<ObjectOperations<allot::Region, Model>> ops_{region_, model_, in_};
};

const Driver driver("region", [](Input& input) { RegionDriver(input).run(); });

} // namespace
