// Where the subject allocates.
#include <cstdint>

#include "../../tools/preload/build_id.hpp"
#include "sites.hpp"

Functions functions;

namespace {

using Region = At<0>;
using Pool = At<1>;

std::uintptr_t base_of(std::uintptr_t address, preload::Bytes* id = nullptr) {
  dl_find_object object;
  CHECK(_dl_find_object(reinterpret_cast<void*>(address), &object) == 0); // NOLINT
  if (id)
    *id = preload::build_id(object);
  return reinterpret_cast<std::uintptr_t>(object.dlfo_map_start);
}

void print_module(const char* what, std::uintptr_t inside) {
  preload::Bytes id;
  base_of(inside, &id);
  std::printf("module %s ", what);
  for (std::size_t i = 0; i < id.count; ++i)
    std::printf("%02x", static_cast<const unsigned char*>(id.begin)[i]);
  std::printf("\n");
}

int route_seen = 0;
const char* line_of = "key";

[[gnu::noinline]] void note(void* return_address) {
  const auto a = reinterpret_cast<std::uintptr_t>(return_address);
  std::printf("%s %d %zx\n", line_of, route_seen, a - base_of(a));
}

// Each in the place of the functions of its type.
void* note1(std::size_t) {
  note(__builtin_return_address(0));
  return nullptr;
}
void* note2(std::size_t, std::size_t) {
  note(__builtin_return_address(0));
  return nullptr;
}
void* note_realloc(void*, std::size_t) {
  note(__builtin_return_address(0));
  return nullptr;
}
void* note_reallocarray(void*, std::size_t, std::size_t) {
  note(__builtin_return_address(0));
  return nullptr;
}
int note_posix(void**, std::size_t, std::size_t) {
  note(__builtin_return_address(0));
  return 1;
}
void* note_nothrow(std::size_t, const std::nothrow_t&) {
  note(__builtin_return_address(0));
  return nullptr;
}
void* note_aligned(std::size_t, std::align_val_t) {
  note(__builtin_return_address(0));
  return nullptr;
}

// The frame of shared_malloc keeps its caller's rbp: both are built with frame pointers.
void* note_outer(std::size_t) {
  const auto* const frame = static_cast<void* const*>(__builtin_frame_address(0));
  const auto* const caller = static_cast<void* const*>(frame[0]);
  note(frame[1]);
  const auto outer = reinterpret_cast<std::uintptr_t>(caller[1]);
  std::printf("outer %d %zx\n", route_seen, outer - base_of(outer));
  return nullptr;
}

} // namespace

int print_keys(const char* path) {
  print_module("subject", reinterpret_cast<std::uintptr_t>(&print_keys));
  functions = {
      note1, note2, note_realloc, note_reallocarray, note2,        note2,        note_posix,  note1,
      note1, note1, note1,        note_nothrow,      note_nothrow, note_aligned, note_aligned};
  Region::visit();
  route_seen = 1;
  Pool::visit();
  functions.malloc = note_outer;
  line_of = "inner";
  route_seen = 2;
  through_shared<0>(1);
  line_of = "plugin";
  Allocate* const allocate = plugin(path);
  print_module("plugin", reinterpret_cast<std::uintptr_t>(allocate));
  allocate(note1, 1);
  return 0;
}
