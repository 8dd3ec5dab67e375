#include <allot/detail/arena_store.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

std::size_t ArenaStore::bytes_in_front(const Buffer& buffer) noexcept {
  const Gap gap = buffer.gap();
  const auto begin = reinterpret_cast<std::uintptr_t>(buffer.data()) + gap.stretch(header_bytes());
  return header_bytes() + gap.shrink(padding(begin, gap.stretch(buffer_alignment)));
}

ArenaStore::Chunk* ArenaStore::adopt(Buffer&& buffer, const Cursor& cursor, bool large) noexcept {
  auto* const chunk = ::new (buffer.data()) Chunk;
  chunk->cursor = cursor;
  chunk->begin = cursor.begin();
  chunk->end = cursor.end();
  chunk->size = cursor.capacity();
  chunk->large = large;
  chunk->buffer = std::move(buffer);
  annotate::hide(chunk + 1,
                 static_cast<std::size_t>(chunk->begin - reinterpret_cast<std::byte*>(chunk + 1)));
  ++count_;
  bytes_ += chunk->size;
  in_use_.add(bytes_in_use());
  index_.insert(*chunk);
  return chunk;
}

void ArenaStore::adopt_first(Buffer&& buffer, const Cursor& cursor) noexcept {
  first_ = adopt(std::move(buffer), cursor, false);
  make_spare(first_);
}

void ArenaStore::free(Chunk* chunk) noexcept {
  --count_;
  bytes_ -= chunk->size;
  index_.erase(*chunk);
  annotate::close(chunk->begin, static_cast<std::size_t>(chunk->end - chunk->begin));
  annotate::show(chunk->buffer.data(), chunk->buffer.extent());
  const Buffer buffer = std::move(chunk->buffer); // frees the chunk itself, too
}

// ------------------------------------------------------------------------- made for one request

void ArenaStore::add_large(Chunk* chunk) noexcept {
  chunk->number = ++large_made_;
  push(large_, chunk);
  chunk->newer = nullptr;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk;
}

void ArenaStore::free_large(Chunk* chunk) noexcept {
  (chunk->newer != nullptr ? chunk->newer->older : large_) = chunk->older;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk->newer;
  free(chunk);
}

void ArenaStore::replace_large(Chunk* before, Chunk* chunk) noexcept {
  chunk->number = before->number;
  chunk->older = before->older;
  chunk->newer = before->newer;
  (chunk->newer != nullptr ? chunk->newer->older : large_) = chunk;
  if (chunk->older != nullptr)
    chunk->older->newer = chunk;
  free(before);
}

std::size_t ArenaStore::take_back_large(std::uint64_t but) noexcept {
  std::size_t used = 0;
  while (large_ != nullptr && large_->number > but) {
    used += large_->cursor.used();
    large_->block = nullptr;
    make_spare(pop(large_));
  }
  if (large_ != nullptr)
    large_->newer = nullptr;
  large_made_ = but;
  return used;
}

// ---------------------------------------------------------------------------------------- spares

// A few tries: a search of them all would make one request as slow as there are spares.
ArenaStore::Chunk** ArenaStore::find_spare(std::size_t bytes, bool large, bool alone) noexcept {
  Chunk** link = large ? &large_spare_ : &spare_;
  for (int tries = 8; *link != nullptr && tries != 0; --tries, link = &(*link)->older)
    if ((*link)->size >= bytes && !(alone && *link == first_)) // what is alone is freed by itself
      return link;
  return nullptr;
}

void ArenaStore::shrink(std::size_t most) noexcept {
  shrink(large_spare_, most);
  shrink(spare_, most);
}

void ArenaStore::shrink(Chunk*& list, std::size_t most) noexcept {
  for (Chunk** link = &list; *link != nullptr && bytes_ > most;) {
    if (*link == first_)
      link = &first_->older;
    else
      free(pop_spare(*link));
  }
}

void ArenaStore::trim(std::size_t keep) noexcept {
  for (Chunk** list : {&large_spare_, &spare_}) {
    for (Chunk** link = list; *link != nullptr;) {
      if (*link != first_ && bytes_ - (*link)->size >= keep)
        free(pop_spare(*link));
      else
        link = &(*link)->older;
    }
  }
}

void ArenaStore::end_round(std::size_t retain) noexcept {
  free_unneeded(std::max(in_use_.most(), retain));
  in_use_.next();
  for (Chunk* list : {spare_, large_spare_})
    for (Chunk* chunk = list; chunk != nullptr; chunk = chunk->older)
      chunk->cursor.reset();
}

void ArenaStore::free_unneeded(std::size_t most) noexcept {
  std::size_t kept = first_ != nullptr ? first_->size : 0;
  if (bytes_ <= most)
    return;
  for (const bool in_this_round : {true, false}) {
    for (Chunk** list : {&spare_, &large_spare_}) {
      for (Chunk** link = list; *link != nullptr;) {
        Chunk& chunk = **link;
        const bool in_turn = &chunk != first_ && (chunk.cursor.high() != 0) == in_this_round;
        if (in_turn && chunk.size > most - std::min(kept, most)) {
          free(pop_spare(*link));
          continue;
        }
        kept += in_turn ? chunk.size : 0;
        link = &chunk.older;
      }
    }
  }
}

void ArenaStore::release() noexcept {
  shrink(0);
  if (first_ != nullptr)
    first_->cursor.reset();
  in_use_ = {};
}

void ArenaStore::clear() noexcept {
  if (first_ != nullptr)
    free(first_);
  first_ = spare_ = nullptr;
}

} // namespace ALLOT_ABI
} // namespace allot
