// What is learnt once for each place that code is called from: how to leave its frame, and the
// numbers of the contexts it stands in.
#pragma once

#include <atomic>
#include <cstdint>

#include "../../preload/cfi.hpp"
#include "../../preload/lock.hpp"
#include "../segment.hpp"
#include "table.hpp"

namespace record {

using preload::Lock;
using preload::Locked;
using preload::Rule;

class Places {
public:
  /// Goes on with an empty segment; what was learnt about code stays.
  /// False without memory.
  bool start(Segment* segment);

  /// How to leave the frame there, a packed Rule.
  std::uint64_t rule(std::uint64_t ip, bool exact = false) {
    const std::uint64_t key = ip | (exact ? exactly : 0);
    const std::uint64_t known = rules_.find(hash(ip), key, 0);
    return known != 0 ? known : learn_rule(ip, exact);
  }

  /// The context of `ip` below `parent`; the parent's own when there is no room.
  std::uint32_t context(std::uint32_t parent, std::uint64_t ip, std::uint32_t into) {
    // Contexts that follow on each other were numbered one after the other, so that this is in the
    // cache far more often than the table.
    std::atomic<std::uint64_t>* const children = recent_ + std::size_t{parent} * ways;
    const std::uint64_t key = ip << id_bits;
    for (std::size_t i = 0; i < ways; ++i) {
      const std::uint64_t child = children[i].load(std::memory_order_relaxed);
      if ((child ^ key) >> id_bits == 0 && child != 0)
        return static_cast<std::uint32_t>(child & ((std::uint64_t{1} << id_bits) - 1));
    }
    const std::uint32_t found = look_up(parent, ip, into);
    for (std::size_t i = ways - 1; i != 0; --i)
      children[i].store(children[i - 1].load(std::memory_order_relaxed), std::memory_order_relaxed);
    children[0].store(key | found, std::memory_order_relaxed);
    return found;
  }

  /// Forgets everything if a module is gone that was known, as another may come where it was.
  void forget_unloaded();

private:
  static constexpr std::uint64_t exactly = std::uint64_t{1} << 63;
  static constexpr std::uint64_t parent_bits = std::uint64_t{0xffffffff} << 32;

  // Return addresses close to each other share a cache line.
  static std::uint64_t hash(std::uint64_t ip) { return ip ^ ip >> 17; }
  static std::uint64_t hash(std::uint64_t ip, std::uint32_t parent) {
    const std::uint64_t h = (ip ^ std::uint64_t{parent} << 40) * 0x9E3779B97F4A7C15u + parent;
    return h ^ h >> 32;
  }

  std::uint32_t look_up(std::uint32_t parent, std::uint64_t ip, std::uint32_t into) {
    const std::uint64_t tagged = std::uint64_t{parent} << 32;
    const std::uint64_t known = contexts_.find(hash(ip, parent), ip, tagged);
    return known != 0 ? static_cast<std::uint32_t>(known) : new_context(parent, ip, into);
  }
  std::uint64_t learn_rule(std::uint64_t ip, bool exact);
  std::uint32_t new_context(std::uint32_t parent, std::uint64_t ip, std::uint32_t into);
  void forget();
  void note_module(std::uint64_t ip);

  // The children of a context that were asked for last: the lower bits of an address, and a number.
  // Modules that are alike in 41 bits of their addresses would be four terabytes apart.
  static constexpr std::size_t ways = 8;
  static constexpr unsigned id_bits = 23;
  static_assert(trace::max_contexts < std::size_t{1} << id_bits);
  static constexpr std::size_t recent_bytes =
      (trace::max_contexts + 1) * ways * sizeof(std::uint64_t);

  struct Known {
    std::uint64_t begin;
    std::uint64_t end;
    const void* map;
  };
  static constexpr unsigned max_known = 1024;

  Lock lock_;
  std::atomic<std::uint64_t>* recent_ = nullptr;
  Segment* segment_ = nullptr;
  Table<0> rules_;
  Table<parent_bits> contexts_;
  Known known_[max_known] = {};
  unsigned modules_ = 0;
};

} // namespace record
