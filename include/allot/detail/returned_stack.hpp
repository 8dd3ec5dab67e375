// ReturnedStack: which objects are available, and the one that was returned last first.
//
// ObjectPool's. Not for use on its own: it never follows an object's address.
//
//   | nobody | vacant | vacant | available | available | taken | lent | taken | nobody |
//   begin_                     floor_                  end_
//
// Each object has a place, a number that its owner keeps and this sets: where it is here, if it is.
//
// An object that was taken and is put back in stack order is still above the end, so that one
// comparison tells that it is in use, and nothing needs to be written. Any other overwrites what is
// there, and has `nobody`, in no place, above it, since what lies further up may be available by
// now. What is lent is nobody in its place, so that it is not put back as if it had been taken.
//
// All is O(1) but `reserve`, which may copy, and `drop_vacant`.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/base/errc.hpp>
#include <allot/base/size.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class ReturnedStack {
public:
  using Place = std::size_t;
  static constexpr Place lent = max_size;
  struct Entry {
    void* object;
    Place* place;
  };

  ReturnedStack() = default;
  ReturnedStack(ReturnedStack&& other) noexcept { *this = static_cast<ReturnedStack&&>(other); }
  ReturnedStack& operator=(ReturnedStack&& other) noexcept;
  ~ReturnedStack();

  /// Whether an object is available.
  [[nodiscard]] bool at_hand() const noexcept { return end_ > floor_; }
  [[nodiscard]] void* newest() const noexcept { return end_[-1].object; }
  void take() noexcept { --end_; }
  /// Lends what was taken last: only its place takes it back.
  [[nodiscard]] Place* lend() noexcept {
    end_->object = nobody;
    *end_->place = lent;
    return end_->place;
  }

  /// Returns the object that `take` gave last, or before those that came back in this way since.
  /// False: it is another, or this is closed.
  [[nodiscard]] bool put_back_newest(const void* object) noexcept {
    if (end_->object != object)
      return false;
    ++end_;
    return true;
  }
  /// The same of one that was lent.
  [[nodiscard]] bool put_back_newest_lent(void* object, Place* place) noexcept {
    if (end_->place != place || *place != lent)
      return false;
    end_->object = object;
    *place = static_cast<Place>(end_++ - begin_);
    return true;
  }
  /// Returns any object that is in use. There is room for it.
  void put_back(void* object, Place* place) noexcept {
    *place = static_cast<Place>(end_ - begin_);
    *end_++ = {object, place};
    *end_ = no_entry;
  }
  /// Tells of an object that is new, as if it had been taken. There is room for it.
  void put_taken(void* object, Place* place) noexcept {
    if (end_->place == nullptr)
      end_[1] = no_entry;
    *place = static_cast<Place>(end_ - begin_);
    *end_ = {object, place};
  }

  /// While closed, nothing is available or put back. What `close` gives is for `open`.
  [[nodiscard]] Entry* close() noexcept { return std::exchange(end_, begin_); }
  void open(Entry* end) noexcept { end_ = end; }
  [[nodiscard]] bool closed() const noexcept { return end_ == begin_; }

  [[nodiscard]] std::size_t available() const noexcept {
    return closed() ? 0 : static_cast<std::size_t>(end_ - floor_);
  }
  [[nodiscard]] std::size_t vacant() const noexcept {
    return static_cast<std::size_t>(floor_ - begin_) - 1;
  }
  /// Whether an object is here, available or vacant.
  [[nodiscard]] bool holds(const void* object, Place place) const noexcept {
    const Entry* const end = end_ > floor_ ? end_ : floor_;
    return place < static_cast<std::size_t>(end - begin_) && begin_[place].object == object;
  }
  [[nodiscard]] bool is_vacant(const void* object, Place place) const noexcept {
    return place <= vacant() && begin_[place].object == object;
  }

  /// Room for `count` objects, available and vacant. Exhausted, naming `owner`: the heap refused.
  void reserve(Label owner, std::size_t count);
  /// Makes the object vacant that was returned first of those available, and gives it.
  void* vacate_oldest() noexcept { return floor_++->object; }
  /// The object that became vacant last.
  [[nodiscard]] void* newest_vacant() const noexcept { return floor_[-1].object; }
  /// Takes it. Nothing may be available.
  void take_vacant() noexcept { end_ = --floor_; }
  /// Drops what is vacant and `drop(object)`. Not before `reserve`.
  template <class Drop>
  void drop_vacant(Drop drop) noexcept {
    const Entry* const floor = floor_;
    Entry* kept = floor_ = begin_ + 1;
    for (const Entry* entry = kept; entry != end_; ++entry) {
      if (entry < floor && drop(entry->object))
        continue;
      *kept = *entry;
      *kept->place = static_cast<Place>(kept - begin_);
      ++kept;
      if (entry < floor)
        floor_ = kept;
    }
    end_ = kept;
    *end_ = no_entry;
  }

private:
  static inline std::byte nobody[1]; // no object lies here
  static constexpr Entry no_entry{nobody, nullptr};
  static inline constinit Entry nothing[] = {no_entry, no_entry}; // never written

  Entry* end_ = nothing + 1;
  Entry* floor_ = nothing + 1; // the first available object
  Entry* begin_ = nothing;
  std::size_t room_ = 0;
};

} // namespace ALLOT_ABI
} // namespace allot
