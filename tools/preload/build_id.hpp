// What tells a module that is loaded from every other build of it.
#pragma once

#include <cstddef>

#include <dlfcn.h>

namespace preload {

struct Bytes {
  const void* begin = nullptr;
  std::size_t count = 0;
};

/// Its build id, in its own memory; nothing when it has none. Allocates nothing.
Bytes build_id(const dl_find_object& object);

} // namespace preload
