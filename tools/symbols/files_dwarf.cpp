#include "files.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace symbols {
namespace {

char* debug_directories = nullptr; // null: the usual ones

/// Debug files of the machine only: debuginfod would ask the network.
int find_debug_file(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base,
                    const char* file, const char* link, GElf_Word checksum, char** found) {
  if (std::getenv("DEBUGINFOD_URLS") != nullptr)
    ::unsetenv("DEBUGINFOD_URLS");
  return dwfl_standard_find_debuginfo(module, data, name, base, file, link, checksum, found);
}

constexpr Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, find_debug_file,
                                      dwfl_offline_section_address, &debug_directories};

struct Freed {
  Dwarf_Die* dies = nullptr;
  ~Freed() { std::free(dies); }
};

std::string name_of(Dwarf_Die& die) {
  for (const unsigned linkage : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    Dwarf_Attribute attribute;
    if (const char* const name = dwarf_formstring(dwarf_attr_integrate(&die, linkage, &attribute)))
      return readable(name);
  }
  const char* const name = dwarf_diename(&die);
  return name == nullptr ? std::string() : name;
}

std::string definition_of(Dwarf_Die& die) {
  const char* const file = dwarf_decl_file(&die);
  int line = 0;
  if (file == nullptr || dwarf_decl_line(&die, &line) != 0)
    return {};
  return fmt::format("{}:{}", file, line);
}

void set_call(Place& caller, Dwarf_Die& unit, Dwarf_Die& inlined) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  Dwarf_Files* files = nullptr;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &value) == 0 &&
      dwarf_getsrcfiles(&unit, &files, nullptr) == 0)
    if (const char* const file = dwarf_filesrc(files, value, nullptr, nullptr))
      caller.file = file;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &attribute), &value) == 0)
    caller.line = static_cast<unsigned>(value);
}

/// Whether the module's file has the build id that it had, if it had one.
bool is_same_file(const trace::Module& module) {
  const int file = ::open(module.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  elf_version(EV_CURRENT);
  Elf* const elf = elf_begin(file, ELF_C_READ_MMAP, nullptr);
  const void* id = nullptr;
  const ssize_t length = elf == nullptr ? -1 : dwelf_elf_gnu_build_id(elf, &id);
  const bool same =
      elf != nullptr && (module.build_id.empty() ||
                         (length == static_cast<ssize_t>(module.build_id.size()) &&
                          std::memcmp(id, module.build_id.data(), module.build_id.size()) == 0));
  elf_end(elf);
  ::close(file);
  return same;
}

/// Where symbols begin, and where these and all before them have ended.
std::map<std::uint64_t, std::uint64_t> extents_of(Dwfl_Module* module) {
  std::map<std::uint64_t, std::uint64_t> extents;
  for (int i = 1, count = dwfl_module_getsymtab(module); i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr begin = 0;
    if (dwfl_module_getsym_info(module, i, &symbol, &begin, nullptr, nullptr, nullptr) == nullptr ||
        symbol.st_shndx == SHN_UNDEF)
      continue;
    std::uint64_t& end = extents[begin];
    end = std::max({end, begin + symbol.st_size, begin + 1});
  }
  std::uint64_t last = 0;
  for (auto& [begin, end] : extents)
    last = end = std::max(end, last);
  return extents;
}

} // namespace

const bool Symbols::Files::available = true;

Symbols::Files::Files() : dwfl_(dwfl_begin(&callbacks)) {
  if (dwfl_ != nullptr)
    dwfl_report_begin(dwfl_);
}

Symbols::Files::~Files() {
  dwfl_end(dwfl_);
}

bool Symbols::Files::add(const trace::Module& module) {
  if (dwfl_ == nullptr || !is_same_file(module))
    return false;
  return dwfl_report_elf(dwfl_, module.path.c_str(), module.path.c_str(), -1, module.bias, false) !=
         nullptr;
}

void Symbols::Files::end() {
  if (dwfl_ != nullptr)
    dwfl_report_end(dwfl_, nullptr, nullptr);
}

Symbol Symbols::Files::symbol(std::uint64_t address) {
  Dwfl_Module* const module = dwfl_ == nullptr ? nullptr : dwfl_addrmodule(dwfl_, address);
  if (module == nullptr)
    return {};
  const auto [extents, made] = extents_.try_emplace(module);
  if (made)
    extents->second = extents_of(module);
  const auto above = extents->second.upper_bound(address);
  if (above == extents->second.begin() || address >= std::prev(above)->second)
    return {};
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* const name =
      dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
  // Without a size it may just be the last symbol before what has none.
  if (name == nullptr || *name == '\0' ||
      (symbol.st_size == 0 ? offset != 0 : offset >= symbol.st_size))
    return {};
  const std::uint64_t begin = address - offset;
  return {readable(name), begin, std::max(begin + symbol.st_size, address + 1)};
}

std::vector<Place> Symbols::Files::places(std::uint64_t address) {
  std::vector<Place> places;
  Dwfl_Module* const module = dwfl_ == nullptr ? nullptr : dwfl_addrmodule(dwfl_, address);
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = module == nullptr ? nullptr : dwfl_module_addrdie(module, address, &bias);
  if (unit == nullptr)
    return places;

  Place inner;
  if (Dwfl_Line* const line = dwfl_module_getsrc(module, address)) {
    int number = 0;
    if (const char* const file = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr)) {
      inner.file = file;
      inner.line = static_cast<unsigned>(number);
    }
  }
  Freed innermost;
  Freed scopes;
  int count = dwarf_getscopes(unit, address - bias, &innermost.dies);
  if (count > 0)
    count = dwarf_getscopes_die(&innermost.dies[0], &scopes.dies);
  for (int i = 0; i < count; ++i) {
    Dwarf_Die& die = scopes.dies[i];
    const int tag = dwarf_tag(&die);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
      continue;
    inner.function = name_of(die);
    inner.defined = definition_of(die);
    places.push_back(inner);
    inner = {};
    if (tag == DW_TAG_subprogram)
      break;
    set_call(inner, *unit, die);
  }
  return places;
}

} // namespace symbols
