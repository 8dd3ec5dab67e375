// The functions that the program would have called without the preloaded library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace preload {

struct Next {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  std::size_t (*usable_size)(void*);
  void* (*dlopen)(const char*, int);
  int (*dlclose)(void*);
};

extern Next next;

/// Finds them; once. While it does, `early` serves those who ask. False while it does.
[[gnu::cold]] bool find_next();

/// Whether operator new is the one that calls malloc, and operator delete the one that calls free.
/// May allocate.
bool is_new_standard();

/// A function by its name in the libraries after ours, or null.
void* next_function(const char* name);

/// A block before there is a malloc; null when there is no more.
void* early_block(std::size_t bytes);
extern char early[8192];
inline bool is_early(const void* block) {
  return reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(early) <
         sizeof early;
}
std::size_t early_size(const void* block);

} // namespace preload
