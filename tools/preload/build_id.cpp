#include "build_id.hpp"

#include <cstring>

#include <link.h>
#include <sys/auxv.h>

namespace preload {

Bytes build_id(const dl_find_object& object) {
  const link_map& map = *object.dlfo_link_map;
  if (!map.l_name || !*map.l_name) // the program
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return build_id(map.l_addr, reinterpret_cast<const Elf64_Phdr*>(::getauxval(AT_PHDR)),
                    ::getauxval(AT_PHNUM));
  // A module may lie in pieces, of which object is one; the first has the header.
  const void* base = object.dlfo_map_start;
  void* const first = reinterpret_cast<void*>(map.l_addr); // NOLINT(performance-no-int-to-ptr)
  dl_find_object piece;
  if (_dl_find_object(first, &piece) == 0 && piece.dlfo_link_map == &map)
    base = first;
  Elf64_Ehdr header;
  std::memcpy(&header, base, sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return {};
  const auto* const headers =
      reinterpret_cast<const Elf64_Phdr*>(static_cast<const char*>(base) + header.e_phoff);
  return build_id(map.l_addr, headers, header.e_phnum);
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
