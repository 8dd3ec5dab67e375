// ReturnedStack: which objects are available, and the one that was returned last first.
//
// ObjectPool's. Not for use on its own: it never follows an object's address. The state of an
// object is where its entry stands, and its place, a number that its owner keeps and this sets.
//
//   | nobody | vacant | vacant | available | available | taken | nobody | taken | nobody |
//   begin_                     floor_                  end_
//
//   state      entry                        its place       what finds it
//   ---------  ---------------------------  --------------  -------------------------------------
//   fresh      none: it was never made      not set         the pool, above all that were made
//   vacant     from begin_ + 1 to floor_    of the entry    newest_vacant: destroyed, to be reused
//   available  from floor_ to end_          of the entry    newest, the one returned last first
//   taken      from end_ on, or none        any but `lent`  put_back_newest at end_, else put_back
//   lent       nobody's, or none            `lent`          put_back_newest_lent at end_, else the
//                                                           same
//
// So what was taken and is put back in stack order is still above the end: one comparison tells
// that it is in use, and nothing needs to be written. Any other overwrites what is there, and has
// nobody, in no place, above it, since what lies further up may be available by now.
//
// All is O(1) but `reserve`, which may copy, and what says otherwise.
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
  static constexpr Place leaving = max_size - 1; ///< what `lower` and `drop_vacant` are told
  enum class State { vacant, available, taken, lent };
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
    *place = place_of(end_++);
    return true;
  }
  /// Returns any object that is taken or lent. There is room for it.
  void put_back(void* object, Place* place) noexcept {
    *place = place_of(end_);
    *end_++ = {object, place};
    *end_ = no_entry;
  }
  /// Tells of an object that is new, as if it had been taken. There is room for it.
  void put_taken(void* object, Place* place) noexcept {
    if (end_->place == nullptr)
      end_[1] = no_entry;
    *place = place_of(end_);
    *end_ = {object, place};
  }

  /// While closed, nothing is available or put back. What `close` gives is for `open`.
  [[nodiscard]] Entry* close() noexcept { return std::exchange(end_, begin_); }
  void open(Entry* end) noexcept { end_ = end; }
  [[nodiscard]] bool closed() const noexcept { return end_ == begin_; }

  [[nodiscard]] std::size_t available() const noexcept {
    return closed() ? 0 : static_cast<std::size_t>(end_ - floor_);
  }
  [[nodiscard]] std::size_t vacant() const noexcept { return place_of(floor_) - 1; }
  /// Of an object that is not fresh. While closed, one that is available counts as taken.
  [[nodiscard]] State state(const void* object, Place place) const noexcept {
    if (place == lent)
      return State::lent;
    const Place floor = place_of(floor_);
    if (place >= larger(floor, place_of(end_)) || begin_[place].object != object)
      return State::taken;
    return place < floor ? State::vacant : State::available;
  }

  /// Room for `count` objects, available and vacant. Exhausted, naming `owner`: the heap refused.
  void reserve(Label owner, std::size_t count);
  /// Gives back most of what there is room for above `count` objects, which none is in.
  void fit(std::size_t count) noexcept;
  /// How many objects there is room for.
  [[nodiscard]] std::size_t room() const noexcept { return room_ < ends ? 0 : room_ - ends; }
  /// Moves those available whose place was made `leaving` below all others, which stay in order.
  /// O(available).
  void lower() noexcept;
  /// Makes the object vacant that is lowest of those available, and gives it.
  void* vacate_lowest() noexcept { return floor_++->object; }
  /// The object that became vacant last.
  [[nodiscard]] void* newest_vacant() const noexcept { return floor_[-1].object; }
  /// Takes it. Nothing may be available.
  void take_vacant() noexcept { end_ = --floor_; }
  /// Drops those vacant whose place was made `leaving`. Not before `reserve`. O(available, vacant).
  void drop_vacant() noexcept;

private:
  static inline std::byte nobody[1]; // no object lies here
  static constexpr Entry no_entry{nobody, nullptr};
  static inline constinit Entry nothing[] = {no_entry, no_entry}; // never written
  static constexpr std::size_t ends = 2;                          // entries of nobody

  [[nodiscard]] Place place_of(const Entry* entry) const noexcept {
    return static_cast<Place>(entry - begin_);
  }
  bool resize(std::size_t room) noexcept;

  Entry* end_ = nothing + 1;
  Entry* floor_ = nothing + 1; // the first available object
  Entry* begin_ = nothing;
  std::size_t room_ = 0; // in entries
};

} // namespace ALLOT_ABI
} // namespace allot
