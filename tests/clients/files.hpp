// The real files that the client tests work on: those of Debian's package iso-codes.
#pragma once

#include <fstream>
#include <ios>
#include <iterator>
#include <stdexcept>
#include <string>

namespace clients {

inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + " cannot be read; iso-codes is installed by " +
                             "scripts/install-packages clients");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// 875 kB.
inline std::string languages() {
  return read("/usr/share/iso-codes/json/iso_639-3.json");
}
/// 501 kB.
inline std::string subdivisions() {
  return read("/usr/share/iso-codes/json/iso_3166-2.json");
}

} // namespace clients
