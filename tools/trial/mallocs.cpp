#include "mallocs.hpp"

#include <filesystem>
#include <initializer_list>
#include <system_error>

namespace trial {

std::vector<Malloc> other_mallocs() {
  static constexpr struct {
    const char* name;
    std::initializer_list<const char*> files; // as distributions call them, the best first
  } known[] = {
      {"mimalloc", {"libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0"}},
      {"jemalloc", {"libjemalloc.so.2"}},
  };
  std::vector<Malloc> found;
  const auto find = [&found](const auto& malloc) {
    for (const char* const folder : {"/usr/local/lib", "/usr/lib/x86_64-linux-gnu",
                                     "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"})
      for (const char* const file : malloc.files) {
        const std::filesystem::path path = std::filesystem::path(folder) / file;
        std::error_code error;
        if (std::filesystem::exists(path, error)) {
          found.push_back({malloc.name, path});
          return;
        }
      }
  };
  for (const auto& malloc : known)
    find(malloc);
  return found;
}

} // namespace trial
