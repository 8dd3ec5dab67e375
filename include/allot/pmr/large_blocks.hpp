// What a pool resource's upstream gave as it was asked for, because it is too large for any pool:
// a hash table by address. Not for use on its own.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <cstddef>
#include <memory_resource>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

class LargeBlocks {
public:
  struct Entry {
    void* p;
    std::size_t bytes;
    std::size_t alignment;
  };

  /// What upstream throws passes through.
  void make_room_for_one(std::pmr::memory_resource& upstream, const char* owner);
  void insert(const Entry& entry) noexcept; // after make_room_for_one
  [[nodiscard]] Entry* find(const void* p) noexcept;
  void erase(Entry* entry) noexcept;
  [[nodiscard]] std::size_t count() const noexcept { return used_; }
  /// What all of them have.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The most that all had at a time since reset_peak.
  [[nodiscard]] std::size_t peak() const noexcept { return peak_; }
  void reset_peak() noexcept { peak_ = bytes_; }
  /// What the table has.
  [[nodiscard]] std::size_t table_bytes() const noexcept { return slots_ * sizeof(Entry); }
  /// Gives all blocks and the table back.
  void release(std::pmr::memory_resource& upstream) noexcept;

private:
  [[nodiscard]] std::size_t home(const void* p) const noexcept;
  [[nodiscard]] std::size_t after(std::size_t slot) const noexcept {
    return (slot + 1) & (slots_ - 1);
  }

  Entry* table_ = nullptr;
  std::size_t slots_ = 0; // a power of two, or 0
  std::size_t used_ = 0;  // at most half of them
  std::size_t bytes_ = 0;
  std::size_t peak_ = 0;
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
