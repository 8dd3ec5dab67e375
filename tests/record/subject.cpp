// A program that does what recorders find hard: one thing, by its name, and then says that it is
// done.
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <cerrno>
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

[[gnu::noinline]] void leaf(std::size_t n) {
  void* volatile p = std::malloc(n);
  std::free(p);
}
[[gnu::noinline]] void outer(std::size_t n) {
  leaf(n);
  leaf(n);
  asm volatile("");
}

void plain() {
  for (int i = 0; i < 1000; ++i)
    outer(24);
}

// A compiler may not leave out what somebody might look at.
void* seen(void* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

// Everything that the family has.
void family() {
  void* p = seen(std::malloc(100));
  p = seen(std::realloc(p, 100000));
  p = seen(reallocarray(p, 10, 10));
  std::free(p);
  p = seen(std::calloc(3, 5));
  p = seen(std::realloc(p, 0)); // NOLINT: gives it back
  p = seen(std::realloc(nullptr, 40));
  std::free(p);
  std::free(nullptr);
  std::free(seen(std::aligned_alloc(64, 128)));
  std::free(seen(memalign(256, 10)));
  if (posix_memalign(&p, 32, 40) == 0)
    std::free(seen(p));
  std::free(seen(valloc(10)));
  std::free(seen(pvalloc(10)));
  std::free(seen(strdup("a text that is copied")));
  const auto wide = std::align_val_t(128);
  ::operator delete(seen(::operator new(4)));
  ::operator delete[](seen(::operator new[](20)));
  ::operator delete(seen(::operator new(128, wide)), wide);
  ::operator delete[](seen(::operator new[](300, wide)), wide);
  ::operator delete(seen(::operator new(7, std::nothrow)), std::nothrow);
  ::operator delete[](seen(::operator new[](7, std::nothrow)), std::nothrow);
  p = seen(std::malloc(33));
  if (malloc_usable_size(p) < 33)
    std::abort();
  std::free(p);
}

std::jmp_buf back;
[[gnu::noinline]] void jump(int depth) {
  leaf(16);
  if (depth == 0)
    std::longjmp(back, 1);
  if (depth > 0)
    jump(depth - 1);
  asm volatile("");
}
void longjmps() {
  for (int i = 0; i < 100; ++i) {
    if (setjmp(back) == 0)
      jump(10);
    leaf(32);
  }
}

[[gnu::noinline]] void throwing(int depth) {
  std::string local(100, 'x');
  if (depth == 0)
    throw std::runtime_error("a text that is longer than what fits");
  throwing(depth - 1);
  asm volatile("" ::"r"(local.data()));
}
void exceptions() {
  for (int i = 0; i < 100; ++i) {
    try {
      throwing(20);
    } catch (const std::exception&) {
      leaf(32);
    }
  }
}

volatile std::sig_atomic_t handled = 0;
void raise_often(bool own_stack) {
  static char memory[65536];
  stack_t stack{memory, 0, sizeof memory};
  struct sigaction action {};
  action.sa_handler = [](int) {
    leaf(48);
    handled = handled + 1;
  };
  if (own_stack) {
    sigaltstack(&stack, nullptr);
    action.sa_flags = SA_ONSTACK;
  }
  sigaction(SIGUSR1, &action, nullptr);
  for (int i = 0; i < 500; ++i) {
    outer(24);
    std::raise(SIGUSR1);
    outer(24);
  }
  if (handled != 500)
    std::abort();
}

void signals() {
  raise_often(false);
}
void signal_stack() {
  raise_often(true);
}

// From a handler that interrupts malloc and the recorder at any instruction.
void storm() {
  struct sigaction action {};
  action.sa_handler = [](int) { handled = handled + 1; };
  sigaction(SIGALRM, &action, nullptr);
  ualarm(200, 200);
  for (int i = 0; i < 100000; ++i)
    outer(24);
  ualarm(0, 0);
}

// What one thread moves away from another gets at once: all share one arena, and nothing is small
// enough for what each thread keeps for itself. What is moved is long, so that another thread comes
// between.
void moves() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 24);
  std::vector<std::thread> all;
  for (int t = 0; t < 4; ++t)
    all.emplace_back([] {
      for (std::size_t i = 0; i < 20000; ++i)
        std::free(std::realloc(std::malloc(100000), 200000 + i % 8 * 10000));
    });
  for (auto& t : all)
    t.join();
}

void threads() {
  std::vector<std::thread> all;
  static void* volatile box[4][20000];
  for (int t = 0; t < 4; ++t)
    all.emplace_back([t] {
      for (auto& slot : box[t])
        slot = std::malloc(40);
    });
  for (auto& t : all)
    t.join();
  all.clear();
  for (int t = 0; t < 4; ++t)
    all.emplace_back([t] {
      for (auto& slot : box[(t + 1) % 4])
        std::free(slot);
    });
  for (auto& t : all)
    t.join();
  for (int i = 0; i < 2000; ++i) // more than there are lanes
    std::thread([] { outer(24); }).join();
}

void forks() {
  for (int i = 0; i < 5; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int k = 0; k < 1000; ++k)
        outer(24);
      _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WEXITSTATUS(status) != 7)
      std::abort();
    outer(24);
  }
}

void vforks() {
  for (int i = 0; i < 5; ++i) {
    outer(24);
    const pid_t child = vfork();
    if (child == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    if (status != 0)
      std::abort();
  }
}

void late() {
  for (int i = 0; i < 3; ++i) {
    void* const library = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
      std::abort();
    using Init = int (*)(void*, int, const char*, int);
    char stream[112] = {};
    reinterpret_cast<Init>(dlsym(library, "deflateInit_"))(stream, 6, "1.2", sizeof stream);
    reinterpret_cast<int (*)(void*)>(dlsym(library, "deflateEnd"))(stream);
    dlclose(library);
  }
}

void small_stacks() {
  for (int i = 0; i < 50; ++i) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN));
    pthread_t thread;
    pthread_create(
        &thread, &attributes,
        [](void*) -> void* {
          outer(24);
          return nullptr;
        },
        nullptr);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
  }
}

[[gnu::noinline]] void recurse(int depth) {
  void* volatile p = std::malloc(16);
  if (depth != 0)
    recurse(depth - 1);
  std::free(p);
  asm volatile("");
}
void recursion() {
  recurse(100000);
}

ucontext_t main_context, other_context;
void coroutines() {
  for (int i = 0; i < 50; ++i) {
    char* volatile memory = static_cast<char*>(std::malloc(65536));
    getcontext(&other_context);
    other_context.uc_stack = {memory, 0, 65536};
    other_context.uc_link = &main_context;
    makecontext(
        &other_context,
        [] {
          outer(24);
          swapcontext(&other_context, &main_context);
          outer(24);
        },
        0);
    swapcontext(&main_context, &other_context);
    outer(24);
    swapcontext(&main_context, &other_context);
    std::free(memory);
  }
}

void close_all() {
  for (int i = 0; i < 1000; ++i)
    outer(24);
  for (int i = 0; i < 256; ++i)
    close(i);
  for (int i = 0; i < 100000; ++i)
    outer(24);
}

// Keeps on after its parent is gone.
void daemonise() {
  outer(24);
  if (fork() != 0)
    _exit(0);
  setsid();
  if (fork() != 0)
    _exit(0);
  for (int i = 0; i < 1000; ++i)
    outer(24);
}

void crash(int signal) {
  for (int i = 0; i < 12345; ++i)
    outer(24);
  kill(getpid(), signal);
  pause();
}
void segv() {
  crash(SIGSEGV);
}
void killed() {
  crash(SIGKILL);
}
void aborts() {
  crash(SIGABRT);
}

void error_number() {
  for (int i = 0; i < 1000; ++i) {
    errno = 77;
    outer(24);
    if (errno != 77)
      std::abort();
  }
  std::thread([] {
    errno = 77;
    outer(24);
    if (errno != 77)
      std::abort();
  }).join();
}

// A new_handler that leaves by an exception, or throws; and what comes after is still seen.
void no_memory() {
  std::set_new_handler([] { throw std::bad_alloc(); });
  for (int i = 0; i < 10; ++i) {
    try {
      char* volatile p = new char[std::size_t{1} << 46];
      delete[] p;
    } catch (const std::bad_alloc&) {
    }
    outer(24);
  }
}

// A hundred thousand ways to come to the same call.
[[gnu::noinline]] void way0(unsigned path, int depth);
[[gnu::noinline]] void way1(unsigned path, int depth);
[[gnu::noinline]] void way0(unsigned path, int depth) {
  depth == 0 ? leaf(24) : (path & 1) ? way1(path >> 1, depth - 1) : way0(path >> 1, depth - 1);
  asm volatile("");
}
[[gnu::noinline]] void way1(unsigned path, int depth) {
  depth == 0 ? leaf(24) : (path & 1) ? way1(path >> 1, depth - 1) : way0(path >> 1, depth - 1);
  asm volatile("nop");
}
void ways() {
  for (unsigned i = 0; i < 1u << 17; ++i)
    way0(i, 17);
}

void many() {
  for (int i = 0; i < 200000; ++i)
    outer(24);
}

// Before the recorder's own constructors ran.
struct Early {
  void* p = std::malloc(77);
} early;

struct Case {
  const char* name;
  void (*run)();
};
constexpr Case cases[] = {
    {"plain", plain},
    {"family", family},
    {"longjmp", longjmps},
    {"exceptions", exceptions},
    {"signals", signals},
    {"signal_stack", signal_stack},
    {"storm", storm},
    {"threads", threads},
    {"moves", moves},
    {"fork", forks},
    {"vfork", vforks},
    {"late", late},
    {"small_stacks", small_stacks},
    {"recursion", recursion},
    {"coroutines", coroutines},
    {"close_all", close_all},
    {"daemon", daemonise},
    {"segv", segv},
    {"killed", killed},
    {"abort", aborts},
    {"errno", error_number},
    {"no_memory", no_memory},
    {"ways", ways},
    {"many", many},
};

} // namespace

int main(int count, char** arguments) {
  for (const Case& c : cases)
    if (count > 1 && std::strcmp(c.name, arguments[1]) == 0) {
      c.run();
      std::puts("done");
      return 0;
    }
  return 9;
}
