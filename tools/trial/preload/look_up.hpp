// The keys of a plan, by the addresses that the program's modules have now.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../../preload/cfi.hpp"
#include "../../preload/registers.hpp"
#include "../segment.hpp"

namespace trial {

using preload::Registers;

/// A hash table of the plan's nodes, a slot a node. It never changes, but for what is learnt about
/// frames, so that anyone may look up at any time.
class Keys {
public:
  /// Those of the modules that are loaded and whose build ids are as in the plan; tells in `seen`
  /// which ones are. `bytes` are all zero, of as many as bytes_for says.
  static Keys* make(void* bytes, const Header& plan, const std::uint64_t* biases);
  static std::size_t bytes_for(const Header& plan);

  /// What is known of a return address, or of one after the places further out that led to it.
  class Place;

  /// The innermost, that malloc returns to; null: no key has it.
  [[gnu::always_inline]] Place* innermost(std::uint64_t ip) { return find(ip, 0); }

  /// The route of a call that returns there with these registers; -1: none. At most one probe a
  /// frame.
  [[gnu::always_inline]] int route_of(Place* place, std::uint64_t sp, std::uint64_t bp);

private:
public:
  class Place {
    friend Keys;
    std::uint64_t ip; // 0: free
    // How its frame is left: the CFA is so far from the stack pointer or the frame pointer, and the
    // caller's frame pointer is where Rule says.
    std::atomic<std::int32_t> offset;
    std::atomic<preload::Rule::Kind> kind; // the last that is learnt
    std::atomic<std::uint8_t> saved_bp;
    std::uint32_t parent;
    std::uint32_t node; // its own number, plus 1
    std::int32_t route;
    std::uint32_t guess : 31;   // one that it leads to; 0: none
    std::uint32_t has_more : 1; // it leads to others, too
  };

private:
  // A plan may be wrong about a frame: what would lead further than this isn't followed.
  static constexpr std::uint64_t largest_frame = std::uint64_t{1} << 23;

  static std::uint64_t hash(std::uint64_t ip, std::uint32_t parent) {
    return (ip ^ std::uint64_t{parent} << 44) * 0x9E3779B97F4A7C15u;
  }
  Place* find(std::uint64_t ip, std::uint32_t parent) {
    for (std::size_t i = hash(ip, parent) >> shift_;; i = (i + 1) & mask_) {
      Place& place = places_[1 + i];
      if (place.ip == ip && place.parent == parent)
        return &place;
      if (place.ip == 0)
        return nullptr;
    }
  }

  static std::uint64_t saved(std::uint8_t where, std::uint64_t cfa, std::uint64_t bp) {
    if (where < preload::Rule::bp_pointed) [[likely]]
      return *word_at(cfa - 8 * std::uint64_t{where});
    return where == preload::Rule::bp_pointed ? *word_at(bp) : 0;
  }
  static const std::uint64_t* word_at(std::uint64_t address) {
    return reinterpret_cast<const std::uint64_t*>(address); // NOLINT(performance-no-int-to-ptr)
  }
  void set_guesses(std::uint32_t nodes, const std::uint32_t* slot_of);
  static void learn(Place& place);
  static Registers leave_seldom(Place& place, std::uint64_t sp, std::uint64_t bp);

  unsigned shift_;
  std::size_t mask_;
  Place places_[1]; // the first stays free
};

inline int Keys::route_of(Place* place, std::uint64_t sp, std::uint64_t bp) {
  constexpr auto relaxed = std::memory_order_relaxed;
  while (place->route < 0) {
    const preload::Rule::Kind kind = place->kind.load(std::memory_order_acquire);
    std::uint64_t ip;
    if (kind == preload::Rule::sp || kind == preload::Rule::bp) [[likely]] {
      const std::uint64_t from = kind == preload::Rule::sp ? sp : bp;
      const std::uint64_t cfa =
          from + static_cast<std::uint64_t>(std::int64_t{place->offset.load(relaxed)});
      if (cfa - sp - 8 > largest_frame) [[unlikely]]
        return -1;
      const std::uint8_t saved_bp = place->saved_bp.load(relaxed);
      if (saved_bp != preload::Rule::bp_same)
        bp = saved(saved_bp, cfa, bp);
      ip = *word_at(cfa - 8);
      sp = cfa;
    } else {
      const Registers left = leave_seldom(*place, sp, bp);
      ip = left.ip;
      sp = left.sp;
      bp = left.bp;
    }
    // The guess doesn't wait for what is read from the stack, as a hash of that does.
    Place& guess = places_[place->guess];
    if (guess.ip == ip) {
      place = &guess;
    } else {
      place = place->has_more ? find(ip, place->node) : nullptr;
      if (!place)
        return -1;
    }
  }
  return place->route;
}

} // namespace trial
