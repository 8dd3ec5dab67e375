#include "picture.hpp"

#include "dom.hpp"

#include <allot/draw.hpp>
#include <allot/region.hpp>

namespace tour {

std::string draw_region(const Input& input, std::size_t width) {
  using namespace allot::literals;
  using Allocator = AllocatorOn<allot::Region>;
  allot::Region region({.zero = false, .max_arena_size = 1_GiB, .name = "document"});
  Allocator allocator(region);
  rapidjson::GenericDocument<rapidjson::UTF8<>, Allocator> document(&allocator);
  document.Parse<parse_flags>(input.text.c_str());
  return allot::draw(region, {.width = width}).text();
}

} // namespace tour
