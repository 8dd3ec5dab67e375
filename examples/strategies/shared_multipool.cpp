// Blocks of any size that several threads allocate, and free for each other.
#include <allot/threads/shared_multipool.hpp>

#include <cassert>
#include <cstring>
#include <string_view>
#include <thread>

int main() {
  using namespace allot::literals;
  allot::SharedMultipool pool({.limit = 16_MiB, .name = "sessions"});
  char* line = nullptr;
  std::thread reader([&] {
    line = static_cast<char*>(pool.allocate(12));
    std::strcpy(line, "hello world");
  });
  reader.join();
  std::thread parser([&] {
    line = static_cast<char*>(pool.reallocate(line, 5000)); // whoever made it, whatever it has
    assert(std::string_view(line) == "hello world");
    pool.deallocate(line);
  });
  parser.join();
  assert(pool.empty());
  assert(!pool.try_deallocate(line)); // which is free already
}
