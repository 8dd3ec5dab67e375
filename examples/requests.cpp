// A server's loop: a region a request, whatever it needs, and one reset at its end. After the first
// requests the region has the memory that the largest of them needs, and the heap is not asked
// again.
#include <allot/region.hpp>
#include <allot/scratch.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iostream>
#include <string_view>

namespace {

struct Header {
  std::string_view name;
  std::string_view value;
  Header* next;
};

Header* parse(allot::Region& memory, std::string_view request) {
  Header* first = nullptr;
  while (!request.empty()) {
    const std::string_view line = request.substr(0, request.find('\n'));
    request.remove_prefix(std::min(line.size() + 1, request.size()));
    const std::size_t colon = line.find(": ");
    first = memory.create<Header>(Header{.name = memory.copy(line.substr(0, colon)),
                                         .value = memory.copy(line.substr(colon + 2)),
                                         .next = first});
  }
  return first;
}

std::size_t answer(const Header* header, allot::Scratch& scratch) {
  std::size_t bytes = 0;
  for (; header != nullptr; header = header->next) {
    const auto scope = scratch.scope(); // a line's worth of memory, back at the end of the block
    const std::size_t room = header->value.size() + 20;
    auto* const line = static_cast<char*>(scratch.allocate(room));
    const std::size_t name = header->name.copy(line, room - 1);
    char* const end = std::to_chars(line + name, line + room, header->value.size()).ptr;
    bytes += static_cast<std::size_t>(end - line);
  }
  return bytes;
}

} // namespace

int main() {
  allot::Region memory;
  allot::Scratch scratch(4096);
  std::size_t bytes = 0;
  std::size_t held_after_first = 0;
  for (int request = 0; request != 1000; ++request) {
    bytes += answer(parse(memory, "Host: example.org\nAccept: */*\nCookie: none"), scratch);
    memory.reset();
    if (request == 0)
      held_after_first = memory.capacity();
  }
  std::cout << bytes << " bytes answered, " << memory.capacity() << " bytes held, at most "
            << memory.peak() << " used by one request\n";
  return memory.capacity() == held_after_first ? 0 : 1;
}
