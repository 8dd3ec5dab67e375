// What a trial's look-ups cost: pairs of malloc and free, called from DEPTH functions inside each
// other, the innermost of which are the same for two callers.
//
//   look_up plan nothing DEPTH      a plan of a place that never allocates
//   look_up plan shared DEPTH       a plan whose key is DEPTH frames long, and the other caller's
//   look_up plan region DEPTH       a plan that routes the caller that is measured, to a region
//   look_up plan pool DEPTH         the same, to a pool
//   look_up run DEPTH PAIRS         nanoseconds of the processor's time a pair
//
// So run under `shared` DEPTH frames are looked at in vain. DEPTH is 1 to 8. A plan holds for the
// program that printed it, unchanged.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <elf.h>
#include <execinfo.h>
#include <link.h>
#include <unistd.h>

namespace {

constexpr int max_depth = 8;
constexpr int batch = 64; // blocks that live at once

void* (*volatile allocate)(std::size_t) = std::malloc;

void* frames[64];
int found = 0;

// Called as malloc would be, to see from where.
void* look_back(std::size_t) {
  found = backtrace(frames, 64) - 1;
  std::memmove(frames, frames + 1, static_cast<std::size_t>(found) * sizeof *frames);
  return nullptr;
}

template <int depth>
[[gnu::noinline]] void* inner() {
  void* p;
  if constexpr (depth == 1)
    p = allocate(32);
  else
    p = inner<depth - 1>();
  asm volatile("" : "+r"(p)); // no tail calls
  return p;
}

// The outermost of `depth` frames that are looked at.
template <int depth>
[[gnu::noinline]] void* call() {
  void* p;
  if constexpr (depth == 1)
    p = allocate(32);
  else
    p = inner<depth - 1>();
  asm volatile("" : "+r"(p));
  return p;
}

template <int depth>
[[gnu::noinline]] void measured(long pairs) {
  void* blocks[batch];
  for (long i = 0; i < pairs; i += batch) {
    for (void*& p : blocks)
      p = call<depth>();
    for (int k = batch; k-- != 0;)
      std::free(blocks[k]);
  }
}

// Shares all but the outermost frame with what is measured.
template <int depth>
[[gnu::noinline]] void other() {
  void* p;
  if constexpr (depth == 1)
    p = allocate(33);
  else
    p = inner<depth - 1>();
  asm volatile("" : "+r"(p));
  std::free(p);
}

double processor_time() {
  timespec t;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// The least of ten parts: what else the machine does only adds to it.
template <int depth>
double run(long pairs) {
  double least = 0;
  for (int i = 0; i < 10; ++i) {
    const double begin = processor_time();
    measured<depth>(pairs / 10);
    const double taken = (processor_time() - begin) / (static_cast<double>(pairs) / 10);
    least = i == 0 || taken < least ? taken : least;
  }
  return least;
}

// The program's own address and build id.
struct Self {
  std::uintptr_t bias = 0;
  char id[80] = "-";
};

int look_at(dl_phdr_info* info, std::size_t, void* to) {
  auto& self = *static_cast<Self*>(to);
  self.bias = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type != PT_NOTE)
      continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    const char* const end = at + info->dlpi_phdr[i].p_memsz;
    while (at < end) {
      Elf64_Nhdr note;
      std::memcpy(&note, at, sizeof note);
      const char* const text = at + sizeof note + ((note.n_namesz + 3u) & ~3u);
      if (note.n_type == NT_GNU_BUILD_ID)
        for (unsigned k = 0; k < note.n_descsz && k < 32; ++k)
          std::snprintf(self.id + std::size_t{2} * k, 3, "%02x",
                        static_cast<unsigned char>(text[k]));
      at = text + ((note.n_descsz + 3u) & ~3u);
    }
  }
  return 1; // the first is the program
}

template <int depth>
int print_plan(const char* what) {
  Self self;
  dl_iterate_phdr(look_at, &self);
  char path[4096] = "";
  if (::readlink("/proc/self/exe", path, sizeof path - 1) <= 0)
    return 1;
  const char* const slash = std::strrchr(path, '/');
  const char* const name = slash ? slash + 1 : path;

  allocate = look_back;
  const bool nothing = std::strcmp(what, "nothing") == 0;
  if (nothing || std::strcmp(what, "shared") == 0)
    other<depth>();
  else
    static_cast<void>(call<depth>());
  const char* const strategy = std::strcmp(what, "pool") == 0 ? "pool 32 64" : "region 2048 0";
  std::printf("allot plan 2\nmodule %s %s\nroute 0 %s 0 measured\n", self.id, path, strategy);
  const auto print_frames = [&](int count) {
    for (int i = 0; i < count; ++i)
      std::printf(" %s+%zx", name,
                  reinterpret_cast<std::uintptr_t>(frames[i]) - self.bias + nothing);
    std::printf("\n");
  };
  for (int count = 1; count < depth; ++count) {
    std::printf("inner %d", count);
    print_frames(count);
  }
  std::printf("key 0 %d", depth);
  print_frames(depth);
  return 0;
}

template <int depth = 1>
int go(int wanted, const char* what, long pairs) {
  if (depth == wanted) {
    if (what)
      return print_plan<depth>(what);
    std::printf("%.2f\n", run<depth>(pairs));
    return 0;
  }
  if constexpr (depth < max_depth)
    return go<depth + 1>(wanted, what, pairs);
  std::fputs("look_up: a depth is 1 to 8\n", stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "plan") == 0)
    return go(std::atoi(argv[3]), argv[2], 0);
  if (argc == 4 && std::strcmp(argv[1], "run") == 0)
    return go(std::atoi(argv[2]), nullptr, std::atol(argv[3]));
  std::fputs("look_up plan nothing|shared|region|pool DEPTH\nlook_up run DEPTH PAIRS\n", stderr);
  return 2;
}
