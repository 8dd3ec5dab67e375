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

  /// The same buffer. Misuse: `marks` records at its end, behind its first `front` bytes, would
  /// leave nothing of it. To be asked before there is a cursor over it, which hides it from
  /// sanitizers.
  template <class Record>
  [[nodiscard]] static const Buffer& checked(const Buffer& buffer, std::size_t marks, Label owner,
                                             std::size_t front = 0) {
    const std::size_t left = buffer.size() - smaller(buffer.size(), front);
    if (marks > few_records && !buffer.is_from_heap() &&
        saturating_multiply(marks, sizeof(Record)) >= left)
      throw_no_marks(owner, marks, left);
    return buffer;
  }

  /// Sets room for `marks` records aside, which stays so. Gives the bytes of the buffer that this
  /// takes, which there must be. Exhausted: the heap refused.
  template <class Record>
  [[nodiscard]] std::size_t reserve(RecordStack<Record>& records, Cursor& cursor, bool on_heap,
                                    std::size_t marks, Label owner) {
    on_heap_ = on_heap;
    if (marks <= few_records)
      return 0;
    if (on_heap) {
      room_.grow(records, marks, owner, {});
      return 0;
    }
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
