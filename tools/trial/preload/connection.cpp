#include "connection.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../preload/environment.hpp"

namespace trial {

Header* open_segment() {
  const char* const name = preload::variable(environment_variable);
  if (!name)
    return nullptr;
  const int file = ::open(name, O_RDWR | O_CLOEXEC);
  preload::leave_environment(environment_variable);
  if (file < 0)
    return nullptr;
  void* p = MAP_FAILED;
  Header header{};
  struct stat status;
  if (::pread(file, &header, sizeof header, 0) == sizeof header && header.magic == magic &&
      header.protocol == protocol && header.modules <= max_modules && header.nodes <= max_nodes &&
      header.routes <= max_routes && ::fstat(file, &status) == 0 &&
      static_cast<std::uint64_t>(status.st_size) >= segment_bytes(header))
    p = ::mmap(nullptr, segment_bytes(header), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  return p == MAP_FAILED ? nullptr : static_cast<Header*>(p);
}

} // namespace trial
