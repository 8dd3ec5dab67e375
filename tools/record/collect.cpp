#include "collect.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace record {
namespace {

volatile std::sig_atomic_t interrupted = 0; // times
volatile std::sig_atomic_t terminated = 0;

// The program gets an interrupt from the terminal itself; what ends this process only is passed on.
class Signals {
public:
  Signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = interrupted + 1; };
    ::sigaction(SIGINT, &action, &before_[0]);
    ::sigaction(SIGQUIT, &action, &before_[1]);
    action.sa_handler = [](int) { terminated = terminated + 1; };
    ::sigaction(SIGTERM, &action, &before_[2]);
    action.sa_handler = SIG_IGN; // a write that fails tells it as well
    ::sigaction(SIGXFSZ, &action, &before_[3]);
  }
  Signals(Signals&&) = delete;
  ~Signals() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGQUIT, &before_[1], nullptr);
    ::sigaction(SIGTERM, &before_[2], nullptr);
    ::sigaction(SIGXFSZ, &before_[3], nullptr);
  }

private:
  struct sigaction before_[4] = {};
};

int open_process(pid_t process) {
  return static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
}

// Of all of its threads, in nanoseconds; also once it has ended, until somebody has waited for it.
std::uint64_t processor_time(pid_t process) {
  clockid_t clock;
  timespec t;
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &t) != 0)
    return 0;
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

// The path of what it runs; empty when it has ended, or that may not be known.
std::string image_of(pid_t process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/exe", error);
}

std::uint64_t nanoseconds(const timeval& t) {
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_usec) * 1000;
}

void answer(int socket, char byte, int descriptor) {
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

} // namespace

struct Collector::Watched {
  Session session;
  int descriptor;
  bool ended = false;
  Watched(pid_t process, std::unique_ptr<trace::Writer> trace)
      : session(process, std::move(trace)), descriptor(open_process(process)) {}
  Watched(Watched&&) = delete;
  ~Watched() { ::close(descriptor); }
};

Collector::Collector(std::string path, bool children)
    : path_(std::move(path)), children_(children), first_(std::make_unique<trace::Writer>(path_)) {
  listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  name_ = "allot-record-" + std::to_string(::getpid()) + '-' + std::to_string(t.tv_nsec);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name_.data(), name_.size());
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), bytes) != 0 ||
      ::listen(listener_, 128) != 0)
    throw std::system_error(errno, std::generic_category(), "a socket for the program");
}

Collector::~Collector() {
  ::close(listener_);
  ::close(program_descriptor_);
}

std::string Collector::variable() const {
  return (children_ ? "+" : "") + name_;
}

Outcome Collector::run(pid_t program) {
  program_ = program;
  program_descriptor_ = open_process(program);
  const Signals signals;
  if (children_)
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int passed_on = 0;
  const int interrupted_before = interrupted;
  for (int pause = 1; program_descriptor_ >= 0 || (children_ && others_are_left());) {
    wait(pause);
    if (program_descriptor_ >= 0 && passed_on < terminated) {
      passed_on = terminated;
      ::kill(program_, SIGTERM);
    }
    if (program_descriptor_ < 0 && (interrupted != interrupted_before || terminated != passed_on))
      break;
    if (!children_)
      look_at_image();
    const std::size_t blocks = drain();
    pause = blocks >= blocks_of_lane / 4 ? 1 : std::min(pause + 1, 20);
  }
  for (const auto& watched : watched_) // those that are still there
    if (!watched->ended)
      end(*watched, {});
  if (first_) { // nobody came
    std::error_code error;
    if (std::filesystem::is_regular_file(path_, error))
      std::filesystem::remove(path_, error);
  }
  return std::move(outcome_);
}

// What comes after exec would be taken for the program's own.
void Collector::look_at_image() {
  const std::string now = image_of(program_);
  if (!now.empty() && !image_.empty() && now != image_)
    outcome_.became = now;
}

// Orphans become this process's children, so that it learns when the last has ended.
bool Collector::others_are_left() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return !watched_.empty() || errno != ECHILD;
}

// For something to come or to end, or for the time to be over; and deals with what came.
void Collector::wait(int milliseconds) {
  std::vector<pollfd> events{{listener_, POLLIN, 0}, {program_descriptor_, POLLIN, 0}};
  for (const auto& watched : watched_)
    events.push_back({watched->descriptor, POLLIN, 0});
  if (::poll(events.data(), events.size(), milliseconds) <= 0)
    return;
  const std::size_t known = watched_.size();
  for (std::size_t i = 0; i < known; ++i)
    if (events[i + 2].revents != 0 && !watched_[i]->ended &&
        watched_[i]->session.process() != program_)
      end(*watched_[i], {.status = 0,
                         .processor_time = processor_time(watched_[i]->session.process()),
                         .peak_bytes = 0});
  if (events[0].revents != 0)
    accept_one();
  if (events[1].revents != 0)
    program_ended();
  std::erase_if(watched_, [](const auto& watched) { return watched->ended; });
}

std::size_t Collector::drain() {
  std::size_t most = 0;
  for (const auto& watched : watched_)
    most = std::max(most, watched->session.drain());
  return most;
}

void Collector::accept_one() {
  const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0)
    return;
  ucred peer{};
  socklen_t bytes = sizeof peer;
  Hello hello{};
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
      (peer.uid == ::geteuid() || peer.uid == 0) &&
      ::recv(socket, &hello, sizeof hello, 0) == sizeof hello && hello.protocol == protocol) {
    hello.refusal[sizeof hello.refusal - 1] = '\0';
    const bool ours = peer.pid == program_;
    if (*hello.refusal) {
      if (ours && first_)
        outcome_.refusal = hello.refusal;
      answer(socket, ours && first_ ? answer_end : answer_go, -1);
    } else {
      for (const auto& watched : watched_) // it has become another program
        if (watched->session.process() == peer.pid && !watched->ended)
          end(*watched, {.status = 0, .processor_time = processor_time(peer.pid), .peak_bytes = 0});
      try {
        watched_.push_back(std::make_unique<Watched>(peer.pid, trace_for(peer.pid)));
        if (ours && image_.empty())
          image_ = image_of(program_);
        answer(socket, answer_go, watched_.back()->session.descriptor());
        watched_.back()->session.sent();
      } catch (const std::exception& error) {
        outcome_.recorded.push_back({peer.pid, path_, 0, 0, 0, error.what()});
        answer(socket, answer_go, -1);
      }
    }
  }
  ::close(socket);
}

std::unique_ptr<trace::Writer> Collector::trace_for(pid_t process) {
  if (first_)
    return std::move(first_);
  std::string path = path_ + '.' + std::to_string(process);
  for (int n = 2; std::any_of(outcome_.recorded.begin(), outcome_.recorded.end(),
                              [&](const Recorded& r) { return r.path == path; });
       ++n)
    path = path_ + '.' + std::to_string(process) + '.' + std::to_string(n);
  return std::make_unique<trace::Writer>(path);
}

void Collector::end(Watched& watched, const Ending& ending) {
  Session& session = watched.session;
  session.finish(ending);
  watched.ended = true;
  outcome_.recorded.push_back({session.process(), session.path(), session.events(), session.lost(),
                               session.bytes(), session.failure()});
}

void Collector::program_ended() {
  Ending ending;
  ending.processor_time = processor_time(program_);
  rusage usage{};
  if (::wait4(program_, &ending.status, 0, &usage) == program_) {
    ending.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    const std::uint64_t of_all = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
    if (ending.processor_time == 0)
      ending.processor_time = of_all;
    if (of_all > ending.processor_time)
      outcome_.of_children =
          1 - static_cast<double>(ending.processor_time) / static_cast<double>(of_all);
  }
  outcome_.status = ending.status;
  ::close(program_descriptor_);
  program_descriptor_ = -1;
  for (const auto& watched : watched_)
    if (watched->session.process() == program_ && !watched->ended)
      end(*watched, ending);
}

} // namespace record
