#include "files.hpp"

namespace symbols {

const bool Symbols::Files::available = false;

Symbols::Files::Files() = default;
Symbols::Files::~Files() = default;
bool Symbols::Files::add(const trace::Module&) {
  return true;
}
void Symbols::Files::end() {}
Symbol Symbols::Files::symbol(std::uint64_t) {
  return {};
}
std::vector<Place> Symbols::Files::places(std::uint64_t) {
  return {};
}

} // namespace symbols
