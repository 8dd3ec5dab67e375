// The page's verbs as another project uses them: exits with 0 if they did what the page says.
#include <allot/use/arena.hpp>

#include <cstdint>
#include <cstring>

using namespace allot::use::arena;

int main() {
  auto a = arena(1024);
  void* const p = arena(a, 64);
  std::memset(p, 1, 64);
  bool ok = reinterpret_cast<std::uintptr_t>(p) % 8 == 0 && a.size() == 1024 && a.offset() == 64;

  arena(a, reset);
  ok = ok && a.offset() == 0 && *static_cast<unsigned char*>(arena(a, 64)) == 0;

  arena(a, release);
  try {
    (void)arena(a, 64);
    ok = false;
  } catch (const allot::Misuse&) {
  }
  return ok && a.freed() ? 0 : 1;
}
