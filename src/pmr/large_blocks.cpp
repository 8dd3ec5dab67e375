#include <allot/pmr/large_blocks.hpp>

#include <allot/upstream.hpp>

#include <algorithm>
#include <cstdint>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::size_t LargeBlocks::home(const void* p) const noexcept {
  // The high bits of a product with 2^64 divided by the golden ratio are the well mixed ones.
  const auto mixed =
      static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(p)) * 0x9E3779B97F4A7C15;
  return static_cast<std::size_t>(mixed >> 32) & (slots_ - 1);
}

void LargeBlocks::make_room_for_one(std::pmr::memory_resource& upstream, const char* owner) {
  if (used_ + 1 <= slots_ / 2)
    return;
  const std::size_t slots = std::max(slots_ * 2, std::size_t{16});
  void* const memory = UpstreamRef(&upstream).ask(slots * sizeof(Entry), alignof(Entry), owner);
  Entry* const old = table_;
  const std::size_t old_slots = slots_;
  table_ = ::new (memory) Entry[slots]();
  slots_ = slots;
  used_ = bytes_ = 0;
  for (std::size_t i = 0; i != old_slots; ++i)
    if (old[i].p != nullptr)
      insert(old[i]);
  if (old != nullptr)
    upstream.deallocate(old, old_slots * sizeof(Entry), alignof(Entry));
}

void LargeBlocks::insert(const Entry& entry) noexcept {
  std::size_t slot = home(entry.p);
  while (table_[slot].p != nullptr)
    slot = after(slot);
  table_[slot] = entry;
  ++used_;
  bytes_ += entry.bytes;
  peak_ = std::max(peak_, bytes_);
}

LargeBlocks::Entry* LargeBlocks::find(const void* p) noexcept {
  if (slots_ == 0 || p == nullptr)
    return nullptr;
  for (std::size_t slot = home(p); table_[slot].p != nullptr; slot = after(slot))
    if (table_[slot].p == p)
      return &table_[slot];
  return nullptr;
}

// Moves up what would not be found past an empty slot.
void LargeBlocks::erase(Entry* entry) noexcept {
  auto hole = static_cast<std::size_t>(entry - table_);
  bytes_ -= entry->bytes;
  for (std::size_t slot = after(hole); table_[slot].p != nullptr; slot = after(slot)) {
    const std::size_t from_home = (slot - home(table_[slot].p)) & (slots_ - 1);
    if (from_home >= ((slot - hole) & (slots_ - 1))) {
      table_[hole] = table_[slot];
      hole = slot;
    }
  }
  table_[hole] = Entry{};
  --used_;
}

void LargeBlocks::release(std::pmr::memory_resource& upstream) noexcept {
  if (table_ == nullptr)
    return;
  for (std::size_t i = 0; i != slots_; ++i)
    if (table_[i].p != nullptr)
      upstream.deallocate(table_[i].p, table_[i].bytes, table_[i].alignment);
  upstream.deallocate(table_, slots_ * sizeof(Entry), alignof(Entry));
  table_ = nullptr;
  slots_ = used_ = bytes_ = 0;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
