// A stack of small records that a strategy keeps beside its memory: marks, checkpoints, returned
// objects. Unlike std::vector it reports a full heap as the strategy's own Exhausted, also where
// exceptions are off, and popping never touches the heap.
#pragma once

#include <allot/error.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace allot::inline ALLOT_ABI {

namespace detail {
/// `p` with room for at least `count` records of `record` bytes, and the room there is then.
struct Grown {
  void* p;
  std::size_t count;
};
[[nodiscard, gnu::cold]] Grown grow(const char* owner, void* p, std::size_t count,
                                    std::size_t record);
void free_grown(void* p) noexcept;
} // namespace detail

template <class Record>
class SideStack {
  static_assert(std::is_trivially_copyable_v<Record>);

public:
  SideStack() = default;
  SideStack(SideStack&& other) noexcept { *this = static_cast<SideStack&&>(other); }
  SideStack& operator=(SideStack&& other) noexcept {
    if (this != &other) {
      detail::free_grown(records_);
      records_ = std::exchange(other.records_, nullptr);
      size_ = std::exchange(other.size_, 0);
      room_ = std::exchange(other.room_, 0);
    }
    return *this;
  }
  ~SideStack() { detail::free_grown(records_); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] Record& operator[](std::size_t i) noexcept { return records_[i]; }
  [[nodiscard]] const Record& operator[](std::size_t i) const noexcept { return records_[i]; }
  [[nodiscard]] Record& back() noexcept { return records_[size_ - 1]; }

  /// Exhausted, naming `owner`: the heap refused.
  void push(const char* owner, const Record& record) {
    if (size_ == room_) [[unlikely]]
      reserve(owner, size_ + 1);
    records_[size_++] = record;
  }
  /// Room for `count` records in all, so that pushing them cannot fail.
  void reserve(const char* owner, std::size_t count) {
    if (count <= room_)
      return;
    const detail::Grown grown = detail::grow(owner, records_, count, sizeof(Record));
    records_ = static_cast<Record*>(grown.p);
    room_ = grown.count;
  }
  void push_reserved(const Record& record) noexcept { records_[size_++] = record; }
  Record pop() noexcept { return records_[--size_]; }
  void truncate(std::size_t size) noexcept { size_ = size; }

private:
  Record* records_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

} // namespace allot::inline ALLOT_ABI

#ifdef ALLOT_HEADER_ONLY
#include <allot/src/side_stack.cpp>
#endif
