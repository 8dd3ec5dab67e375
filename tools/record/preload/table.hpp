// Two words for a key, found without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

namespace record {

/// Memory of its own, all zero; null when there is none.
inline void* fresh_memory(std::size_t bytes) {
  void* const p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    return nullptr;
  // What is as large as this is looked up all over: a page of 4 KiB would be another miss.
  if (bytes >= std::size_t{1} << 23)
    ::madvise(p, bytes, MADV_HUGEPAGE);
  return p;
}

/// A hash table of slots of a key and a value, neither of them zero. The value's bits of `tag`
/// belong to the key. Anyone may look up at any time; who adds or forgets holds a lock.
template <std::uint64_t tag>
class Table {
public:
  /// The value, or 0.
  std::uint64_t find(std::uint64_t hash, std::uint64_t key, std::uint64_t tagged) const {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    if (!slots)
      return 0;
    for (std::size_t i = hash & slots->mask;; i = (i + 1) & slots->mask) {
      const Slot& slot = slots->slot[i];
      const std::uint64_t found = slot.key.load(std::memory_order_relaxed);
      const std::uint64_t value = slot.value.load(std::memory_order_acquire);
      if (value == 0)
        return 0;
      if (found == key && (value & tag) == tagged)
        return value;
    }
  }

  /// Adds what isn't there. `hash_of(key, value)` says where a slot belongs that is moved. Without
  /// memory it is not added.
  void add(std::uint64_t hash, std::uint64_t key, std::uint64_t value, auto hash_of) {
    Slots* slots = slots_.load(std::memory_order_relaxed);
    if (!slots || used_ > slots->mask / 2) {
      Slots* const larger = make(slots ? 2 * (slots->mask + 1) : 4096);
      if (!larger)
        return;
      for (std::size_t i = 0; slots && i <= slots->mask; ++i) {
        const std::uint64_t k = slots->slot[i].key.load(std::memory_order_relaxed);
        const std::uint64_t v = slots->slot[i].value.load(std::memory_order_relaxed);
        if (v != 0)
          put(larger, hash_of(k, v), k, v);
      }
      slots_.store(larger, std::memory_order_release);
      retire(slots);
      slots = larger;
    }
    put(slots, hash, key, value);
    ++used_;
  }

  void forget() {
    Slots* const slots = slots_.exchange(nullptr, std::memory_order_acq_rel);
    retire(slots);
    used_ = 0;
  }

private:
  struct Slot {
    std::atomic<std::uint64_t> key;
    std::atomic<std::uint64_t> value;
  };
  struct Slots {
    std::size_t mask;
    std::size_t unused;
    Slot slot[1];
  };

  static std::size_t bytes(std::size_t slots) { return sizeof(Slots) + (slots - 1) * sizeof(Slot); }

  static Slots* make(std::size_t count) {
    auto* const slots = static_cast<Slots*>(fresh_memory(bytes(count)));
    if (slots)
      slots->mask = count - 1;
    return slots;
  }

  // Another thread may still be reading there: the address stays, and has zeros, which find
  // nothing.
  static void retire(Slots* slots) {
    if (slots)
      ::madvise(slots, bytes(slots->mask + 1), MADV_DONTNEED);
  }

  static void put(Slots* slots, std::uint64_t hash, std::uint64_t key, std::uint64_t value) {
    std::size_t i = hash & slots->mask;
    while (slots->slot[i].value.load(std::memory_order_relaxed) != 0)
      i = (i + 1) & slots->mask;
    slots->slot[i].key.store(key, std::memory_order_relaxed);
    slots->slot[i].value.store(value, std::memory_order_release);
  }

  std::atomic<Slots*> slots_{nullptr};
  std::size_t used_ = 0;
};

} // namespace record
