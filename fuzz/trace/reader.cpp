// libFuzzer's way into the reader of traces, and into what measures lifetimes. The input is either
// a file as it is, or what frames have in them, packed here, as nothing gets past their checksums
// otherwise.
#include "trace/reader.hpp"
#include "analyze/lifetimes.hpp"
#include "analyze/stacks.hpp"
#include "trace/writer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/// A file in memory.
class File {
public:
  File() : descriptor_(::memfd_create("trace", 0)) {
    if (descriptor_ < 0)
      std::abort();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void write(std::span<const std::uint8_t> bytes) const {
    if (::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::abort();
  }

private:
  int descriptor_;
};

/// Frames of: kind, thread, first, count, length, and so many bytes.
void write_frames(const std::string& path, std::span<const std::uint8_t> in) {
  trace::Writer writer(path);
  constexpr std::size_t head = 5;
  while (in.size() >= head) {
    trace::FrameHeader header{};
    header.kind = in[0] % 7u;
    header.thread = in[1] % 4u;
    header.first = in[2];
    header.count = in[3];
    header.last = header.first + header.count;
    const std::size_t length = in[4] % (in.size() - head + 1);
    writer.put(header, in.subspan(head, length));
    in = in.subspan(head + length);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  const File file;
  const std::span<const std::uint8_t> in(bytes, count);
  if (count == 0 || bytes[0] % 8 == 0)
    file.write(in.empty() ? in : in.subspan(1));
  else
    write_frames(file.path(), in.subspan(1));
  try {
    const trace::Trace trace = trace::Trace::open(file.path());
    const analyze::Stacks stacks(trace.contexts());
    measure_lifetimes(trace, stacks);
  } catch (const trace::Error&) {
    // as it should be
  }
  return 0;
}
