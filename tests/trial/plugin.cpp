// A library that comes with dlopen, and brings another from the folder it is in.
#include <cstddef>

#include <dlfcn.h>

extern "C" {

void* plugin_allocate(void* (*allocate)(std::size_t), std::size_t bytes) {
  void* p = allocate(bytes);
  asm volatile("" : "+r"(p));
  return p;
}

// Found by the RUNPATH of this library alone.
bool plugin_has_friend() {
  void* const found = ::dlopen("liballot_trial_friend.so", RTLD_NOW);
  return found != nullptr;
}

} // extern "C"
