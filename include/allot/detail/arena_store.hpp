// ArenaStore: what a Region holds, arena by arena: which of them an address lies in, those that
// serve one request each, by age, and the spares.
//
//   large: arena <-> arena        spare: arena <- arena        large spare: arena
//
// Each arena starts with its own header, so a list costs no memory, and an arena is in one at most:
// those that a region allocates from one after another are its own.
#pragma once

#include <allot/buffer.hpp>
#include <allot/detail/address_index.hpp>
#include <allot/detail/cursor.hpp>

#include <cstddef>
#include <cstdint>

namespace allot {
inline namespace ALLOT_ABI {

/// The most of something in each of the last rounds, the one that goes on included.
class RoundMaxima {
public:
  void add(std::size_t n) noexcept { most_[now_] = larger(most_[now_], n); }
  [[nodiscard]] std::size_t most() const noexcept {
    std::size_t most = 0;
    for (const std::size_t n : most_)
      most = larger(most, n);
    return most;
  }
  void next() noexcept {
    now_ = (now_ + 1) % rounds;
    most_[now_] = 0;
  }

private:
  static constexpr std::size_t rounds = 8;
  std::size_t most_[rounds] = {};
  std::size_t now_ = 0;
};

class ArenaStore {
public:
  /// An arena. It lies at the front of its own memory:
  ///
  ///   | Chunk |            | usable bytes ...                          |
  ///   ^ buffer.data()      ^ begin
  struct Chunk : AddressIndex::Node {
    Buffer buffer;
    Cursor cursor;              // the region has it while the arena is current
    Chunk* older = nullptr;     // in the list it is in
    Chunk* newer = nullptr;     // of those in use that were made for one request
    std::size_t size = 0;       // usable bytes
    std::uint64_t number = 0;   // which of those it is
    std::byte* block = nullptr; // what it serves, if that is one request
    bool large = false;         // made for one request: which spares it will be of
  };
  static void push(Chunk*& list, Chunk* chunk) noexcept {
    chunk->older = list;
    list = chunk;
  }
  static Chunk* pop(Chunk*& list) noexcept {
    Chunk* const chunk = list;
    list = chunk->older;
    return chunk;
  }

  /// What the header takes of an aligned buffer.
  [[nodiscard]] static constexpr std::size_t header_bytes() noexcept {
    return saturating_round_up(sizeof(Chunk), buffer_alignment);
  }
  /// What it takes of this one, so that the usable bytes are aligned.
  [[nodiscard]] static std::size_t bytes_in_front(const Buffer& buffer) noexcept;

  /// The arena in `buffer`, of what `cursor` is over, in no list.
  [[nodiscard]] Chunk* adopt(Buffer&& buffer, const Cursor& cursor, bool large) noexcept;
  /// The same as a spare that is kept until `clear`.
  void adopt_first(Buffer&& buffer, const Cursor& cursor) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// Usable bytes of all; and of those that are not spare, and of the first.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t bytes_in_use() const noexcept { return bytes_ - spare_bytes_; }
  /// Null: `p` lies in none.
  [[nodiscard]] Chunk* find(const void* p) const noexcept {
    return static_cast<Chunk*>(index_.find(p));
  }

  // Those in use that were made for one request. Each has a number, higher than of all before.

  [[nodiscard]] std::uint64_t large_made() const noexcept { return large_made_; }
  [[nodiscard]] Chunk* newest_large() const noexcept { return large_; }
  void add_large(Chunk* chunk) noexcept;
  /// Frees it.
  void free_large(Chunk* chunk) noexcept;
  /// Frees `before`, and puts `chunk` where it was, so that the list stays in order.
  void replace_large(Chunk* before, Chunk* chunk) noexcept;
  /// Those with a number above `but` become spare, and the numbers start anew from there. How many
  /// bytes were used in them.
  [[nodiscard]] std::size_t take_back_large(std::uint64_t but) noexcept;

  // Spares, the one left last first.

  void make_spare(Chunk* chunk) noexcept {
    chunk->cursor.rewind(chunk->cursor.start());
    if (chunk != first_)
      spare_bytes_ += chunk->size;
    push(chunk->large ? large_spare_ : spare_, chunk);
  }
  /// The size of the one that was left last, of those not made for one request; 0: there is none.
  [[nodiscard]] std::size_t newest_spare_size() const noexcept {
    return spare_ == nullptr ? 0 : spare_->size;
  }
  [[nodiscard]] Chunk* take_newest_spare() noexcept { return take(spare_); }
  /// One with room for `bytes`, of those that were made for one request or of the others, to be
  /// taken; `alone`: for one request. Null: none of the few that are looked at.
  [[nodiscard]] Chunk** find_spare(std::size_t bytes, bool large, bool alone) noexcept;
  [[nodiscard]] Chunk* take(Chunk*& spare) noexcept {
    Chunk* const chunk = pop_spare(spare);
    in_use_.add(bytes_in_use());
    return chunk;
  }
  /// Frees spares until all arenas hold at most `most` bytes, or none is left.
  void shrink(std::size_t most) noexcept;
  /// Frees spares as long as all arenas hold at least `keep` bytes then.
  void trim(std::size_t keep) noexcept;
  /// None is in use: frees what is above `retain` and above what was in use in the last rounds;
  /// those used in this one are kept first. Then another round starts, with zeroed spares.
  void end_round(std::size_t retain) noexcept;
  /// None is in use: frees all but the first, and forgets the rounds.
  void release() noexcept;
  /// Released before: frees the first.
  void clear() noexcept;

private:
  friend struct Sketch;
  [[nodiscard]] Chunk* pop_spare(Chunk*& link) noexcept {
    if (link != first_)
      spare_bytes_ -= link->size;
    return pop(link);
  }
  void shrink(Chunk*& list, std::size_t most) noexcept;
  void free(Chunk* chunk) noexcept;
  void free_unneeded(std::size_t most) noexcept;

  Chunk* large_ = nullptr;
  std::uint64_t large_made_ = 0;
  Chunk* spare_ = nullptr;
  Chunk* large_spare_ = nullptr;
  Chunk* first_ = nullptr; // in the first buffer
  AddressIndex index_;     // of all
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t spare_bytes_ = 0; // but for the first buffer's
  RoundMaxima in_use_;          // bytes
};

} // namespace ALLOT_ABI
} // namespace allot
