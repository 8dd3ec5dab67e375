// The places that the subject allocates at. Each calls through a pointer, so that `look_back` can
// be called instead, which sees the return address that malloc would see.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <dlfcn.h>
#include <malloc.h>

struct Functions {
  void* (*malloc)(std::size_t) = std::malloc;
  void* (*calloc)(std::size_t, std::size_t) = std::calloc;
  void* (*realloc)(void*, std::size_t) = std::realloc;
  void* (*reallocarray)(void*, std::size_t, std::size_t) = ::reallocarray;
  void* (*aligned_alloc)(std::size_t, std::size_t) = std::aligned_alloc;
  void* (*memalign)(std::size_t, std::size_t) = ::memalign;
  int (*posix_memalign)(void**, std::size_t, std::size_t) = ::posix_memalign;
  void* (*valloc)(std::size_t) = ::valloc;
  void* (*pvalloc)(std::size_t) = ::pvalloc;
  void* (*make)(std::size_t) = ::operator new;
  void* (*make_array)(std::size_t) = ::operator new[];
  void* (*make_nothrow)(std::size_t, const std::nothrow_t&) = ::operator new;
  void* (*make_array_nothrow)(std::size_t, const std::nothrow_t&) = ::operator new[];
  void* (*make_aligned)(std::size_t, std::align_val_t) = ::operator new;
  void* (*make_array_aligned)(std::size_t, std::align_val_t) = ::operator new[];
};
extern Functions functions;

inline void* kept(void* p) {
  asm volatile("" : "+r"(p)); // no tail calls
  return p;
}

/// As the plan has them: 0 is a region, 1 a pool; -1 is in no plan.
template <int route>
struct At {
#define SITE [[gnu::noinline]] static void*
  SITE malloc(std::size_t n) { return kept(functions.malloc(n)); }
  SITE calloc(std::size_t k, std::size_t n) { return kept(functions.calloc(k, n)); }
  SITE realloc(void* p, std::size_t n) { return kept(functions.realloc(p, n)); }
  SITE reallocarray(void* p, std::size_t k, std::size_t n) {
    return kept(functions.reallocarray(p, k, n));
  }
  SITE aligned_alloc(std::size_t a, std::size_t n) { return kept(functions.aligned_alloc(a, n)); }
  SITE memalign(std::size_t a, std::size_t n) { return kept(functions.memalign(a, n)); }
  SITE posix_memalign(std::size_t a, std::size_t n) {
    void* p = nullptr;
    return functions.posix_memalign(&p, a, n) == 0 ? kept(p) : nullptr;
  }
  SITE valloc(std::size_t n) { return kept(functions.valloc(n)); }
  SITE pvalloc(std::size_t n) { return kept(functions.pvalloc(n)); }
  SITE make(std::size_t n) { return kept(functions.make(n)); }
  SITE make_array(std::size_t n) { return kept(functions.make_array(n)); }
  SITE make_nothrow(std::size_t n) { return kept(functions.make_nothrow(n, std::nothrow)); }
  SITE make_array_nothrow(std::size_t n) {
    return kept(functions.make_array_nothrow(n, std::nothrow));
  }
  SITE make_aligned(std::size_t n, std::size_t a) {
    return kept(functions.make_aligned(n, std::align_val_t(a)));
  }
  SITE make_array_aligned(std::size_t n, std::size_t a) {
    return kept(functions.make_array_aligned(n, std::align_val_t(a)));
  }
#undef SITE

  /// All of them, which `look_back` is then called for.
  static void visit() {
    malloc(1);
    calloc(1, 1);
    realloc(nullptr, 1);
    reallocarray(nullptr, 1, 1);
    aligned_alloc(16, 16);
    memalign(16, 1);
    posix_memalign(16, 1);
    valloc(1);
    pvalloc(1);
    make(1);
    make_array(1);
    make_nothrow(1);
    make_array_nothrow(1);
    make_aligned(1, 32);
    make_array_aligned(1, 32);
  }
};

/// For keys of two frames: the first is that of both.
[[gnu::noinline]] inline void* shared_malloc(std::size_t n) {
  return kept(functions.malloc(n));
}
template <int route>
[[gnu::noinline]] void* through_shared(std::size_t n) {
  return kept(shared_malloc(n));
}

#define CHECK(condition)                                                                           \
  do                                                                                               \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                 \
      std::_Exit(1);                                                                               \
    }                                                                                              \
  while (false)

using Allocate = void*(void* (*)(std::size_t), std::size_t);
/// What allocates in the library there, which is brought.
inline Allocate* plugin(const char* path) {
  void* const library = ::dlopen(path, RTLD_NOW);
  CHECK(library);
  return reinterpret_cast<Allocate*>(::dlsym(library, "plugin_allocate"));
}

/// Prints where all of them are. The program is of no more use then.
int print_keys(const char* plugin_path);
