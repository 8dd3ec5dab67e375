#include "connection.hpp"

#include <cerrno>
#include <cstring>

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../preload/environment.hpp"
#include "recorder.hpp"

namespace record {
namespace {

char name[64]; // of the command's socket
bool children = false;

void read_environment() {
  const char* const value = preload::variable(environment_variable);
  if (!value)
    return;
  children = *value == '+';
  std::strncpy(name, value + children, sizeof name - 1);
  if (!children)
    preload::leave_environment(environment_variable);
}

// Whether the program's calls of malloc come to this library. To ask for its address isn't enough:
// the address of a function that an executable takes may be in the executable.
bool reaches_us() {
  const auto malloc = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(RTLD_DEFAULT, "malloc"));
  const auto free = reinterpret_cast<void (*)(void*)>(::dlsym(RTLD_DEFAULT, "free"));
  if (!malloc || !free)
    return true;
  const unsigned before = unseen_calls();
  free(malloc(1));
  return unseen_calls() == before + 2;
}

bool send_hello(int socket, const char* refusal) {
  Hello hello{.protocol = protocol, .refusal = {}};
  if (refusal)
    std::strncpy(hello.refusal, refusal, sizeof hello.refusal - 1);
  return ::send(socket, &hello, sizeof hello, MSG_NOSIGNAL) == sizeof hello;
}

// The descriptor that comes, or -1; `answer` is the byte that comes with it.
int receive(int socket, char& answer) {
  iovec data{.iov_base = &answer, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  const cmsghdr* const header = n == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return -1;
  int descriptor;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

Segment* map(int descriptor) {
  void* const p = ::mmap(nullptr, segment_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                         descriptor, 0);
  if (p == MAP_FAILED)
    return nullptr;
  ::madvise(p, segment_bytes, MADV_DONTDUMP);
  return static_cast<Segment*>(p);
}

} // namespace

Segment* connect(bool forked) {
  if (!forked)
    read_environment();
  else if (!children)
    return nullptr;
  if (!*name)
    return nullptr;
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (socket < 0)
    return nullptr;
  Segment* segment = nullptr;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(name);
  std::memcpy(address.sun_path + 1, name, length); // in the abstract namespace
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), bytes) == 0) {
    const char* const why =
        reaches_us() ? nullptr
                     : "its malloc is its own: one is linked in, or comes before the recorder";
    if (send_hello(socket, why)) {
      char answer = 0;
      const int descriptor = receive(socket, answer);
      if (answer == answer_end)
        ::_exit(3);
      if (descriptor >= 0) {
        segment = map(descriptor);
        ::close(descriptor);
      }
    }
  }
  ::close(socket);
  return segment;
}

} // namespace record
