// What hot_path.sh disassembles: each function is one call of a hot path and nothing else.
#include <allot/allot.hpp>

#include <cstddef>
#include <utility>

extern "C" {
void* bump_16(allot::Bump& s) {
  return s.allocate(16);
}
void* bump_n(allot::Bump& s, std::size_t n) {
  return s.allocate(n);
}
void* arena_16(allot::Arena& s) {
  return s.allocate(16);
}
void* arena_n(allot::Arena& s, std::size_t n) {
  return s.allocate(n);
}
void* scratch_16(allot::Scratch& s) {
  return s.allocate(16);
}
void* region_16(allot::Region& s) {
  return s.allocate(16);
}
void* mapped_16(allot::MappedArena& s) {
  return s.allocate(16);
}
void stack_push(allot::Stack& s, const std::pair<std::size_t, std::size_t>& value) {
  s.push(value);
}
void stack_pop(allot::Stack& s) {
  s.pop(16);
}
std::size_t stack_mark(allot::Stack& s) {
  return s.mark().index();
}
void stack_restore(allot::Stack& s, allot::Marker marker) {
  s.restore(marker);
}
}
