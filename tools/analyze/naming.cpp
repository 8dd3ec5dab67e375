#include "naming.hpp"

#include "wrappers.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <iterator>

namespace analyze {
namespace {

bool is_runtime(std::string_view module) {
  const std::string_view file = symbols::file_name(module);
  for (const std::string_view name : {"libc.so", "libc-", "ld-linux", "libpthread", "libstdc++.so",
                                      "libc++.so", "libc++abi.so", "libgcc_s", "[vdso]", "libm.so"})
    if (file.starts_with(name))
      return true;
  return false;
}

std::string place_of(const symbols::Place& place) {
  return place.file.empty() ? std::string() : fmt::format("{}:{}", place.file, place.line);
}

} // namespace

bool passes_on(std::string_view function, std::string_view module, std::string_view file) {
  if (is_runtime(module) || file.find("/include/c++/") != std::string_view::npos)
    return true;
  for (const std::string_view start :
       {"std::", "__gnu_cxx::", "operator new", "operator delete", "boost::", "__"})
    if (function.starts_with(start))
      return true;
  std::string lower(function.substr(0, function.find('<')));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const std::string_view part : {"alloc", "strdup", "strndup", "make_unique", "make_shared"})
    if (lower.find(part) != std::string::npos)
      return true;
  return false;
}

Naming::Naming(symbols::Symbols& symbols, const Stacks& stacks, const Lifetimes& lifetimes)
    : symbols_(symbols), stacks_(stacks), wrappers_(find_wrappers(stacks, lifetimes)) {
  // The first function below _start that isn't the C library's, named or not.
  const auto& paths = stacks.paths();
  for (const Path& path : paths) {
    if (path.depth < 2 || path.depth > 4 || is_runtime(module(stacks.functions()[path.function])))
      continue;
    std::uint32_t above = path.parent;
    while (paths[above].depth > 1 && is_runtime(module(stacks.functions()[paths[above].function])))
      above = paths[above].parent;
    const std::uint64_t start = stacks.functions()[path.function];
    if (above != path.parent && paths[above].depth == 1 &&
        module(stacks.functions()[paths[above].function]) == module(start)) {
      // What makes static objects comes before.
      if (main_ == 0 || symbols_.function(main_) != "main")
        main_ = start;
    }
  }
}

std::string Naming::module(std::uint64_t address) const {
  const trace::Module* const module = symbols_.module(address);
  return module == nullptr ? std::string() : module->path;
}

std::string Naming::function(std::uint64_t start) {
  const std::string& name = symbols_.function(start);
  return start == main_ && name.find("+0x") != std::string::npos ? "main" : name;
}

bool Naming::nameable(std::uint64_t start) {
  return !passes_on(function(start), module(start)) && function(start) != "_start";
}

Naming::Name Naming::asker(std::uint32_t site) {
  const auto& paths = stacks_.paths();
  const Site& at = stacks_.sites()[site];
  std::uint64_t ip = at.ip;
  std::uint32_t function_index = at.function;
  std::uint32_t path = at.path;
  // A site may be in a function whose frame on the path is further out: it called itself.
  if (paths[path].function == at.function && paths[path].ip == at.ip)
    path = paths[path].parent;
  Name first;
  for (;;) {
    const std::string in = module(ip);
    const auto& places = symbols_.places(ip - 1);
    for (const symbols::Place& place : places) {
      Name name{place.function, in, place_of(place)};
      if (&place == &places.back())
        name.function = function(stacks_.functions()[function_index]);
      if (!wrappers_[function_index] && !passes_on(name.function, in, place.file))
        return name;
      if (first.function.empty())
        first = name;
    }
    if (paths[path].depth <= 1)
      return first;
    ip = paths[path].ip;
    function_index = paths[path].function;
    path = paths[path].parent;
  }
}

bool Naming::asks_itself(std::uint32_t site) {
  const Site& at = stacks_.sites()[site];
  const symbols::Place& place = symbols_.places(at.ip - 1).front();
  return !wrappers_[at.function] && !passes_on(place.function, module(at.ip), place.file);
}

Naming::Name Naming::within(std::uint32_t index,
                            const std::map<std::uint64_t, std::uint64_t>& ips) {
  const std::uint64_t start = stacks_.functions()[index];
  Name name{function(start), module(start), {}};
  std::uint64_t all = 0;
  for (const auto& [ip, count] : ips) {
    const auto& places = symbols_.places(ip - 1);
    name.location = places.back().defined;
    all += count;
  }
  // One inlined copy is its function and the lines of the calls that lead to it.
  using Copy = std::vector<std::pair<std::string, unsigned>>;
  Copy copy;
  for (;;) {
    std::map<Copy, std::pair<std::uint64_t, const symbols::Place*>> copies;
    for (const auto& [ip, count] : ips) {
      const auto& places = symbols_.places(ip - 1);
      const std::size_t depth = copy.size() + 1;
      if (places.size() <= depth)
        continue;
      Copy inner;
      for (std::size_t i = 0; i < depth; ++i)
        inner.emplace_back(places[places.size() - 2 - i].function,
                           places[places.size() - 1 - i].line);
      if (!std::equal(copy.begin(), copy.end(), inner.begin()))
        continue;
      auto& [sum, place] = copies[inner];
      sum += count;
      place = &places[places.size() - 1 - depth];
    }
    const auto largest =
        std::max_element(copies.begin(), copies.end(), [](const auto& a, const auto& b) {
          return a.second.first < b.second.first;
        });
    if (largest == copies.end() || largest->second.first * 100 < all * 98 ||
        passes_on(largest->second.second->function, {}, largest->second.second->file))
      return name;
    copy = largest->first;
    name.function = largest->second.second->function;
    name.location = largest->second.second->defined;
  }
}

} // namespace analyze
