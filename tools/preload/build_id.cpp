#include "build_id.hpp"

#include <cstring>

#include <link.h>

namespace preload {

Bytes build_id(const dl_find_object& object) {
  const auto* const base = static_cast<const char*>(object.dlfo_map_start);
  Elf64_Ehdr header;
  std::memcpy(&header, base, sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return {};
  return build_id(object.dlfo_link_map->l_addr,
                  reinterpret_cast<const Elf64_Phdr*>(base + header.e_phoff), header.e_phnum);
}

Bytes build_id(std::uint64_t bias, const Elf64_Phdr* headers, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Elf64_Phdr& segment = headers[i];
    if (segment.p_type != PT_NOTE)
      continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const auto* at = reinterpret_cast<const char*>(bias + segment.p_vaddr);
    const char* const end = at + segment.p_memsz;
    while (at + sizeof(Elf64_Nhdr) <= end) {
      Elf64_Nhdr note;
      std::memcpy(&note, at, sizeof note);
      const char* const name = at + sizeof note;
      const char* const text = name + ((note.n_namesz + 3u) & ~3u);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
        return {text, note.n_descsz};
      at = text + ((note.n_descsz + 3u) & ~3u);
    }
  }
  return {};
}

} // namespace preload
