// Room for the records of a strategy on a buffer, if they are more than a few. If the buffer is
// from the heap, so is the room. If it is not, the heap is never asked: they lie at the far end of
// the buffer, and the end of the cursor is lowered for each.
//
//   buffer                                         | 5 | 4 | 3 | 2 | 1 | 0 |
//   | handed out        | free                     |                       |
//                       ^ head              cursor's end
#pragma once

#include <allot/detail/cursor.hpp>
#include <allot/detail/record_stack.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

[[noreturn, gnu::cold]] void throw_no_marks(Label owner, std::size_t marks, std::size_t bytes);

class BufferRecords {
public:
  BufferRecords() = default;

  /// Gets what `marks` records on `buffer` need, before there is a cursor over it: what is refused
  /// then is not hidden from sanitizers. Misuse: they would leave nothing of it behind its first
  /// `front` bytes. Exhausted: the heap refused.
  template <class Record>
  void prepare(RecordStack<Record>& records, const Buffer& buffer, std::size_t marks, Label owner,
               std::size_t front = 0) {
    on_heap_ = buffer.is_from_heap();
    if (marks <= few_records)
      return;
    if (on_heap_)
      return room_.grow(records, marks, owner, {});
    const std::size_t left = buffer.size() - smaller(buffer.size(), front);
    if (saturating_multiply(marks, sizeof(Record)) >= left)
      throw_no_marks(owner, marks, left);
  }
  /// Sets room for them aside, if it is in the buffer, and gives the bytes that this takes.
  template <class Record>
  [[nodiscard]] std::size_t set_aside(RecordStack<Record>& records, Cursor& cursor,
                                      std::size_t marks) noexcept {
    if (on_heap_ || marks <= few_records)
      return 0;
    move_out(records, cursor, marks, true);
    return marks * sizeof(Record);
  }

  /// Makes room for one more record. Exhausted: it is not free, the heap refused.
  template <class Record>
  void add(RecordStack<Record>& records, Cursor& cursor, Label owner) {
    if (on_heap_)
      return room_.grow(records, records.room() + 1, owner, {});
    const std::size_t count = records.is_outside() ? 1 : records.room() + 1;
    if (cursor.available() < count * sizeof(Record))
      throw_full(owner, count * sizeof(Record), cursor.available(), cursor.capacity(),
                 "bytes for marks");
    if (!records.is_outside())
      return move_out(records, cursor, count, false);
    (void)cursor.lower_end(sizeof(Record));
    records.extend();
    annotate::show(records.lowest_place(), sizeof(Record));
  }

  /// Gives back the room of records that are gone, at the far end, unless it is set aside.
  template <class Record>
  static void drop(RecordStack<Record>& records, Cursor& cursor) noexcept {
    Record* const lowest = records.lowest_place();
    const std::size_t bytes = records.drop_idle() * sizeof(Record);
    annotate::hide(lowest, bytes);
    cursor.raise_end(bytes);
  }

private:
  template <class Record>
  static void move_out(RecordStack<Record>& records, Cursor& cursor, std::size_t count,
                       bool reserved) noexcept {
    std::byte* const top = cursor.end();
    (void)cursor.lower_end(count * sizeof(Record));
    annotate::show(top - count * sizeof(Record), count * sizeof(Record));
    records.move_out(top, count, reserved);
  }

  RecordRoom room_;
  bool on_heap_ = false;
};

} // namespace ALLOT_ABI
} // namespace allot
