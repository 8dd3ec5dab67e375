// An undo log: what was, and how long it is, pushed before each change.
#include <allot/stack.hpp>

#include <cassert>

int main() {
  allot::Stack log(1024);
  int x = 1, y = 2;
  log.push(x);
  x = 10;
  allot::Marker saved = log.mark();
  log.push(y);
  y = 20;
  log.push(x);
  x = 30;

  x = log.pop<int>(); // one step back
  assert(x == 10 && y == 20);
  log.restore(saved); // forgets what came after the mark
  x = log.pop<int>();
  assert(x == 1 && log.empty());
  return x - 1;
}
