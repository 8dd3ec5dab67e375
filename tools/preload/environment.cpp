#include "environment.hpp"

#include <cstddef>
#include <cstring>

#include <unistd.h>

namespace preload {
namespace {

char** find(const char* name) {
  const std::size_t length = std::strlen(name);
  for (char** entry = environ; entry && *entry; ++entry)
    if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
      return entry;
  return nullptr;
}

void remove(char** entry) {
  do
    entry[0] = entry[1];
  while (*entry++);
}

} // namespace

const char* variable(const char* name) {
  char** const entry = find(name);
  return entry ? *entry + std::strlen(name) + 1 : nullptr;
}

void leave_environment(const char* name) {
  if (char** const entry = find("LD_PRELOAD")) {
    char* const list = *entry + std::strlen("LD_PRELOAD=");
    if (const char* const others = std::strpbrk(list, ": "))
      std::memmove(list, others + 1, std::strlen(others));
    else
      remove(entry);
  }
  if (char** const entry = find(name))
    remove(entry);
}

} // namespace preload
