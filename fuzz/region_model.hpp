// What a Region must do, whatever its upstream: which arenas there are, and what upstream was asked
// for.
#pragma once

#include "memory.hpp"
#include "span.hpp"

#include <allot/region.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <new>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace model {

/// What lies at the front of each block of upstream's that is an arena.
inline std::size_t header_bytes() {
  static const std::size_t bytes = [] {
    Upstream upstream;
    allot::Region region({.arena_size = 64, .upstream = &upstream});
    (void)region.allocate(8);
    return upstream.all().front().bytes / red_zone_scale - region.capacity();
  }();
  return bytes;
}
inline constexpr std::size_t start_alignment = 64;

/// Lends no more than so many bytes to arenas at a time, and remembers what was asked for them.
class BoundedUpstream : public Upstream {
public:
  struct Ask {
    std::size_t size; // usable bytes of an arena
    bool given;
  };

  [[nodiscard]] static bool is_for_arena(std::size_t alignment) {
    return alignment >= start_alignment;
  }
  void bound(std::size_t bytes) { bound_ = bytes; }
  [[nodiscard]] bool gives(std::size_t size) const {
    return size <= most - header_bytes() && lent() + size + header_bytes() <= bound_;
  }
  /// Since they were taken last.
  [[nodiscard]] const std::vector<Ask>& asks() const { return asks_; }
  [[nodiscard]] std::vector<Ask> take_asks() { return std::exchange(asks_, {}); }

private:
  [[nodiscard]] std::size_t lent() const {
    std::size_t sum = 0;
    for (const Block& block : all())
      sum += is_for_arena(block.alignment) ? block.bytes / red_zone_scale : 0;
    return sum;
  }
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (!is_for_arena(alignment))
      return Upstream::do_allocate(bytes, alignment);
    const std::size_t size = bytes / red_zone_scale - header_bytes();
    asks_.push_back({size, gives(size)});
    if (!asks_.back().given)
      throw std::bad_alloc();
    return Upstream::do_allocate(bytes, alignment);
  }

  std::size_t bound_ = allot::max_size;
  std::vector<Ask> asks_;
};

/// Knows the arenas in use, and of the spares only what may not be zero in them: which of them is
/// taken, and which are freed, is the region's own choice. What it took from upstream is looked up
/// there.
class RegionModel {
public:
  struct Arena : Span {
    std::size_t number = 0; // of the block from upstream
    std::size_t large = 0;  // the how manieth that was made for one request
    std::size_t missed = 0; // bytes at its end that were left because of an alignment
  };
  struct Position {
    std::size_t depth, used, large, pieces;
    bool operator==(const Position&) const = default;
  };

  RegionModel() = default;
  /// Null for `upstream`: the heap, of which is known only what the region tells. Then its arenas
  /// do not grow, and the driver leaves it no spares that were made for one request.
  RegionModel(const allot::RegionOptions& given, const allot::Region& told, BoundedUpstream* from,
              const Span& first_buffer, bool room_in_first = false)
      : options(given), region_(&told), upstream_(from), first_(first_buffer),
        room_in_first_(room_in_first) {
    options.arena_size = allot::round_up(options.arena_size);
    options.max_arena_size = allot::round_up(options.max_arena_size);
    options.limit = std::max(options.limit, first_.size);
    has_room_ = options.marks > allot::few_records && !room_in_first_;
    release();
  }

  allot::RegionOptions options;
  std::size_t peak = 0;
  Pieces pieces;

  [[nodiscard]] std::size_t capacity() const {
    return upstream_ == nullptr ? region_->capacity() : first_.size + upstream_bytes();
  }
  [[nodiscard]] std::size_t used() const {
    const auto add = [](std::size_t sum, const Arena& arena) { return sum + arena.used; };
    return std::accumulate(large_.begin(), large_.end(),
                           std::accumulate(arenas_.begin(), arenas_.end(), std::size_t{0}, add),
                           add);
  }
  [[nodiscard]] const Span& current() const {
    static const Span none;
    return arenas_.empty() ? none : arenas_.back();
  }
  [[nodiscard]] std::size_t available() const { return current().available(); }
  /// What arenas in use and the first buffer hold.
  [[nodiscard]] std::size_t in_use() const {
    std::size_t sum = first_.size;
    for (const auto* list : {&arenas_, &large_})
      for (const Arena& arena : *list)
        sum += arena.base == first_.base ? 0 : arena.size;
    return sum;
  }
  [[nodiscard]] std::size_t arenas_in_use() const { return arenas_.size() + large_.size(); }
  [[nodiscard]] bool first_is_spare() const {
    return first_.size != 0 && std::none_of(arenas_.begin(), arenas_.end(),
                                            [&](const Arena& a) { return a.base == first_.base; });
  }
  [[nodiscard]] bool has_large_spares() const { return has_large_spares_; }

  // ---------------------------------------------------------------------------------- allocation

  /// It is about to be asked for.
  [[nodiscard]] std::optional<Errc> refusal(std::size_t bytes, std::size_t alignment) {
    follow_asks();
    if (!allot::is_power_of_two(alignment))
      return Errc::bad_alignment;
    if (bytes == 0 || current().fits(bytes, alignment))
      return std::nullopt;
    const std::size_t least = needed(bytes, alignment);
    if (only_first_can_serve(least))
      return std::nullopt;
    if (least > options.limit - in_use())
      return options.limit == allot::max_size ? Errc::system_refused : Errc::no_room;
    return upstream_gives(least) || spare_has_room(least) ? std::optional<Errc>()
                                                          : Errc::system_refused;
  }
  /// Not where it depends on whether one of many spares is looked at, or on their order.
  [[nodiscard]] bool knows(std::size_t bytes, std::size_t alignment) const {
    if (bytes == 0 || !allot::is_power_of_two(alignment) || current().fits(bytes, alignment))
      return true;
    const std::size_t least = needed(bytes, alignment);
    const std::size_t spares = region_->stats().arenas - arenas_in_use();
    if (only_first_can_serve(least))
      return spares <= 8;
    if (least > options.limit - in_use() || upstream_gives(least))
      return true;
    return spares <= 8 && !(arenas_.empty() && first_is_spare() && least <= first_.size);
  }
  void served(void* p, std::size_t bytes, std::size_t alignment) {
    auto* const at = static_cast<std::byte*>(p);
    if (!current().fits(bytes, alignment))
      start_arena(at, bytes, alignment);
    else
      check(arenas_.back().take(bytes, alignment) == at, "the next address");
    peak = std::max(peak, used());
  }
  void add(void* p, std::size_t bytes) {
    around(p).hand_out(bytes_of(p), bytes, options.zero);
    pieces.all.push_back(new_piece(p, bytes));
  }
  void add_object(void* p, std::size_t bytes) { around(p).hand_out(bytes_of(p), bytes, false); }

  [[nodiscard]] bool resizes(const Piece& piece, std::size_t bytes) {
    if (const Arena* const own = find_large(piece.p))
      return own->can_hold(piece.p, bytes);
    if (!current().is_newest(piece))
      return bytes != 0 && bytes <= piece.bytes;
    return current().can_hold(piece.p, bytes);
  }
  void resized(Piece& piece, std::size_t bytes) {
    Arena& arena = around(piece.p);
    if (arena.large != 0 || &arena == &arenas_.back())
      if (arena.is_newest(piece))
        arena.resize_newest(piece, bytes);
    peak = std::max(peak, used());
    arena.hand_out(piece.p, bytes, options.zero);
    piece.bytes = bytes;
    if (bytes != 0)
      return;
    if (arena.large != 0)
      erase_large(arena);
    else if (arena.used == 0 && arenas_.size() != 1)
      leave(arenas_);
  }
  /// Whether it moves as one that is alone, to a larger arena.
  [[nodiscard]] bool regrows(const Piece& piece, std::size_t bytes, std::size_t alignment) {
    follow_asks();
    return bytes > piece.bytes && find_large(piece.p) != nullptr &&
           allot::is_power_of_two(alignment) && regrown_size(needed(bytes, alignment)) != 0;
  }
  void regrown(Piece& piece, void* p, std::size_t bytes, std::size_t alignment) {
    Arena& before = *find_large(piece.p);
    const std::size_t least = needed(bytes, alignment);
    const std::size_t size = upstream_ != nullptr ? follow_asks(true) : regrown_size(least);
    Arena arena = arena_around(bytes_of(p), bytes, used() - before.used, size);
    check(arena.size == size && (size == least || size == with_room(least)), "room to grow on");
    check(arena.take(bytes, alignment) == p, "at the start of an arena of its own");
    check_freed(before);
    arena.large = before.large; // as old as that
    arena.hand_out(bytes_of(p) + piece.bytes, bytes - piece.bytes, options.zero);
    note_taken(size);
    note_in_use(in_use() + size);
    note_new(arena.number, size);
    before = arena;
    piece.p = bytes_of(p);
    piece.bytes = bytes;
    peak = std::max(peak, used());
  }
  /// Any piece that has an arena of its own; null if there is none.
  [[nodiscard]] Piece* pick_large(Input& input) {
    std::vector<Piece*> found;
    for (Piece& piece : pieces.all)
      if (piece.bytes != 0 && find_large(piece.p) != nullptr)
        found.push_back(&piece);
    return found.empty() ? nullptr : found[input.below(65536) % found.size()];
  }

  // --------------------------------------------------------------------------------- going back

  [[nodiscard]] Position position() const {
    return {arenas_.size(), current().used, large_made_, pieces.all.size()};
  }
  void rewind(const Position& to) {
    while (!large_.empty() && large_.back().large > to.large) {
      leave(large_);
      has_large_spares_ = true;
    }
    large_made_ = to.large;
    while (arenas_.size() > to.depth)
      leave(arenas_);
    if (!arenas_.empty())
      arenas_.back().back_to(to.used);
    pieces.all.resize(to.pieces);
    for (Piece& piece : pieces.all)
      if (current().contains(piece.p))
        current().cut(piece);
  }
  void lower(Position& position) const {
    if (position.depth > arenas_.size()) {
      position.depth = arenas_.size();
      position.used = current().used;
    } else if (position.depth == arenas_.size()) {
      position.used = std::min(position.used, current().used);
    }
  }
  [[nodiscard]] bool has_room_for(std::size_t checkpoints) {
    const std::size_t aside = room_in_first_ ? options.marks : 0;
    has_room_ |= checkpoints > std::max(aside, allot::few_records);
    return true;
  }
  void set_checkpoints(std::size_t) {}
  void reset_peak() { peak = used(); }

  void reset(std::size_t capacity_before) {
    rewind({0, 0, 0, 0});
    spares_.clear();
    const std::size_t most = *std::max_element(rounds_.begin(), rounds_.end());
    const std::size_t kept = std::max({most, options.retain, first_.size});
    check(region_->capacity() <= kept, "no more is kept than was in use in the last rounds");
    check(capacity_before > kept || region_->capacity() == capacity_before,
          "what is needed is kept");
    std::rotate(rounds_.begin(), rounds_.end() - 1, rounds_.end());
    rounds_.front() = 0;
  }
  void release() {
    arenas_.clear();
    large_.clear();
    spares_.clear();
    pieces.all.clear();
    rounds_ = {};
    peak = most_ = largest_ = large_made_ = 0;
    start_sizes();
    has_room_ &= options.marks > allot::few_records;
    has_large_spares_ = false;
  }
  void trim(std::size_t keep, std::size_t capacity_before) {
    check(region_->capacity() >= std::min(keep, capacity_before), "so much is kept");
    has_large_spares_ &= keep != 0;
    check_no_spare_beyond(keep);
    if (keep == 0)
      check(region_->capacity() == in_use(), "no spares are left");
    if (region_->stats().arenas == 0)
      start_sizes();
  }

  // -------------------------------------------------------------------------------------- state

  void check_state() {
    const allot::RegionStats stats = region_->stats();
    check(stats.total_allocated == used(), "total_allocated");
    check(stats.current_arena_used == current().used, "current_arena_used");
    check(stats.current_arena_size == current().size, "current_arena_size");
    check(stats.arenas >= arenas_in_use() + (first_is_spare() ? 1 : 0), "arenas");
    if (upstream_ != nullptr)
      check(stats.arenas == blocks(true) + (first_.size != 0 ? 1 : 0), "an arena is one block");
    if (upstream_ != nullptr)
      check(blocks(false) == (has_room_ ? 1 : 0), "all room for checkpoints is one block");
    note_in_use(in_use());
    check_bounds();
  }

private:
  [[nodiscard]] static std::size_t needed(std::size_t bytes, std::size_t alignment) {
    return allot::saturating_add(allot::saturating_round_up(bytes, allot::granule),
                                 std::max(alignment, start_alignment) - start_alignment);
  }
  [[nodiscard]] bool upstream_gives(std::size_t bytes) const {
    return upstream_ != nullptr ? upstream_->gives(bytes)
                                : bytes <= Upstream::most - header_bytes();
  }
  // As the header says, of arenas of `size`.
  [[nodiscard]] bool wants_its_own(std::size_t least, std::size_t size) const {
    if (least > size)
      return true;
    return !arenas_.empty() && least > size / 4 && available() > current().size / 4;
  }
  // What upstream was asked for since it was looked at: nothing, all of it in vain, or what made an
  // arena, whose size this gives. `anew`: what was given was the first that another was asked for.
  std::size_t follow_asks(bool anew = false) {
    if (upstream_ == nullptr)
      return 0;
    std::size_t given = 0;
    const auto asks = upstream_->take_asks();
    for (const auto& ask : asks) {
      check(given == 0, "no more is asked for than one arena");
      const std::size_t before = std::exchange(offered_, std::min(offered_, ask.size / 2 / 8 * 8));
      if (!ask.given)
        continue;
      given = ask.size;
      offered_ = asks.size() == 1 || anew ? std::max(before, 2 * given) : before;
    }
    return given;
  }
  [[nodiscard]] bool only_first_can_serve(std::size_t least) const {
    return least > options.limit - in_use() && least <= first_.size && first_is_spare() &&
           (arenas_.empty() || !wants_its_own(least, next_size_));
  }
  [[nodiscard]] static std::size_t with_room(std::size_t least) {
    return allot::saturating_add(least, least / 8 / 8 * 8);
  }
  // Of either kind: upstream's refusal is none then.
  [[nodiscard]] bool spare_has_room(std::size_t least) const {
    if (first_is_spare() && least <= first_.size && !wants_its_own(least, next_size_))
      return true;
    return upstream_ != nullptr &&
           std::any_of(upstream_->all().begin(), upstream_->all().end(), [&](const auto& block) {
             return is_arena(block) && is_spare(block) && arena_in(block).size >= least;
           });
  }
  // 0: it cannot move as one that is alone.
  [[nodiscard]] std::size_t regrown_size(std::size_t least) const {
    const std::size_t left = options.limit - in_use();
    for (const std::size_t size : {with_room(least), least})
      if (size <= left && upstream_gives(size))
        return size;
    return 0;
  }

  // The arena that has served a request which did not fit into the current one.
  void start_arena(std::byte* p, std::size_t bytes, std::size_t alignment) {
    const std::size_t least = needed(bytes, alignment);
    const bool in_first = arenas_.empty() && first_.contains(p); // which may be larger than others
    const allot::RegionStats stats = region_->stats();
    const bool is_new = upstream_ != nullptr && upstream_->find(p) != nullptr &&
                        upstream_->find(p)->number > newest_;
    const std::size_t size = is_new ? std::min(next_size_, offered_) : next_size_;
    const bool own = wants_its_own(least, size) && !in_first;
    const bool stays =
        stats.current_arena_used == current().used && stats.current_arena_size == current().size;
    check(!own || stays, "an arena for one request does not become the current one");
    Arena arena = arena_around(p, bytes, used(), own ? least : stats.current_arena_size);
    check(own || arena.size == stats.current_arena_size, "current_arena_size");
    check(arena.size >= least, "room at any alignment");
    check(arena.take(bytes, alignment) == p, "at the start of an arena");
    arena.large = own ? ++large_made_ : 0;
    if (!own && !arenas_.empty())
      arenas_.back().missed = std::min(available(), current().skip(alignment));
    note_taken(least);
    if (is_new)
      note_new(arena, least);
    if (!own && arena.base != first_.base)
      largest_ = std::max(largest_, arena.size);
    (own ? large_ : arenas_).push_back(arena);
    note_in_use(in_use());
  }
  // Around `p`, which was served first in it, with `elsewhere` bytes used in others. The size is of
  // no matter if it can be looked up.
  [[nodiscard]] Arena arena_around(std::byte* p, std::size_t bytes, std::size_t elsewhere,
                                   std::size_t size) {
    Arena arena{first_};
    if (!first_.contains(p)) {
      const std::size_t skip = region_->used() - elsewhere - allot::round_up(bytes);
      arena = Arena{Span{p - skip * red_zone_scale, size, red_zone_scale}};
      if (upstream_ != nullptr) {
        const Upstream::Block* const block = upstream_->find(p);
        check(block != nullptr, "in a block of upstream's");
        arena = arena_in(*block);
      }
    }
    check(is_aligned(arena.base, start_alignment), "arenas are aligned");
    for (const auto* list : {&arenas_, &large_})
      check(std::none_of(list->begin(), list->end(),
                         [&](const Arena& other) { return other.overlaps(arena); }),
            "arenas in use do not overlap");
    if (const auto spare = spares_.find(arena.base);
        spare != spares_.end() && spare->second.number == arena.number)
      arena.fresh = spare->second.fresh;
    return arena;
  }
  [[nodiscard]] static Arena arena_in(const Upstream::Block& block) {
    Arena arena{Span{block.p + header_bytes() * red_zone_scale,
                     block.bytes / red_zone_scale - header_bytes(), red_zone_scale}};
    arena.number = block.number;
    return arena;
  }
  // Of the heap's arenas that is not known, nor is it of any matter.
  void note_new(const Arena& arena, std::size_t least) {
    check_asks(arena.large != 0 ? least : std::max(least, std::min(next_size_, offered_)), least);
    check(follow_asks() == arena.size, "an arena is what upstream gave");
    note_new(arena.number, least);
  }
  // Each time half as much, from `first` on, or from less near the limit.
  void check_asks(std::size_t first, std::size_t least) const {
    std::size_t next = first;
    for (const auto& ask : upstream_->asks()) {
      if (options.limit == allot::max_size || next != first)
        check(ask.size == next, "the next size");
      check(ask.size <= next, "no more than the next size");
      next = std::max(least, ask.size / 2 / 8 * 8);
    }
  }
  void note_new(std::size_t number, std::size_t least) {
    newest_ = number;
    if (next_size_ < options.max_arena_size && least <= options.max_arena_size)
      next_size_ = std::min(2 * next_size_, options.max_arena_size);
  }

  void start_sizes() {
    (void)follow_asks();
    next_size_ = options.arena_size;
    offered_ = allot::max_size;
  }
  void erase_large(const Arena& arena) {
    check_freed(arena);
    large_.erase(large_.begin() + (&arena - large_.data()));
  }
  void leave(std::vector<Arena>& list) {
    spares_.insert_or_assign(list.back().base, list.back());
    list.pop_back();
  }
  void check_freed(const Arena& arena) const {
    if (upstream_ == nullptr)
      return;
    const Upstream::Block* const block = upstream_->find(arena.base);
    check(block == nullptr || block->number != arena.number, "freed at once");
  }
  [[nodiscard]] Arena* find_large(const std::byte* p) {
    const auto arena =
        std::find_if(large_.begin(), large_.end(), [&](const Arena& a) { return a.contains(p); });
    return arena == large_.end() ? nullptr : &*arena;
  }
  [[nodiscard]] Arena& around(const void* p) {
    if (Arena* const own = find_large(bytes_of(p)))
      return *own;
    const auto arena = std::find_if(arenas_.rbegin(), arenas_.rend(),
                                    [&](const Arena& a) { return a.contains(bytes_of(p)); });
    check(arena != arenas_.rend(), "in one of the arenas");
    return *arena;
  }

  [[nodiscard]] static bool is_arena(const Upstream::Block& block) {
    return BoundedUpstream::is_for_arena(block.alignment);
  }
  [[nodiscard]] bool is_spare(const Upstream::Block& block) const {
    const auto is_it = [&](const Arena& arena) { return arena.number == block.number; };
    return std::none_of(arenas_.begin(), arenas_.end(), is_it) &&
           std::none_of(large_.begin(), large_.end(), is_it);
  }
  [[nodiscard]] std::size_t blocks(bool of_arenas) const {
    return static_cast<std::size_t>(
        std::count_if(upstream_->all().begin(), upstream_->all().end(),
                      [&](const auto& block) { return is_arena(block) == of_arenas; }));
  }
  [[nodiscard]] std::size_t upstream_bytes() const {
    std::size_t sum = 0;
    for (const Upstream::Block& block : upstream_->all())
      sum += is_arena(block) ? arena_in(block).size : 0;
    return sum;
  }
  void check_no_spare_beyond(std::size_t keep) const {
    if (upstream_ == nullptr)
      return;
    for (const Upstream::Block& block : upstream_->all())
      if (is_arena(block) && is_spare(block))
        check(region_->capacity() - arena_in(block).size < keep, "no spare is kept beyond");
  }

  // What is used, and `more`. An arena for one request counts whole: its rest, be it that the
  // request was made smaller or that its alignment took less than it might have, is nobody else's.
  // So do bytes that were too few for an alignment to skip.
  void note_taken(std::size_t more) {
    std::size_t taken = used() + more;
    for (const Arena& arena : large_)
      taken += arena.available();
    for (const Arena& arena : arenas_)
      taken += arena.missed;
    most_ = std::max(most_, taken);
  }
  void note_in_use(std::size_t bytes) { rounds_.front() = std::max(rounds_.front(), bytes); }
  void check_bounds() {
    note_taken(0);
    const std::size_t held = region_->capacity();
    const std::size_t arena = std::max(options.arena_size, largest_);
    check(held >= in_use(), "all arenas in use are counted");
    check(held <= options.limit, "no more than the limit");
    check(held <= std::max(2 * most_ + arena + first_.size, options.retain),
          "no more than twice what was used, and an arena");
  }

  const allot::Region* region_ = nullptr;
  BoundedUpstream* upstream_ = nullptr;
  Span first_;
  std::vector<Arena> arenas_;                // in use, the current one last
  std::vector<Arena> large_;                 // made for one request each, by age
  std::map<const std::byte*, Arena> spares_; // that there were; some are gone
  std::size_t large_made_ = 0;
  std::size_t newest_ = 0; // the number of the block that was made last
  std::size_t next_size_ = 0;
  std::size_t offered_ = 0;                // no larger arena is asked for
  std::size_t most_ = 0;                   // taken since construction or release
  std::size_t largest_ = 0;                // arena that was the current one since then
  std::array<std::size_t, 8> rounds_ = {}; // the most in use at once, this round first
  bool room_in_first_ = false;             // for checkpoints
  bool has_room_ = false;                  // for more checkpoints than a few, from upstream
  bool has_large_spares_ = false;
};

} // namespace model
