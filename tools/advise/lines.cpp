#include "report.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace advise {
namespace {

/// A round number of bytes that has room for n and some more, as somebody would write it.
std::string with_room(std::uint64_t n) {
  const std::uint64_t bytes = std::bit_ceil(std::max<std::uint64_t>(n + n / 4, 4096));
  return bytes < (1 << 20) ? fmt::format("{} * 1024", bytes >> 10)
                           : fmt::format("{} * 1024 * 1024", bytes >> 20);
}

std::uint64_t with_room_for_blocks(const Entry& pool) {
  return std::bit_ceil(std::max<std::uint64_t>(pool.most_blocks, 64));
}

/// A C program calls a few functions that one file of C++ gives it. Empty where nothing differs.
std::string lines_for_c(const Entry& entry) {
  switch (entry.kind) {
  case Kind::region:
    return fmt::format("// a file of C++, which is linked to the program:\n"
                       "static allot::Region region({{.zero = false, .arena_size = {}}});\n"
                       "extern \"C\" void* region_get(size_t n) {{ return region.allocate(n); }}\n"
                       "extern \"C\" void region_reset(void) {{ region.reset(); }}\n"
                       "/* in C: */\n"
                       "T* t = region_get(sizeof *t);  /* instead of malloc; its free goes */\n"
                       "region_reset();                /* wherever none of these blocks lives */\n",
                       with_room(entry.max_bytes));
  case Kind::pool:
    return fmt::format(
        "// a file of C++, which is linked to the program:\n"
        "static allot::BlockPool pool({}, {}, {{.zero = false, .order = allot::Order::any}});\n"
        "extern \"C\" void* pool_get(void) {{ return pool.allocate(); }}\n"
        "extern \"C\" void pool_put(void* p) {{ pool.deallocate(p); }}\n"
        "/* in C: */\n"
        "T* t = pool_get();              /* instead of malloc(sizeof *t) */\n"
        "pool_put(t);                    /* instead of free(t) */\n",
        entry.block_bytes, with_room_for_blocks(entry));
  case Kind::object_pool:
    return "static T* spare;               /* one that is made, and cleared */\n"
           "T* t = spare ? spare : make(); spare = NULL;\n"
           "clear(t); if (!spare) spare = t; else destroy(t);  /* instead of destroy(t) */\n";
  case Kind::stack:
    return fmt::format("// a file of C++, which is linked to the program:\n"
                       "static allot::Scratch scratch({});\n"
                       "/* and functions, extern \"C\", that allocate, take a checkpoint and "
                       "restore it */\n",
                       with_room(entry.max_live));
  case Kind::reserve:
    return "p = realloc(p, capacity += capacity / 2 + n);  /* rarely, not by what is missing; or "
           "keep p */\n";
  case Kind::other_malloc:
  case Kind::leave:
    break;
  }
  return {};
}

} // namespace

std::string lines_to_write(const Entry& entry) {
  if (entry.is_c)
    if (const std::string lines = lines_for_c(entry); !lines.empty())
      return lines;
  switch (entry.kind) {
  case Kind::region:
    return fmt::format("allot::Region region({{.zero = false, .arena_size = {}}}); // once\n"
                       "std::vector<T, allot::Allocator<T, allot::Region>> v(region); "
                       "// or region.create<T>(...)\n"
                       "region.reset();                // wherever none of these blocks lives\n",
                       with_room(entry.max_bytes));
  case Kind::pool:
    return fmt::format(
        "allot::BlockPool pool({}, {}, {{.zero = false, .order = allot::Order::any}}); // once\n"
        "T* t = new (pool.allocate()) T(...);\n"
        "t->~T(), pool.deallocate(t);\n",
        entry.block_bytes, with_room_for_blocks(entry));
  case Kind::object_pool:
    return "allot::ObjectPool pool([] { return T(...); }, [](T& t) { t.clear(); }); // once\n"
           "auto t = pool.lease();         // instead of new or a local one; gives itself back\n";
  case Kind::stack:
    return fmt::format("allot::Stack stack({}); // once\n"
                       "auto bytes = stack.push(text); // any value or range, which is copied\n"
                       "stack.pop(text.size());        // the newest first\n",
                       with_room(entry.max_live));
  case Kind::reserve:
    return "v.reserve(n);                  // before the loop that appends; or keep v, and clear() "
           "it\n";
  case Kind::other_malloc:
    return "LD_PRELOAD=libmimalloc.so.2.0 ./program  // or libjemalloc.so.2; nothing to change\n";
  case Kind::leave:
    break;
  }
  return {};
}

} // namespace advise
