#include "output.hpp"

#include <cerrno>
#include <system_error>

void write_to(const std::string& path, const std::function<void(std::FILE*)>& print) {
  std::FILE* const out = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  if (out == nullptr)
    throw std::system_error(errno, std::generic_category(), path);
  print(out);
  const bool failed = std::fflush(out) != 0 || std::ferror(out) != 0;
  const int error = errno;
  if (out != stdout)
    std::fclose(out);
  if (failed)
    throw std::system_error(error, std::generic_category(), path);
}
