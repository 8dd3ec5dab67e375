// A DOM of the document, whose size is known from a first parse.
#include "dom.hpp"
#include "jobs.hpp"

#include <allot/arena.hpp>

#include <algorithm>
#include <memory>

namespace tour {
namespace {

using rapidjson::CrtAllocator;
using rapidjson::GenericDocument;
using rapidjson::UTF8;

Job::Turn with_strategy(const Input& input) {
  const auto arena = std::make_shared<allot::Arena>(std::max(input.dom_bytes, allot::granule),
                                                    allot::Options{.zero = false});
  return [&input, arena](Values& values) {
    AllocatorOn allocator(*arena);
    GenericDocument<UTF8<>, AllocatorOn<allot::Arena>> document(&allocator);
    document.Parse<parse_flags>(input.text.c_str());
    add_all(document, values);
    arena->reset(); // the document has no destructor that looks there
  };
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) {
    GenericDocument<UTF8<>, CrtAllocator> document;
    document.Parse<parse_flags>(input.text.c_str());
    add_all(document, values);
  };
}

} // namespace

constinit const Job arena_job{"arena",
                              "a DOM of the document",
                              "RapidJSON's CrtAllocator: malloc",
                              with_strategy,
                              with_malloc,
                              "one addition each, one reset",
                              "few values: a reset costs more",
                              "what is freed one by one"};

} // namespace tour
