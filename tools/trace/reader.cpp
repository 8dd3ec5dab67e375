#include "reader.hpp"

#include "varints.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

namespace trace {
namespace {

constexpr std::size_t max_text = 1 << 16;
constexpr std::size_t max_modules = 1 << 16;
constexpr std::uint32_t max_threads = 1 << 22;

Program program_of(Varints in) {
  Program program{in.number(), in.text(max_text), {}};
  for (std::uint64_t n = in.number(); n != 0; --n)
    program.arguments.push_back(in.text(max_payload));
  return program;
}

Footer footer_of(Varints in) {
  Footer footer{};
  footer.events = in.number();
  footer.lost_events = in.number();
  footer.lost_contexts = in.number();
  footer.status = static_cast<int>(in.number());
  footer.processor_ns = in.number();
  footer.peak_resident = in.number();
  if (!in.at_end())
    footer.recording_ns = in.number();
  return footer;
}

void add_modules(std::vector<Module>& to, Varints in, std::uint64_t count) {
  for (; count != 0; --count) {
    Module module{in.number(), in.number(), in.number(), in.text(256), in.text(max_text)};
    if (to.size() == max_modules)
      throw Error("damaged: too many modules");
    to.push_back(std::move(module));
  }
}

void add_contexts(std::vector<Context>& to, Varints in, std::uint64_t count, std::uint64_t& ip) {
  for (; count != 0; --count) {
    const std::uint64_t parent = in.number();
    ip += static_cast<std::uint64_t>(unzigzag(in.number()));
    const std::uint64_t function = ip - in.number();
    if (parent >= to.size() || to.size() > max_contexts)
      throw Error("damaged: a context whose caller is not there");
    const std::uint32_t depth = parent == 0 ? 1 : to[parent].depth + 1;
    if (depth > max_depth)
      throw Error("damaged: a stack that is too deep");
    to.push_back({static_cast<std::uint32_t>(parent), depth, ip, function});
  }
}

} // namespace

Trace Trace::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    throw std::system_error(errno, std::generic_category(), path);
  Trace trace(file);
  trace.contexts_.push_back({});
  trace.list_frames();
  trace.check_order();
  return trace;
}

Trace::Trace(Trace&& other) noexcept
    : file_(std::exchange(other.file_, -1)), program_(std::move(other.program_)),
      modules_(std::move(other.modules_)), contexts_(std::move(other.contexts_)),
      footer_(other.footer_), frames_(std::move(other.frames_)), events_(other.events_),
      threads_(other.threads_), watcher_(std::move(other.watcher_)) {}

Trace::~Trace() {
  if (file_ >= 0)
    ::close(file_);
}

/// False where the file ends before; its last bytes may have been read then.
bool Trace::read(std::uint64_t offset, void* to, std::size_t bytes) const {
  auto* at = static_cast<char*>(to);
  while (bytes != 0) {
    const ssize_t n = ::pread(file_, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      throw std::system_error(errno, std::generic_category(), "reading a trace");
    if (n == 0)
      return false;
    at += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

void Trace::list_frames() {
  Preamble preamble;
  if (!read(0, &preamble, sizeof preamble) || std::memcmp(preamble.magic, magic, sizeof magic) != 0)
    throw Error("not a trace");
  if (preamble.version > version)
    throw Error("a trace of a newer version of allot");
  if (preamble.version < version)
    throw Error("a trace of an older version of allot: record it again");

  const off_t end = ::lseek(file_, 0, SEEK_END);
  if (end < 0)
    throw std::system_error(errno, std::generic_category(), "reading a trace");
  for (std::uint64_t at = sizeof preamble; !footer_;) {
    Frame frame{};
    if (!read(at, &frame.header, sizeof frame.header))
      break;
    frame.offset = at + sizeof frame.header;
    at = frame.offset + frame.header.packed;
    if (frame.header.payload > max_payload)
      throw Error("damaged: a frame that is too long");
    if (at > static_cast<std::uint64_t>(end))
      break; // cut short
    load(frame);
  }
}

void Trace::load(const Frame& frame) {
  const std::uint64_t count = frame.header.count;
  // Whatever is counted takes a byte at least.
  if (frame.header.kind <= static_cast<std::uint32_t>(FrameKind::events) &&
      frame.header.kind != static_cast<std::uint32_t>(FrameKind::program) &&
      count > frame.header.payload)
    throw Error("damaged: a frame that has more than it can");
  switch (static_cast<FrameKind>(frame.header.kind)) {
  case FrameKind::program:
    program_ = program_of(Varints(unpack(frame)));
    return;
  case FrameKind::modules:
    add_modules(modules_, Varints(unpack(frame)), count);
    return;
  case FrameKind::contexts:
    add_contexts(contexts_, Varints(unpack(frame)), count, ip_);
    return;
  case FrameKind::footer:
    footer_ = footer_of(Varints(unpack(frame)));
    return;
  case FrameKind::events:
    if (count == 0)
      return;
    if (frame.header.thread >= max_threads)
      throw Error("damaged: a thread's number that is too high");
    frames_.push_back(frame);
    events_ += count;
    threads_ = std::max(threads_, frame.header.thread + 1);
    return;
  }
  throw Error("damaged: a frame of an unknown kind");
}

/// Sorts the frames, and checks that of each thread only one has to be open at a time.
void Trace::check_order() {
  std::stable_sort(frames_.begin(), frames_.end(),
                   [](const Frame& a, const Frame& b) { return a.header.first < b.header.first; });
  std::vector<std::uint64_t> ends(threads_); // above the last number of each thread
  for (const Frame& frame : frames_) {
    std::uint64_t& end = ends[frame.header.thread];
    if (frame.header.first < end || frame.header.last < frame.header.first ||
        frame.header.last == ~std::uint64_t{0})
      throw Error("damaged: frames of a thread that overlap");
    end = frame.header.last + 1;
  }
}

std::vector<Stamp> Trace::stamps() const {
  std::vector<Stamp> stamps;
  for (const Frame& frame : frames_) {
    stamps.push_back({frame.header.first, frame.header.begin});
    stamps.push_back({frame.header.last, frame.header.end});
  }
  std::sort(stamps.begin(), stamps.end(),
            [](const Stamp& a, const Stamp& b) { return a.order < b.order; });
  for (std::size_t i = 1; i < stamps.size(); ++i) // threads read the clock when they like
    stamps[i].ns = std::max(stamps[i].ns, stamps[i - 1].ns);
  return stamps;
}

std::vector<std::uint8_t> Trace::unpack(const Frame& frame) const {
  if (frame.header.packed > ZSTD_compressBound(max_payload))
    throw Error("damaged: a frame that is too long");
  std::vector<std::uint8_t> packed(frame.header.packed);
  std::vector<std::uint8_t> payload(frame.header.payload);
  if (!read(frame.offset, packed.data(), packed.size()))
    throw Error("cut short while it was read");
  const std::size_t n =
      ZSTD_decompress(payload.data(), payload.size(), packed.data(), packed.size());
  if (ZSTD_isError(n) || n != payload.size())
    throw Error("damaged: a frame whose content is not what was written");
  return payload;
}

} // namespace trace
