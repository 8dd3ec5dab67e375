// A frame's objects and bytes, in one buffer that is taken back when the frame is drawn.
#include <allot/arena.hpp>

#include <cassert>
#include <cstring>
#include <string>

int main() {
  allot::Arena frame(64 * 1024, {.name = "frame"});
  for (int i = 0; i < 3; ++i) {
    auto& title = *frame.create<std::string>("a title that is too long to be stored inline");
    auto points = frame.create_array<float>(200); // all zero
    points[0] = static_cast<float>(title.size());

    frame.checkpoint();
    std::memset(frame.allocate(1000), 'x', 1000);
    frame.restore(); // takes these bytes back, no more
    assert(frame.used() < 1000 && frame.peak() > 1800);

    assert(frame.objects() == 1);
    frame.reset(); // ~string() runs
    assert(frame.empty());
  }
  assert(frame.try_allocate(100'000) == nullptr); // does not fit; nothing changed
}
