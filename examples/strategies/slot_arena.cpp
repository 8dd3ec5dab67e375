// Records whose size is known only when the program runs, by index.
#include <allot/slot_arena.hpp>

#include <cassert>
#include <cstring>

int main() {
  const std::size_t record_bytes = 48; // as a file's header says
  allot::SlotArena records(record_bytes, 100);
  for (int i = 0; i < 10; ++i) {
    allot::Slot slot = records.allocate(); // zero
    std::memcpy(slot.ptr, &i, sizeof i);
  }
  int seventh = 0;
  std::memcpy(&seventh, records.at(7), sizeof seventh);
  assert(seventh == 7 && records.used() == 10 && records.available() == 90);
  records.reset();
  return seventh - 7;
}
