// What is learnt once for each place that code is called from: how to leave its frame, and the
// numbers of the contexts it stands in.
#pragma once

#include <atomic>
#include <cstdint>

#include "../segment.hpp"
#include "cfi.hpp"
#include "lock.hpp"
#include "table.hpp"

namespace record {

class Places {
public:
  /// Goes on with an empty segment; what was learnt about code stays.
  void start(Segment* segment);

  Rule rule(std::uint64_t ip, bool exact = false) {
    const std::uint64_t key = ip | (exact ? exactly : 0);
    const std::uint64_t known = rules_.find(hash(ip), key, 0);
    return known != 0 ? Rule::unpacked(known) : learn_rule(ip, exact);
  }

  /// The context of `ip` below `parent`; the parent's own when there is no room.
  std::uint32_t context(std::uint32_t parent, std::uint64_t ip, std::uint32_t into) {
    const std::uint64_t tagged = std::uint64_t{parent} << 32;
    const std::uint64_t known = contexts_.find(hash(ip, parent), ip, tagged);
    return known != 0 ? static_cast<std::uint32_t>(known) : new_context(parent, ip, into);
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

  Rule learn_rule(std::uint64_t ip, bool exact);
  std::uint32_t new_context(std::uint32_t parent, std::uint64_t ip, std::uint32_t into);
  void note_module(std::uint64_t ip);

  struct Known {
    std::uint64_t begin;
    std::uint64_t end;
    const void* map;
  };
  static constexpr unsigned max_known = 1024;

  Lock lock_;
  Segment* segment_ = nullptr;
  Table<0> rules_;
  Table<parent_bits> contexts_;
  Known known_[max_known] = {};
  unsigned modules_ = 0;
};

} // namespace record
