#include "next.hpp"

#include <cstring>

#include <dlfcn.h>

namespace preload {

Next next;
alignas(16) char early[8192];

namespace {

bool found = false;
bool finding = false;

std::size_t early_used = 0;

template <class F>
void find(F*& function, const char* name) {
  function = reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

bool find_next() {
  if (found)
    return true;
  if (finding)
    return false;
  finding = true;
  find(next.malloc, "malloc");
  find(next.calloc, "calloc");
  find(next.realloc, "realloc");
  find(next.free, "free");
  find(next.aligned_alloc, "aligned_alloc");
  find(next.memalign, "memalign");
  find(next.posix_memalign, "posix_memalign");
  find(next.valloc, "valloc");
  find(next.pvalloc, "pvalloc");
  find(next.usable_size, "malloc_usable_size");
  find(next.dlopen, "dlopen");
  find(next.dlclose, "dlclose");
  found = true;
  finding = false;
  return true;
}

bool is_new_standard() {
  const void* const operator_new = ::dlsym(RTLD_NEXT, "_Znwm");
  Dl_info info;
  if (!operator_new)
    return true;
  if (::dladdr(operator_new, &info) == 0 || !info.dli_fname)
    return false;
  return std::strstr(info.dli_fname, "/libstdc++.") != nullptr ||
         std::strstr(info.dli_fname, "/libc++") != nullptr;
}

void* next_function(const char* name) {
  if (void* const function = ::dlsym(RTLD_NEXT, name))
    return function;
  // A library that came with dlopen is not among those after ours.
  void* const library = ::dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return library ? ::dlsym(library, name) : nullptr;
}

// The size lies in front of the block.
void* early_block(std::size_t bytes) {
  const std::size_t rounded = (bytes + 31) & ~std::size_t{15};
  if (rounded < bytes || rounded > sizeof early - early_used)
    return nullptr;
  char* const block = early + early_used + 16;
  std::memcpy(block - 16, &bytes, sizeof bytes);
  early_used += rounded;
  return block;
}

std::size_t early_size(const void* block) {
  std::size_t bytes;
  std::memcpy(&bytes, static_cast<const char*>(block) - 16, sizeof bytes);
  return bytes;
}

} // namespace preload
