// A DOM of each record, all of it in one region, which is reset before the next.
#include "dom.hpp"
#include "jobs.hpp"

#include <allot/region.hpp>

#include <rapidjson/stream.h>

#include <memory>

namespace tour {
namespace {

using namespace allot::literals;
using rapidjson::CrtAllocator;
using rapidjson::GenericDocument;
using rapidjson::UTF8;

constexpr std::size_t parse_stack_bytes = 1024; // RapidJSON's default

template <class Document>
void parse(const Input& input, const Record& record, Document& document, Values& values) {
  const Token& first = input.tokens[record.begin];
  const std::size_t quote = first.kind == '"' ? 1 : 0;
  rapidjson::StringStream stream(input.text.c_str() + first.offset - quote);
  document.template ParseStream<parse_flags | rapidjson::kParseStopWhenDoneFlag>(stream);
  add_all(document, values);
}

Job::Turn with_strategy(const Input& input) {
  using Allocator = AllocatorOn<allot::Region>;
  const auto region = std::make_shared<allot::Region>(
      allot::RegionOptions{.zero = false, .arena_size = 4_KiB, .max_arena_size = 64_KiB});
  return [&input, region](Values& values) {
    for (const Record& record : input.records) {
      {
        Allocator allocator(*region);
        GenericDocument<UTF8<>, Allocator, Allocator> document(&allocator, parse_stack_bytes,
                                                               &allocator);
        parse(input, record, document, values);
      }
      region->reset();
    }
  };
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) {
    for (const Record& record : input.records) {
      CrtAllocator allocator;
      GenericDocument<UTF8<>, CrtAllocator> document(&allocator, parse_stack_bytes, &allocator);
      parse(input, record, document, values);
    }
  };
}

} // namespace

constinit const Job region_job{"region",
                               "a DOM a record",
                               "RapidJSON's CrtAllocator: malloc",
                               with_strategy,
                               with_malloc,
                               "a reset a record frees it all",
                               "malloc's cache holds so few",
                               "a few blocks between resets"};

} // namespace tour
