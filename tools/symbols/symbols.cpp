#include "symbols.hpp"

#include "files.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace symbols {

Symbols::Symbols(const std::vector<trace::Module>& modules)
    : modules_(modules), files_(std::make_unique<Files>()) {
  std::sort(modules_.begin(), modules_.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  for (const trace::Module& module : modules_)
    if (module.path.starts_with('/') && !files_->add(module))
      changed_.push_back(module.path);
  files_->end();
}

Symbols::~Symbols() = default;

bool Symbols::available() {
  return Files::available;
}

const trace::Module* Symbols::module(std::uint64_t address) const {
  const auto above = std::upper_bound(
      modules_.begin(), modules_.end(), address,
      [](std::uint64_t a, const trace::Module& module) { return a < module.begin; });
  if (above == modules_.begin() || address >= above[-1].end)
    return nullptr;
  return &above[-1];
}

const std::string& Symbols::function(std::uint64_t start) {
  const auto [found, made] = functions_.try_emplace(start);
  if (made) {
    found->second = symbol(start);
    if (found->second.empty())
      found->second = offset(start);
  }
  return found->second;
}

const std::vector<Place>& Symbols::places(std::uint64_t address) {
  const auto [found, made] = places_.try_emplace(address);
  if (made) {
    found->second = files_->places(address);
    if (found->second.empty())
      found->second.push_back({});
    Place& outermost = found->second.back();
    if (outermost.function.empty())
      outermost.function = symbol(address);
    if (outermost.function.empty())
      outermost.function = offset(address);
  }
  return found->second;
}

/// The name in a symbol table, or an empty one.
std::string Symbols::symbol(std::uint64_t address) {
  const auto above = ranges_.upper_bound(address);
  if (above != ranges_.begin() && address < std::prev(above)->second.end)
    return std::prev(above)->second.name;
  const Symbol found = files_->symbol(address);
  if (!found.name.empty())
    ranges_.try_emplace(found.begin, Range{found.end, found.name});
  return found.name;
}

std::string Symbols::offset(std::uint64_t address) const {
  const trace::Module* const in = module(address);
  if (in == nullptr)
    return fmt::format("0x{:x}", address);
  return fmt::format("{}+0x{:x}", file_name(in->path), address - in->bias);
}

} // namespace symbols
