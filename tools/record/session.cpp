#include "session.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

namespace record {
namespace {

std::uint64_t now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

// A descriptor of memory of that size. A limit of the size of files isn't meant for it.
int make_memory() {
  const int descriptor = ::memfd_create("allot record", MFD_CLOEXEC);
  if (descriptor < 0)
    return -1;
  rlimit limit;
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit most{limit.rlim_max, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &most);
  const int result = ::ftruncate(descriptor, static_cast<off_t>(segment_bytes));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  if (result == 0)
    return descriptor;
  ::close(descriptor);
  return -1;
}

void put_number(std::vector<std::uint8_t>& to, std::uint64_t n) {
  std::uint8_t bytes[10];
  to.insert(to.end(), bytes, trace::put(bytes, n));
}

void put_text(std::vector<std::uint8_t>& to, const std::string& text) {
  put_number(to, text.size());
  to.insert(to.end(), text.begin(), text.end());
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the thread would have written at the end of a block that it didn't come to close.
struct Contents {
  std::size_t bytes = 0;
  std::uint64_t count = 0;
  std::uint64_t last = 0;
};

Contents contents_of(const Block& block, std::size_t used) {
  Contents contents{.bytes = 0, .count = 0, .last = block.first - 1};
  const std::uint8_t* at = block.events;
  const std::uint8_t* const end = at + used;
  while (at != end) {
    const std::uint8_t tag = *at++;
    const auto operation = static_cast<trace::Operation>(tag & 15);
    std::uint64_t step = 1;
    if ((tag & trace::flag::ordered) != 0 && !(at = trace::get(at, end, step)))
      break;
    int numbers = (tag & trace::flag::same) != 0 ? 0 : 2;
    numbers += operation == trace::Operation::reallocate ? 2 : 1;
    numbers += trace::releases(operation) ? 0 : 1;
    numbers += operation == trace::Operation::aligned ? 1 : 0;
    for (std::uint64_t unused; at && numbers != 0; --numbers)
      at = trace::get(at, end, unused);
    std::uint64_t between = 0;
    if (at && operation == trace::Operation::reallocate) {
      at = trace::get(at, end, between);
      ++step;
    }
    if (!at)
      break;
    ++contents.count;
    contents.last += step + between;
    contents.bytes = static_cast<std::size_t>(at - block.events);
  }
  return contents;
}

} // namespace

Session::Session(pid_t process, std::unique_ptr<trace::Writer> trace)
    : process_(process), trace_(std::move(trace)), descriptor_(make_memory()), began_(now()) {
  void* const p = descriptor_ < 0 ? MAP_FAILED
                                  : ::mmap(nullptr, segment_bytes, PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_NORESERVE, descriptor_, 0);
  if (p == MAP_FAILED) {
    const int error = errno;
    sent();
    throw std::system_error(error, std::generic_category(), "memory for recording");
  }
  segment_ = static_cast<Segment*>(p);
  segment_->command = ::getpid();
  attempt([this] { write_program(); });
}

Session::~Session() {
  sent();
  ::munmap(segment_, segment_bytes);
}

void Session::sent() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
  descriptor_ = -1;
}

void Session::attempt(auto work) {
  if (!failure_.empty())
    return;
  try {
    work();
  } catch (const std::exception& error) {
    failure_ = error.what();
    segment_->stop.store(1, std::memory_order_release);
  }
}

std::size_t Session::drain() {
  segment_->beat.fetch_add(1);
  std::size_t most = 0;
  const std::uint32_t lanes =
      std::min<std::uint32_t>(segment_->lanes.load(std::memory_order_acquire), max_lanes);
  auto* const lane = reinterpret_cast<Lane*>(reinterpret_cast<char*>(segment_) + lanes_at);
  for (std::uint32_t i = 0; i < lanes; ++i) {
    const std::uint32_t closed = lane[i].closed.load(std::memory_order_acquire);
    std::uint32_t drained = lane[i].drained.load(std::memory_order_relaxed);
    const std::uint32_t blocks = std::min<std::uint32_t>(closed - drained, blocks_of_lane);
    most = std::max<std::size_t>(most, blocks);
    trace_->hurry(blocks >= blocks_of_lane / 8); // or the thread would soon have to wait
    for (std::uint32_t k = 0; k < blocks; ++k) {
      const Block& block = lane[i].blocks[drained % blocks_of_lane];
      attempt([&] { write_block(block); });
      lane[i].drained.store(++drained, std::memory_order_release);
      if (k == 0 || k + 1 == blocks)
        ::syscall(SYS_futex, &lane[i].drained, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
  }
  return most;
}

void Session::finish(const Ending& ending) {
  segment_->stop.store(1, std::memory_order_release);
  drain();
  const std::uint32_t lanes = std::min<std::uint32_t>(segment_->lanes.load(), max_lanes);
  auto* const lane = reinterpret_cast<Lane*>(reinterpret_cast<char*>(segment_) + lanes_at);
  for (std::uint32_t i = 0; i < lanes; ++i)
    if (lane[i].open.load(std::memory_order_acquire) != 0)
      attempt([&] { write_block(lane[i].blocks[lane[i].closed.load() % blocks_of_lane]); });
  attempt([&] { write_footer(ending); });
  if (segment_->ready.load() == 0 && failure_.empty())
    failure_ = path() + ": the process had no room for it among its addresses";
}

void Session::put(trace::FrameKind kind, std::uint64_t count, const std::uint8_t* begin,
                  std::size_t bytes) {
  trace::FrameHeader header{};
  header.kind = static_cast<std::uint32_t>(kind);
  header.count = count;
  trace_->put(header, {begin, bytes});
}

void Session::write_program() {
  const std::string directory = "/proc/" + std::to_string(process_);
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(directory + "/exe", error);
  std::string line = read_file(directory + "/cmdline"); // each argument ends with a zero
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find('\0', at), line.size());
    arguments.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  std::vector<std::uint8_t> payload;
  put_number(payload, static_cast<std::uint64_t>(process_));
  put_text(payload, path);
  std::size_t room = trace::max_payload / 2;
  std::size_t fitting = 0;
  while (fitting < arguments.size() && arguments[fitting].size() + 10 <= room)
    room -= arguments[fitting++].size() + 10;
  put_number(payload, fitting);
  for (std::size_t i = 0; i < fitting; ++i)
    put_text(payload, arguments[i]);
  put(trace::FrameKind::program, 1, payload.data(), payload.size());
}

void Session::write_modules() {
  const std::uint32_t bytes =
      std::min<std::uint32_t>(segment_->modules.load(std::memory_order_acquire), modules_bytes);
  if (bytes <= modules_)
    return;
  const auto* const area = reinterpret_cast<const std::uint8_t*>(segment_) + modules_at;
  std::uint64_t count = 0;
  const std::uint8_t* at = area + modules_;
  const std::uint8_t* const end = area + bytes;
  for (; at && at != end; ++count) {
    std::uint64_t n = 0;
    for (int i = 0; at && i < 3; ++i)
      at = trace::get(at, end, n);
    for (int i = 0; at && i < 2; ++i) // the build id and the path
      if ((at = trace::get(at, end, n)))
        at = n <= static_cast<std::uint64_t>(end - at) ? at + n : nullptr;
  }
  if (at)
    put(trace::FrameKind::modules, count, area + modules_, bytes - modules_);
  modules_ = bytes;
}

void Session::write_contexts() {
  const std::uint32_t count = std::min<std::uint32_t>(
      segment_->contexts.load(std::memory_order_acquire), trace::max_contexts);
  if (count <= contexts_)
    return;
  write_modules(); // what is in them was noted before
  const auto* const contexts =
      reinterpret_cast<const Context*>(reinterpret_cast<const char*>(segment_) + contexts_at);
  constexpr std::size_t most = 25; // bytes of one
  std::vector<std::uint8_t> payload;
  payload.reserve(trace::max_payload);
  while (contexts_ < count) {
    payload.clear();
    std::uint64_t n = 0;
    for (; contexts_ < count && payload.size() + most <= trace::max_payload; ++contexts_, ++n) {
      const Context& c = contexts[contexts_];
      put_number(payload, c.parent);
      put_number(payload, trace::zigzag(static_cast<std::int64_t>(c.ip - ip_)));
      put_number(payload, c.into);
      ip_ = c.ip;
    }
    put(trace::FrameKind::contexts, n, payload.data(), payload.size());
  }
}

void Session::write_block(const Block& block) {
  std::size_t used =
      std::min<std::size_t>(block.used.load(std::memory_order_acquire), sizeof block.events);
  trace::FrameHeader header{};
  header.kind = static_cast<std::uint32_t>(trace::FrameKind::events);
  header.thread = block.thread;
  header.first = block.first;
  header.last = block.last;
  header.count = block.count;
  header.begin = block.begin - began_;
  header.end = block.end - began_;
  if (block.count == 0) {
    const Contents contents = contents_of(block, used);
    used = contents.bytes;
    header.count = contents.count;
    header.last = contents.last;
    header.end = now() - began_;
  }
  if (used == 0)
    return;
  write_contexts();
  trace_->put(header, {block.events, used});
  events_ += header.count;
}

// Of the program's processor time, what recording took, in nanoseconds.
std::uint64_t Session::recording_time() const {
  const auto ticks = static_cast<double>(__rdtsc() - segment_->first_tick.load());
  const auto nanoseconds = static_cast<double>(now() - segment_->began.load());
  if (segment_->first_tick.load() == 0 || ticks <= 0 || nanoseconds <= 0)
    return 0;
  return static_cast<std::uint64_t>(static_cast<double>(segment_->ticks.load()) / ticks *
                                    nanoseconds);
}

void Session::write_footer(const Ending& ending) {
  write_modules();
  std::vector<std::uint8_t> payload;
  put_number(payload, events_);
  put_number(payload, lost());
  put_number(payload, segment_->homeless.load());
  put_number(payload, static_cast<std::uint64_t>(static_cast<unsigned>(ending.status)));
  put_number(payload, ending.processor_time);
  put_number(payload, ending.peak_bytes);
  put_number(payload, recording_time());
  put(trace::FrameKind::footer, 1, payload.data(), payload.size());
}

} // namespace record
