#include "modules.hpp"

#include <cstring>

#include <link.h>
#include <unistd.h>

#include "../../preload/build_id.hpp"

namespace trial {
namespace {

struct Looking {
  const Header& plan;
  Seen& seen;
  std::uint64_t* biases; // null: only whether any have come or gone
  unsigned long long adds = 0;
  unsigned long long subs = 0;
};

const char* file_name(const char* path, char* room, std::size_t bytes) {
  if (!path || !*path) {
    const ssize_t n = ::readlink("/proc/self/exe", room, bytes - 1);
    room[n > 0 ? n : 0] = '\0';
    path = room;
  }
  const char* const slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

void note(const dl_phdr_info& info, Looking& looking) {
  // Not by _dl_find_object: it finds what dlopen brings only later.
  const preload::Bytes id = preload::build_id(info.dlpi_addr, info.dlpi_phdr, info.dlpi_phnum);
  char room[4096];
  const char* const name = file_name(info.dlpi_name, room, sizeof room);
  const auto* const modules =
      reinterpret_cast<const Module*>(reinterpret_cast<const char*>(&looking.plan) + modules_at);
  for (std::uint32_t i = 0; i < looking.plan.modules; ++i) {
    const Module& module = modules[i];
    std::atomic<Match>& match = looking.seen.modules[i];
    if (id.count != 0 && id.count == module.build_id_bytes && id.count <= sizeof module.build_id &&
        std::memcmp(id.begin, module.build_id, id.count) == 0) {
      looking.biases[i] = info.dlpi_addr + 1;
      match = Match::matched;
    } else if (match == Match::absent &&
               std::strncmp(name, module.name, sizeof module.name - 1) == 0) {
      match = Match::differs;
    }
  }
}

int look_at(dl_phdr_info* info, std::size_t, void* to) {
  auto& looking = *static_cast<Looking*>(to);
  looking.adds = info->dlpi_adds;
  looking.subs = info->dlpi_subs;
  if (!looking.biases)
    return 1;
  note(*info, looking);
  return 0;
}

} // namespace

bool Modules::look(const Header& plan, Seen& seen) {
  Looking looking{plan, seen, nullptr};
  ::dl_iterate_phdr(look_at, &looking);
  if (looking.adds == adds_ && looking.subs == subs_)
    return false;
  static std::uint64_t biases[max_modules]; // who looks holds a lock
  std::memset(biases, 0, sizeof biases);
  looking.biases = biases;
  ::dl_iterate_phdr(look_at, &looking);
  adds_ = looking.adds;
  subs_ = looking.subs;
  if (std::memcmp(biases, biases_, sizeof biases) == 0)
    return false;
  std::memcpy(biases_, biases, sizeof biases);
  return true;
}

} // namespace trial
