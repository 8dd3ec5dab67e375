// One document after the other, of any size, in the same memory.
#include <allot/region.hpp>

#include <cassert>
#include <string>

struct Line {
  std::string text;
  Line* next;
};

int main() {
  allot::Region document;
  for (int lines : {10, 10'000, 100}) {
    Line* last = nullptr;
    for (int i = 0; i < lines; ++i)
      last = document.create<Line>("line " + std::to_string(i), last);
    assert(last->text == "line " + std::to_string(lines - 1));
    document.reset(); // ~Line() runs for each; what was taken from the heap is kept
  }
  assert(document.empty() && document.capacity() != 0);
  document.release(); // gives it back
  assert(document.capacity() == 0);
}
