#include "peers.hpp"
#include "installed.hpp"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

namespace bench {

namespace {

// Whether what the program calls by this name is in a library of that name.
bool is_from(const char* function, const char* library) {
  void* const address = dlsym(RTLD_DEFAULT, function);
  Dl_info info;
  return address != nullptr && dladdr(address, &info) != 0 &&
         std::strstr(info.dli_fname, library) != nullptr;
}

} // namespace

std::string left_out() {
  return ALLOT_BENCH_LEFT_OUT;
}

void check_malloc() {
  if (is_from("malloc", "/libc.so") && is_from("free", "/libc.so") &&
      is_from("_Znwm", "/libstdc++.so"))
    return;
  std::fputs("malloc or operator new is not the C or C++ library's own: one of the peers was "
             "linked, or preloaded, before them\n",
             stderr);
  std::exit(1);
}

#ifdef ALLOT_BENCH_JEMALLOC
namespace {

// The library is linked, for its thread-local storage has no room when it is opened later.
template <class Function>
Function* from_jemalloc(const char* name) {
  static void* const library = dlopen(ALLOT_BENCH_JEMALLOC_FILE, RTLD_NOW | RTLD_NOLOAD);
  void* const function = library == nullptr ? nullptr : dlsym(library, name);
  if (function == nullptr) {
    std::fprintf(stderr, "%s is not in %s\n", name, ALLOT_BENCH_JEMALLOC_FILE);
    std::exit(1);
  }
  return reinterpret_cast<Function*>(function);
}

} // namespace

decltype(&std::malloc) const Jemalloc::malloc_ = from_jemalloc<decltype(std::malloc)>("malloc");
decltype(&std::aligned_alloc) const Jemalloc::aligned_alloc_ =
    from_jemalloc<decltype(std::aligned_alloc)>("aligned_alloc");
decltype(&std::realloc) const Jemalloc::realloc_ = from_jemalloc<decltype(std::realloc)>("realloc");
decltype(&std::free) const Jemalloc::free_ = from_jemalloc<decltype(std::free)>("free");
#endif

} // namespace bench
