// A stack of small records that a strategy keeps beside its memory: marks, checkpoints.
//
// A few lie in the object itself. The rest lie where the strategy has room for them, one below the
// other, so that the room can grow downwards without moving them:
//
//   in the object         in the strategy's own memory
//   | 0 | 1 | 2 | 3 |     |    room for 6 | 5 | 4 |
//                                                  ^ top
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

/// How many records lie in the object itself.
inline constexpr std::size_t few_records = 4;

/// Everything is O(1), but for drop_while, which takes a step for each that it drops.
template <class Record>
class RecordStack {
  static_assert(std::is_trivially_copyable_v<Record> && sizeof(Record) % granule == 0);

public:
  RecordStack() = default;
  RecordStack(RecordStack&& other) noexcept { *this = static_cast<RecordStack&&>(other); }
  RecordStack& operator=(RecordStack&& other) noexcept {
    if (this != &other) {
      size_ = std::exchange(other.size_, 0);
      room_ = std::exchange(other.room_, few_records);
      reserved_ = std::exchange(other.reserved_, few_records);
      top_ = std::exchange(other.top_, nullptr);
      std::memcpy(few_, other.few_, sizeof few_);
    }
    return *this;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Whether there is no room for another push.
  [[nodiscard]] bool full() const noexcept { return size_ == room_; }
  [[nodiscard]] Record& operator[](std::size_t i) noexcept { return *place(i); }
  [[nodiscard]] const Record& operator[](std::size_t i) const noexcept { return *place(i); }
  [[nodiscard]] Record& newest() noexcept { return *place(size_ - 1); }

  /// A record of `fields`, made where it stays: a copy would wait until it is written, since it is
  /// read in larger words. There must be room.
  template <class... Fields>
  void push(const Fields&... fields) noexcept {
    ::new (static_cast<void*>(place(size_))) Record{fields...};
    ++size_;
  }
  /// Valid until the next push.
  const Record& pop() noexcept { return *place(--size_); }
  void truncate(std::size_t size) noexcept { size_ = size; }
  /// Drops the newest records as long as `unwanted` says so of them; the one that stays is the last
  /// that it is asked about.
  template <class Unwanted>
  void drop_while(Unwanted unwanted) {
    while (size_ != 0 && unwanted(newest()))
      --size_;
  }

  /// There is room for so many beyond the few below `top`; it is not idle when they are gone.
  void reserve(std::byte* top, std::size_t count) noexcept {
    top_ = reinterpret_cast<Record*>(top);
    room_ = reserved_ = few_records + count;
  }
  /// There is room for so many now, no fewer than are in use and reserved.
  void set_room(std::size_t count) noexcept { room_ = few_records + count; }
  /// How many beyond the few there is room for; how many of those are neither in use nor reserved.
  [[nodiscard]] std::size_t room() const noexcept { return room_ - few_records; }
  [[nodiscard]] std::size_t reserved() const noexcept { return reserved_ - few_records; }
  [[nodiscard]] std::size_t idle() const noexcept { return room_ - larger(size_, reserved_); }
  /// Whether there is more room than was reserved.
  [[nodiscard]] bool has_borrowed() const noexcept { return room_ != reserved_; }
  [[nodiscard]] Record* lowest_place() const noexcept { return top_ - room(); }

private:
  [[nodiscard]] Record* place(std::size_t i) const noexcept {
    return i < few_records ? reinterpret_cast<Record*>(const_cast<std::byte*>(few_)) + i
                           : top_ - (i - few_records) - 1;
  }

  std::size_t size_ = 0;
  std::size_t room_ = few_records;
  std::size_t reserved_ = few_records;
  Record* top_ = nullptr;
  alignas(Record) std::byte few_[few_records * sizeof(Record)]; // not initialised
};

/// Room for records beyond the few, of a strategy that has none in a buffer: from an upstream, or
/// from the heap if there is none. It doubles, and the records move to its far end.
class RecordRoom {
public:
  RecordRoom() = default;
  RecordRoom(RecordRoom&& other) noexcept { *this = static_cast<RecordRoom&&>(other); }
  RecordRoom& operator=(RecordRoom&& other) noexcept {
    release();
    begin_ = std::exchange(other.begin_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    upstream_ = other.upstream_;
    return *this;
  }
  ~RecordRoom() { release(); }
  void release() noexcept;

  /// Gives `records` room for at least `count` beyond the few. Exhausted, naming `owner`: refused.
  template <class Record>
  void grow(RecordStack<Record>& records, std::size_t count, Label owner, UpstreamRef upstream) {
    const std::size_t moved = records.room();
    count = larger(count, saturating_multiply(larger(moved, few_records), 2));
    std::byte* const top =
        extend(saturating_multiply(count, sizeof(Record)), records.lowest_place(),
               moved * sizeof(Record), owner, upstream);
    records.reserve(top, count);
  }

private:
  std::byte* extend(std::size_t bytes, const void* kept, std::size_t kept_bytes, Label owner,
                    UpstreamRef upstream);

  std::byte* begin_ = nullptr;
  std::size_t bytes_ = 0;
  UpstreamRef upstream_;
};

} // namespace ALLOT_ABI
} // namespace allot
