// allot_torture KIND OPERATIONS [--unfenced]: what serves several threads, used by as many as can
// hurt it. Each block carries its owner's stamp at both ends, and may be given back by another
// thread, when its owner has ended. Meant for ThreadSanitizer; the stamps tell by themselves of a
// block that was handed out twice.
//
// With --unfenced the system refuses to fence threads, as some do: locks take another way then. 77
// says that it cannot be made to.
#include "torture.hpp"

#include <allot/base/os.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(__linux__)
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

namespace {

struct Kind {
  std::string_view name;
  std::uint64_t (*torture)(std::uint64_t operations);
};
constexpr Kind kinds[] = {
    {"arena", torture::arena},
    {"block_pool", torture::block_pool},
    {"forks", torture::forks},
    {"multipool", torture::multipool},
    {"object_pool", torture::object_pool},
    {"resource", torture::resource},
    {"scratch", torture::scratch},
};

/// False: there is no way here.
bool refuse_fences() {
#if defined(__linux__)
  sock_filter refusal[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (38 & SECCOMP_RET_DATA)), // ENOSYS
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof refusal / sizeof *refusal, refusal};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
         !allot::os::can_fence_threads();
#else
  return false;
#endif
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  const Kind* kind = nullptr;
  for (const Kind& each : kinds)
    if (each.name == wanted)
      kind = &each;
  if (kind == nullptr || argc < 3) {
    std::fputs("usage: allot_torture KIND OPERATIONS [--unfenced]\n", stderr);
    return 2;
  }
  if (argc > 3 && !refuse_fences())
    return 77;
  const std::uint64_t done = kind->torture(std::strtoull(argv[2], nullptr, 10));
  std::printf("%s: %llu operations, threads %s\n", argv[1], static_cast<unsigned long long>(done),
              allot::os::can_fence_threads() ? "fenced" : "not fenced");
}
