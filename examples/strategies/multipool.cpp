// Blocks of any size, each given back on its own, under one limit.
#include <allot/error.hpp>
#include <allot/multipool.hpp>

#include <cassert>
#include <cstring>

int main() {
  using namespace allot::literals;
  allot::Multipool pool({.limit = 16_MiB, .name = "script"});
  auto* text = static_cast<char*>(pool.allocate(12));
  std::strcpy(text, "hello world");
  text = static_cast<char*>(pool.reallocate(text, 12, 5000));
  assert(std::strcmp(text, "hello world") == 0 && pool.owns(text));

  assert(pool.try_allocate(32_MiB) == nullptr); // beyond the limit
  pool.deallocate(text);
  try {
    pool.deallocate(text); // again
    return 1;
  } catch (const allot::Misuse& error) {
    assert(error.code() == allot::Errc::double_free);
  }
  assert(pool.used() == 0);
}
