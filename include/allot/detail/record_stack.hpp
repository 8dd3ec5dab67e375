// A stack of small records that a strategy keeps beside its memory: marks, checkpoints. Unlike
// std::vector it reports a full heap as the strategy's own Exhausted, also where exceptions are
// off, and popping never touches the heap.
#pragma once

#include <allot/base/errc.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
/// `p` with room for at least `count` records of `record` bytes, and the room there is then.
struct Grown {
  void* p;
  std::size_t count;
};
[[nodiscard, gnu::cold]] Grown grow(Label owner, void* p, std::size_t count, std::size_t record);
void free_grown(void* p) noexcept;
} // namespace detail

template <class Record>
class RecordStack {
  static_assert(std::is_trivially_copyable_v<Record>);

public:
  RecordStack() = default;
  RecordStack(RecordStack&& other) noexcept { *this = static_cast<RecordStack&&>(other); }
  RecordStack& operator=(RecordStack&& other) noexcept {
    if (this != &other) {
      detail::free_grown(begin_);
      begin_ = std::exchange(other.begin_, nullptr);
      end_ = std::exchange(other.end_, nullptr);
      limit_ = std::exchange(other.limit_, nullptr);
    }
    return *this;
  }
  ~RecordStack() { detail::free_grown(begin_); }

  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(end_ - begin_);
  }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// Whether the next push asks the heap.
  [[nodiscard]] bool full() const noexcept { return end_ == limit_; }
  [[nodiscard]] Record& operator[](std::size_t i) noexcept { return begin_[i]; }
  [[nodiscard]] const Record& operator[](std::size_t i) const noexcept { return begin_[i]; }

  /// A record of `fields`, which are no part of this stack, made where it stays: a copy would wait
  /// until it is written, since it is read in larger words. Exhausted, naming `owner`: the heap
  /// refused.
  template <class... Fields>
  void push(Label owner, const Fields&... fields) {
    if (full()) [[unlikely]]
      grow(owner);
    ::new (static_cast<void*>(end_)) Record{fields...};
    ++end_;
  }
  /// Valid until the next push, move or the stack's end.
  const Record& pop() noexcept { return *--end_; }
  void truncate(std::size_t size) noexcept { end_ = begin_ + size; }
  /// Drops the newest records as long as `unwanted` says so of them; the one that stays is the last
  /// that it is asked about.
  template <class Unwanted>
  void drop_while(Unwanted unwanted) {
    while (end_ != begin_ && unwanted(end_[-1]))
      --end_;
  }

private:
  void grow(Label owner) {
    const std::size_t size = this->size();
    const detail::Grown grown = detail::grow(owner, begin_, size + 1, sizeof(Record));
    begin_ = static_cast<Record*>(grown.p);
    end_ = begin_ + size;
    limit_ = begin_ + grown.count;
  }

  Record* begin_ = nullptr;
  Record* end_ = nullptr;
  Record* limit_ = nullptr;
};

} // namespace ALLOT_ABI
} // namespace allot
