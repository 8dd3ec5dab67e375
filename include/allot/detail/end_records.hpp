// Records of a strategy on a buffer, beyond the few in the object: at the far end of that buffer,
// each where the end of the cursor was lowered to before.
//
//   buffer                                                     | 5 | 4 |
//   | handed out        | free                                 |       |
//                       ^ head                             cursor's end
#pragma once

#include <allot/detail/cursor.hpp>
#include <allot/detail/record_stack.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// What `marks` records take of a buffer.
template <class Record>
[[nodiscard]] constexpr std::size_t end_bytes(std::size_t marks) noexcept {
  return marks <= few_records ? 0 : saturating_multiply(marks - few_records, sizeof(Record));
}

/// `bytes`, if there are any, and what `marks` records take of a buffer.
template <class Record>
[[nodiscard]] constexpr std::size_t with_end_bytes(std::size_t bytes, std::size_t marks) noexcept {
  return bytes == 0 ? 0
                    : saturating_add(saturating_round_up(bytes, granule), end_bytes<Record>(marks));
}

[[noreturn, gnu::cold]] void throw_no_marks(Label owner, std::size_t marks, std::size_t bytes);

/// Sets room for `marks` records aside, which stays so. Misuse: nothing would be left.
template <class Record>
void reserve_at_end(RecordStack<Record>& records, Cursor& cursor, std::size_t marks, Label owner) {
  const std::size_t bytes = end_bytes<Record>(marks);
  if (bytes >= cursor.capacity())
    throw_no_marks(owner, marks, cursor.capacity());
  std::byte* const top = cursor.end();
  (void)cursor.lower_end(bytes);
  annotate::show(top - bytes, bytes);
  records.reserve(top, bytes / sizeof(Record));
}

/// Makes room for one more record. Exhausted: it is not free.
template <class Record>
void add_at_end(RecordStack<Record>& records, Cursor& cursor, Label owner, std::size_t capacity) {
  if (!cursor.lower_end(sizeof(Record)))
    throw_full(owner, sizeof(Record), cursor.available(), capacity, "bytes for a mark");
  records.set_room(records.room() + 1);
  annotate::show(records.lowest_place(), sizeof(Record));
}

/// Gives back the room of records that are gone, unless it is reserved.
template <class Record>
void drop_at_end(RecordStack<Record>& records, Cursor& cursor) noexcept {
  const std::size_t idle = records.idle();
  annotate::hide(records.lowest_place(), idle * sizeof(Record));
  records.set_room(records.room() - idle);
  cursor.raise_end(idle * sizeof(Record));
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
