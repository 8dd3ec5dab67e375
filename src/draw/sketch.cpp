#include <allot/draw/sketch.hpp>

#include <allot/arena.hpp>
#include <allot/block_pool.hpp>
#include <allot/bump.hpp>
#include <allot/draw/figures.hpp>
#include <allot/draw/titles.hpp>
#include <allot/mapped_arena.hpp>
#include <allot/multipool.hpp>
#include <allot/object_pool.hpp>
#include <allot/region.hpp>
#include <allot/slot_arena.hpp>
#include <allot/stack.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

// --------------------------------------------------------------------------- what bumps a cursor

namespace detail {

void mark_peak(Strip& strip, std::size_t peak) {
  if (peak != 0)
    strip.mark(peak, "peak");
}

} // namespace detail

void Sketch::add_cursor(Strip& strip, const Cursor& cursor) {
  std::vector<std::pair<std::size_t, std::size_t>> skipped; // offset, bytes
  cursor.for_each_padding(
      [&](std::size_t offset, std::size_t bytes) { skipped.emplace_back(offset, bytes); });
  std::reverse(skipped.begin(), skipped.end());
  std::size_t at = 0;
  for (const auto& [offset, bytes] : skipped) {
    strip.add(Fill::used, offset - at);
    strip.add(Fill::padding, bytes);
    at = offset + bytes;
  }
  strip.add(Fill::used, cursor.used() - at);
  strip.add(Fill::free, cursor.available());
}

template <class S>
void Sketch::add_checkpoints(Strip& strip, const S& strategy) {
  const Cursor& cursor = strategy.cursor_;
  strategy.for_each_record([&](const auto& position, std::size_t number) {
    const std::byte* head = nullptr;
    if constexpr (requires { position.place; })
      head = position.place.head;
    else
      head = position.head;
    const auto distance = static_cast<std::size_t>(head - cursor.begin());
    strip.marks.push_back({cursor.gap().shrink(distance), detail::record_name(number)});
  });
  std::reverse(strip.marks.begin(), strip.marks.end());
  detail::mark_peak(strip, cursor.peak());
}

Picture Sketch::of(const Bump& bump) {
  if (bump.freed())
    return detail::released(bump.label());
  Strip strip;
  add_cursor(strip, bump.cursor_);
  detail::mark_peak(strip, bump.peak());
  return {detail::title_of(bump.label(), bump.stats()), {std::move(strip)}};
}

Picture Sketch::of(const Arena& arena) {
  if (arena.freed())
    return detail::released(arena.label());
  Strip strip;
  add_cursor(strip, arena.cursor_);
  strip.add(Fill::records, arena.buffer_.size() - arena.cursor_.capacity());
  add_checkpoints(strip, arena);
  Picture picture{detail::title_of(arena.label(), arena.stats()), {std::move(strip)}};
  detail::note_objects(picture, arena.objects());
  return picture;
}

Picture Sketch::of(const MappedArena& arena) {
  if (arena.freed())
    return detail::released(arena.label());
  Strip strip;
  add_cursor(strip, arena.cursor_);
  if (!strip.segments.empty() && strip.segments.back().fill == Fill::free)
    strip.segments.pop_back(); // how far the mapping is ready is the system's affair
  const std::size_t held = std::min(arena.capacity(), std::max(arena.committed(), arena.used()));
  strip.add(Fill::held, held - arena.used());
  strip.reserved = arena.capacity() - held;
  add_checkpoints(strip, arena);
  return {detail::title_of(arena.label(), arena.stats()), {std::move(strip)}};
}

Picture Sketch::of(const Stack& stack) {
  if (stack.freed())
    return detail::released(stack.label());
  const Cursor& cursor = stack.cursor_;
  Strip strip;
  add_cursor(strip, cursor);
  strip.add(Fill::records, stack.buffer_.size() - cursor.capacity());
  const auto mark = [&](const std::byte* top, std::string text) {
    const auto distance =
        static_cast<std::size_t>(std::min<const std::byte*>(top, cursor.head()) - cursor.begin());
    strip.mark(cursor.gap().shrink(distance), std::move(text));
  };
  for (std::size_t i = 0; i != stack.marks_.size(); ++i)
    mark(stack.marks_[i].top, std::string("mark ").append(detail::grouped(i)));
  for (const Stack::Scope* scope = stack.innermost(); scope != nullptr; scope = scope->outer_)
    mark(scope->top_, "scope");
  detail::mark_peak(strip, stack.peak());
  return {detail::title_of(stack.label(), stack.stats()), {std::move(strip)}};
}

// On the strips of the newest arenas, whose cursors are given newest first.
void Sketch::mark_records(Picture& picture, const Region& region,
                          std::span<const Cursor* const> cursors) {
  std::vector<std::pair<detail::RegionPosition, std::size_t>> records;
  region.for_each_record([&](const detail::RegionPosition& to, std::size_t number) {
    records.emplace_back(to, number);
  });
  std::reverse(records.begin(), records.end());
  std::size_t not_shown = 0;
  for (const auto& [to, number] : records) {
    // What was set before there was an arena goes back to the first one's begin.
    const auto above =
        static_cast<std::size_t>(region.depth_ - std::max<std::uint64_t>(to.depth, 1));
    if (above >= cursors.size()) {
      ++not_shown;
      continue;
    }
    const Cursor& cursor = *cursors[above];
    const std::size_t offset =
        to.depth == 0 ? 0 : static_cast<std::size_t>(to.place.head - cursor.begin());
    picture.strips[cursors.size() - 1 - above].mark(cursor.gap().shrink(offset),
                                                    detail::record_name(number));
  }
  if (not_shown != 0)
    picture.notes.push_back(detail::counted(not_shown, "checkpoint").append(" not shown"));
}

Picture Sketch::of(const Region& region) {
  using Chunk = ArenaStore::Chunk;
  if (region.freed())
    return detail::released(region.label());
  Picture picture{detail::title_of(region.label(), region.stats().memory), {}};
  constexpr std::size_t most = 8; // of a list, the newest
  const auto cursor_of = [&](const Chunk& chunk) -> const Cursor& {
    return &chunk == region.current_ ? region.cursor_ : chunk.cursor;
  };
  const auto add = [&](const Chunk& chunk, std::string label) {
    const Cursor& cursor = cursor_of(chunk);
    Strip strip{std::move(label), detail::out_of(cursor.used(), chunk.size)};
    add_cursor(strip, cursor);
    picture.strips.push_back(std::move(strip));
  };
  // The newest first; `rest` is what those that are left out are called.
  const auto listed = [&](const Chunk* newest, const char* rest) {
    std::vector<const Chunk*> chunks;
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (; newest != nullptr; newest = newest->older)
      if (chunks.size() < most) {
        chunks.push_back(newest);
      } else {
        ++count;
        bytes += newest->size;
      }
    if (count != 0)
      picture.notes.push_back(detail::counted(count, rest)
                                  .append(" of ")
                                  .append(detail::in_units(bytes))
                                  .append(" together, not shown"));
    return chunks;
  };

  const std::vector<const Chunk*> arenas = listed(region.current_, "older arena");
  for (std::size_t i = arenas.size(); i-- != 0;)
    add(*arenas[i], std::string(i == 0 ? "current " : "arena ")
                        .append(detail::grouped(static_cast<std::size_t>(region.depth_) - i)));
  std::vector<const Cursor*> cursors(arenas.size());
  std::transform(arenas.begin(), arenas.end(), cursors.begin(),
                 [&](const Chunk* chunk) { return &cursor_of(*chunk); });
  mark_records(picture, region, cursors);

  const std::vector<const Chunk*> large = listed(region.store_.newest_large(), "older large arena");
  for (std::size_t i = large.size(); i-- != 0;)
    add(*large[i], std::string("large ").append(detail::grouped(large[i]->number)));
  for (const Chunk* const list : {region.store_.spare_, region.store_.large_spare_})
    for (const Chunk* const chunk : listed(list, "other spare")) {
      Strip strip{chunk->large ? "large spare" : "spare", detail::grouped(chunk->size)};
      strip.add(Fill::held, chunk->size);
      picture.strips.push_back(std::move(strip));
    }
  detail::note_objects(picture, region.objects());
  return picture;
}

// ------------------------------------------------------------------------- what hands out numbers

namespace detail {

template <class S>
std::string units_title(const S& strategy, const char* unit, std::size_t bytes) {
  return who(strategy.label())
      .append(grouped(strategy.used()))
      .append(" of ")
      .append(counted(strategy.capacity(), unit))
      .append(of_bytes(bytes))
      .append(" used, peak ")
      .append(grouped(strategy.peak()));
}

} // namespace detail

Picture Sketch::of_slots(const SlotArena& arena, const char* what, IsHole is_hole,
                         const void* context) {
  if (arena.freed())
    return detail::released(arena.label());
  const std::size_t size = arena.slot_size();
  Strip strip{.unit = size};
  std::size_t holes = 0;
  for (std::size_t i = 0; is_hole != nullptr && i != arena.used(); ++i) {
    const bool hole = is_hole(context, i);
    strip.add(hole ? Fill::hole : Fill::used, size);
    holes += hole ? 1 : 0;
  }
  if (is_hole == nullptr)
    strip.add(Fill::used, arena.used() * size);
  strip.add(Fill::free, arena.available() * size);
  Picture picture{detail::units_title(arena, what, size), {std::move(strip)}};
  if (holes != 0)
    picture.notes.push_back(detail::counted(holes, "hole"));
  return picture;
}

Picture Sketch::of(const SlotArena& arena) {
  return of_slots(arena, "slot", nullptr, nullptr);
}

Picture Sketch::of(const BlockPool& pool) {
  if (pool.freed())
    return detail::released(pool.label());
  const std::size_t size = pool.block_size();
  Strip strip{.unit = size};
  std::size_t at = 0;
  for (std::size_t i = pool.next_in_use(0); i != BlockPool::none; i = pool.next_in_use(at)) {
    strip.add(Fill::free, (i - at) * size);
    strip.add(Fill::used, size);
    at = i + 1;
  }
  strip.add(Fill::free, (pool.capacity() - at) * size);
  return {detail::units_title(pool, "block", size), {std::move(strip)}};
}

Picture Sketch::of(const ObjectPoolCore& pool) {
  using State = ObjectPoolCore::State;
  if (pool.freed())
    return detail::released(pool.label());
  const std::size_t size = red_zones.shrink(pool.kind_->stride);
  Picture picture{detail::who(pool.label())
                      .append(detail::counted(pool.used(), "object"))
                      .append(detail::of_bytes(size))
                      .append(" in use, ")
                      .append(detail::grouped(pool.available()))
                      .append(" available, peak ")
                      .append(detail::grouped(pool.peak())),
                  {}};
  for (const auto* chunk = pool.newest_; chunk != nullptr; chunk = chunk->older) {
    Strip strip{.unit = size};
    for (std::size_t i = 0; i != chunk->fresh; ++i) {
      const State state = pool.state(*chunk, i);
      strip.add(state == State::lent        ? Fill::lent
                : state == State::available ? Fill::held
                : state == State::vacant    ? Fill::free
                                            : Fill::used,
                size);
    }
    strip.add(Fill::free, (chunk->count - chunk->fresh) * size);
    picture.strips.push_back(std::move(strip));
  }
  std::reverse(picture.strips.begin(), picture.strips.end());
  if (picture.strips.size() > 1)
    for (std::size_t i = 0; i != picture.strips.size(); ++i)
      picture.strips[i].label = std::string("chunk ").append(detail::grouped(i + 1));
  return picture;
}

// -------------------------------------------------------------------------------- blocks of sizes

Picture Sketch::of(const Multipool& pool) {
  using detail::Run;
  using detail::Slab;
  if (pool.freed())
    return detail::released(pool.label());
  constexpr std::size_t slab_bytes = Multipool::slab_bytes;
  const detail::SlabRuns& runs = pool.slabs_.runs();
  const auto slab = [&](std::size_t number) -> const Slab& {
    return pool.slabs_.slab_at(number * Slab::granules);
  };
  std::vector<ClassStats> classes(Multipool::classes());
  std::size_t large = 0;
  Strip strip{"slabs"};
  for (std::size_t i = 0; i < runs.top(); i += runs.length(i)) {
    const std::size_t bytes = runs.length(i) * slab_bytes;
    if (runs.kind(i) != Run::Kind::used) {
      strip.add(runs.kind(i) == Run::Kind::spare ? Fill::held : Fill::free, bytes);
      continue;
    }
    std::size_t used = 0;
    const std::size_t block = slab(i).bytes;
    if (slab(i).state == Slab::State::large) {
      used = slab(i).usable();
      ++large;
    } else {
      ClassStats& blocks = classes[slab(i).size_class];
      blocks.block_bytes = block;
      for (std::size_t n = 0; n != runs.length(i); ++n) {
        used += slab(i + n).used() * block;
        blocks.used += slab(i + n).used();
        blocks.available += slab(i + n).capacity - slab(i + n).used();
      }
    }
    strip.add(Fill::used, std::min(used, bytes), block);
    strip.add(Fill::free, bytes - std::min(used, bytes), block);
  }
  if (runs.on_buffer())
    strip.add(Fill::free, (runs.reserved() - runs.top()) * slab_bytes);
  else
    strip.reserved = (runs.reserved() - runs.top()) * slab_bytes;
  Picture picture{detail::title_of(pool.label(), pool.stats()), {std::move(strip)}};
  detail::add_classes(picture, classes);
  if (large != 0)
    picture.notes.push_back(detail::counted(large, "large object"));
  return picture;
}

Picture Sketch::of_stats(const Stats& stats, std::span<const ClassStats> classes) {
  Strip strip{classes.empty() ? "" : "all"};
  strip.add(Fill::used, std::min(stats.used, stats.capacity));
  strip.add(Fill::free, stats.capacity - std::min(stats.used, stats.capacity));
  Picture picture{detail::title_of(stats.name, stats), {std::move(strip)}};
  detail::add_classes(picture, classes);
  return picture;
}

} // namespace ALLOT_ABI
} // namespace allot
