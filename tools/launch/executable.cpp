#include "executable.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace launch {
namespace {

// A file in memory; empty when it can't be read.
class File {
public:
  explicit File(const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file >= 0 && ::fstat(file, &status) == 0 && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      void* const p = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
      if (p != MAP_FAILED)
        data_ = static_cast<const char*>(p);
    }
    if (file >= 0)
      ::close(file);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (data_)
      ::munmap(const_cast<char*>(data_), size_); // NOLINT: as munmap wants it
  }

  // `count` of them from there; as many of them as the file has.
  template <class T>
  std::vector<T> read(std::uint64_t at, std::uint64_t count) const {
    std::vector<T> items;
    if (data_ && at < size_) {
      const std::uint64_t room = (size_ - at) / sizeof(T);
      items.resize(count < room ? count : room);
      std::memcpy(items.data(), data_ + at, items.size() * sizeof(T));
    }
    return items;
  }
  std::string_view text(std::uint64_t at) const {
    if (!data_ || at >= size_)
      return {};
    return {data_ + at, ::strnlen(data_ + at, size_ - at)};
  }

private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// What defines one of these does what the library does, or sees to malloc in another way.
struct Sign {
  std::string_view symbol;
  const char* refusal;
};
constexpr Sign signs[] = {
    {"__asan_init", "it is built with AddressSanitizer, whose malloc it needs"},
    {"__tsan_init", "it is built with ThreadSanitizer, whose malloc it needs"},
    {"__msan_init", "it is built with MemorySanitizer, whose malloc it needs"},
    {"__lsan_init", "it is built with LeakSanitizer, whose malloc it needs"},
    {"malloc", "a malloc of its own is linked into it"},
};
constexpr Sign libraries[] = {
    {"libasan.so", signs[0].refusal},       {"libtsan.so", signs[1].refusal},
    {"liblsan.so", signs[3].refusal},       {"libclang_rt.asan", signs[0].refusal},
    {"libclang_rt.tsan", signs[1].refusal},
};

std::optional<std::string> symbols(const File& file, const Elf64_Ehdr& header) {
  const auto sections = file.read<Elf64_Shdr>(header.e_shoff, header.e_shnum);
  for (const Elf64_Shdr& section : sections) {
    const bool table = section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM;
    if (table && section.sh_link < sections.size()) {
      const std::uint64_t names = sections[section.sh_link].sh_offset;
      for (const auto& s :
           file.read<Elf64_Sym>(section.sh_offset, section.sh_size / sizeof(Elf64_Sym)))
        if (s.st_shndx != SHN_UNDEF && s.st_value != 0 && ELF64_ST_BIND(s.st_info) != STB_LOCAL)
          for (const Sign& sign : signs)
            if (file.text(names + s.st_name) == sign.symbol)
              return sign.refusal;
    }
    if (section.sh_type == SHT_DYNAMIC && section.sh_link < sections.size())
      for (const auto& entry :
           file.read<Elf64_Dyn>(section.sh_offset, section.sh_size / sizeof(Elf64_Dyn)))
        if (entry.d_tag == DT_NEEDED)
          for (const Sign& sign : libraries)
            if (file.text(sections[section.sh_link].sh_offset + entry.d_un.d_val)
                    .starts_with(sign.symbol))
              return sign.refusal;
  }
  return std::nullopt;
}

} // namespace

std::optional<std::string> why_not_preloaded(const std::string& path) {
  const File file(path.c_str());
  const auto headers = file.read<Elf64_Ehdr>(0, 1);
  if (headers.empty())
    return std::nullopt;
  const Elf64_Ehdr& header = headers.front();
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return "it is no executable of this system";
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
    return "it is for another processor than x86-64, or for 32 bits";
  std::string_view linker;
  for (const auto& segment : file.read<Elf64_Phdr>(header.e_phoff, header.e_phnum))
    if (segment.p_type == PT_INTERP)
      linker = file.text(segment.p_offset);
  if (linker.empty())
    return "it is linked statically: nothing can be preloaded into it";
  if (linker.find("ld-linux-x86-64") == std::string_view::npos)
    return "its dynamic linker is not glibc's";
  return symbols(file, header);
}

std::optional<std::string> build_id_of(const std::string& path) {
  const File file(path.c_str());
  const auto headers = file.read<Elf64_Ehdr>(0, 1);
  if (headers.empty() || std::memcmp(headers[0].e_ident, ELFMAG, SELFMAG) != 0 ||
      headers[0].e_ident[EI_CLASS] != ELFCLASS64)
    return std::nullopt;
  const auto padded = [](std::uint64_t n) { return (n + 3) / 4 * 4; };
  for (const auto& segment : file.read<Elf64_Phdr>(headers[0].e_phoff, headers[0].e_phnum)) {
    if (segment.p_type != PT_NOTE)
      continue;
    std::uint64_t at = segment.p_offset;
    for (std::uint64_t left = segment.p_filesz; left >= sizeof(Elf64_Nhdr);) {
      const auto notes = file.read<Elf64_Nhdr>(at, 1);
      if (notes.empty())
        break;
      const Elf64_Nhdr& note = notes.front();
      const std::uint64_t content = at + sizeof note + padded(note.n_namesz);
      if (note.n_type == NT_GNU_BUILD_ID && file.text(at + sizeof note) == ELF_NOTE_GNU) {
        const auto bytes = file.read<char>(content, note.n_descsz);
        return std::string(bytes.begin(), bytes.end());
      }
      const std::uint64_t size = content + padded(note.n_descsz) - at;
      at += size;
      left -= std::min(left, size);
    }
  }
  return std::string();
}

} // namespace launch
