// What the linker puts in place of the C library's functions.
#include "faults.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstddef>

#include <sys/mman.h>
#include <sys/types.h>

namespace {

using faults::Fault;
using faults::Source;

std::ptrdiff_t blocks = 0;

bool refused(Source source) {
  if (!Fault::now(source))
    return false;
  errno = ENOMEM;
  return true;
}
void* counted(void* p) {
  blocks += p != nullptr ? 1 : 0;
  return p;
}

} // namespace

std::ptrdiff_t faults::heap_blocks() {
  return blocks;
}

extern "C" {

void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void __real_free(void*);
void* __real_mmap(void*, std::size_t, int, int, int, off_t);
void* __real_mremap(void*, std::size_t, std::size_t, int, void*);
int __real_mprotect(void*, std::size_t, int);
int __real_madvise(void*, std::size_t, int);
int __real_posix_fallocate(int, off_t, off_t);

void* __wrap_malloc(std::size_t bytes) {
  return refused(Source::heap) ? nullptr : counted(__real_malloc(bytes));
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  return refused(Source::heap) ? nullptr : counted(__real_calloc(count, bytes));
}
void* __wrap_realloc(void* p, std::size_t bytes) {
  if (refused(Source::heap))
    return nullptr;
  return p == nullptr ? counted(__real_realloc(p, bytes)) : __real_realloc(p, bytes);
}
void __wrap_free(void* p) {
  blocks -= p != nullptr ? 1 : 0;
  __real_free(p);
}

void* __wrap_mmap(void* p, std::size_t bytes, int protection, int flags, int file, off_t from) {
  return refused(Source::system) ? MAP_FAILED
                                 : __real_mmap(p, bytes, protection, flags, file, from);
}
void* __wrap_mremap(void* p, std::size_t bytes, std::size_t to_bytes, int flags, void* to) {
  return refused(Source::system) ? MAP_FAILED : __real_mremap(p, bytes, to_bytes, flags, to);
}
int __wrap_mprotect(void* p, std::size_t bytes, int protection) {
  return refused(Source::system) ? -1 : __real_mprotect(p, bytes, protection);
}
int __wrap_madvise(void* p, std::size_t bytes, int advice) {
  return refused(Source::system) ? -1 : __real_madvise(p, bytes, advice);
}
int __wrap_posix_fallocate(int file, off_t from, off_t bytes) {
  return refused(Source::system) ? ENOSPC : __real_posix_fallocate(file, from, bytes);
}
}
