// A DOM of the document, whose size is known from a first parse.
#include "dom.hpp"
#include "jobs.hpp"

#include <allot/arena.hpp>

#include <algorithm>

namespace tour {
namespace {

using rapidjson::CrtAllocator;
using rapidjson::GenericDocument;
using rapidjson::UTF8;

void with_strategy(const Input& input, Values& values) {
  allot::Arena arena(std::max(input.dom_bytes, allot::granule), {.zero = false});
  AllocatorOn allocator(arena);
  GenericDocument<UTF8<>, AllocatorOn<allot::Arena>> document(&allocator);
  document.Parse<parse_flags>(input.text.c_str());
  add_all(document, values);
}

void with_malloc(const Input& input, Values& values) {
  GenericDocument<UTF8<>, CrtAllocator> document;
  document.Parse<parse_flags>(input.text.c_str());
  add_all(document, values);
}

} // namespace

constinit const Job arena_job{"arena", "a DOM of the document", "RapidJSON's CrtAllocator: malloc",
                              with_strategy, with_malloc};

} // namespace tour
