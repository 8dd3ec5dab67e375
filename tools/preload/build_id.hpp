// What tells a module that is loaded from every other build of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <dlfcn.h>
#include <elf.h>

namespace preload {

struct Bytes {
  const void* begin = nullptr;
  std::size_t count = 0;
};

/// Its build id, in its own memory; nothing when it has none. Allocates nothing.
Bytes build_id(const dl_find_object& object);

/// The same by its program headers, and where it is loaded.
Bytes build_id(std::uint64_t bias, const Elf64_Phdr* headers, std::size_t count);

} // namespace preload
