// Cleanups: the destructors that a strategy owes to the objects it made, newest first.
//
// Each such object lies behind a record in the strategy's own memory; trivially destructible
// objects have none:
//
//   | older | destroy |  object ...  |          | older | destroy | count |  object | object | ...
//     ^-------------------------------------------'
//                                                 ^ newest_
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/detail/cursor.hpp>

#include <cstddef>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

class Cleanups {
public:
  struct Record {
    Record* older;
    void (*destroy)(Record*) noexcept; // all of the record's objects
    [[nodiscard]] std::byte* address() noexcept { return reinterpret_cast<std::byte*>(this); }
  };
  struct ArrayRecord : Record {
    std::size_t count;
  };
  template <class T>
  static constexpr std::size_t object_offset = saturating_round_up(sizeof(Record), alignof(T));
  template <class T>
  static constexpr std::size_t array_offset = saturating_round_up(sizeof(ArrayRecord), alignof(T));

  /// Where the list stood, to go back to.
  struct Position {
    Record* newest = nullptr;
    std::size_t count = 0;
    bool operator==(const Position&) const = default;
  };

  Cleanups() = default;
  Cleanups(Cleanups&& other) noexcept { *this = static_cast<Cleanups&&>(other); }
  Cleanups& operator=(Cleanups&& other) noexcept {
    at_ = std::exchange(other.at_, Position{});
    return *this;
  }

  [[nodiscard]] std::size_t count() const noexcept { return at_.count; }
  [[nodiscard]] const Position& position() const noexcept { return at_; }

  /// Takes on the T that was just made `object_offset<T>` bytes into `block`.
  template <class T>
  void add(std::byte* block) noexcept {
    link(::new (block) Record{at_.newest,
                              [](Record* record) noexcept {
                                reinterpret_cast<T*>(record->address() + object_offset<T>)->~T();
                              }},
         sizeof(Record), 1);
  }

  /// Takes on the `count` Ts that were just made `array_offset<T>` bytes into `block`.
  template <class T>
  void add_array(std::byte* block, std::size_t count) noexcept {
    link(::new (block) ArrayRecord{{at_.newest,
                                    [](Record* record) noexcept {
                                      T* const first =
                                          reinterpret_cast<T*>(record->address() + array_offset<T>);
                                      for (std::size_t i = static_cast<ArrayRecord*>(record)->count;
                                           i != 0; --i)
                                        first[i - 1].~T();
                                    }},
                                   count},
         sizeof(ArrayRecord), count);
  }

  /// Destroys what was taken on since `to`, newest first. The strategy is closed meanwhile: its
  /// cursor refuses every request, and `running` tells why.
  void destroy_back_to(const Position& to, Cursor& cursor) noexcept {
    if (at_.newest != to.newest) [[unlikely]]
      run_back_to(to, cursor);
  }
  /// The same where the strategy closes itself.
  void destroy_back_to(const Position& to) noexcept;
  [[nodiscard]] bool running() const noexcept { return running_; }
  /// Whether they run, in which case nothing may be `done` and the misuse handler is told.
  bool report_running(Label who, const char* done) const noexcept;

private:
  void run_back_to(const Position& to, Cursor& cursor) noexcept;

  void link(Record* record, std::size_t bytes, std::size_t count) noexcept {
    at_.newest = record;
    at_.count += count;
    annotate::hide(record, bytes);
  }

  Position at_;
  bool running_ = false;
};

} // namespace ALLOT_ABI
} // namespace allot
