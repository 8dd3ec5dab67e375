// One process image that is being recorded, and its trace.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

#include "../trace/writer.hpp"
#include "segment.hpp"

namespace record {

/// How a process ended.
struct Ending {
  int status = 0;                   ///< as wait() has it; 0 when it is nobody's that we could ask
  std::uint64_t processor_time = 0; ///< nanoseconds
  std::uint64_t peak_bytes = 0;     ///< resident
};

class Session {
public:
  /// Makes the segment, and writes who the process is. It has to be there, waiting. Throws
  /// std::system_error.
  Session(pid_t process, std::unique_ptr<trace::Writer> trace);
  Session(Session&&) = delete;
  ~Session();

  pid_t process() const { return process_; }
  const std::string& path() const { return trace_->path(); }
  std::uint64_t bytes() const { return trace_->bytes(); }
  std::uint64_t events() const { return events_; } ///< that are in the trace
  std::uint64_t lost() const { return segment_->lost.load(); }
  /// Why nothing more could be written; empty as long as it could.
  const std::string& failure() const { return failure_; }

  int descriptor() const { return descriptor_; } ///< of the segment; -1 once it was sent
  void sent();

  /// Writes the blocks that are full. Returns the most that one thread had.
  std::size_t drain();

  /// Writes what is left, and the footer. A process that is still there isn't recorded any more.
  void finish(const Ending& ending);

private:
  void write_program();
  void write_modules();
  void write_contexts();
  void write_block(const Block& block);
  std::uint64_t recording_time() const;
  void write_footer(const Ending& ending);
  void put(trace::FrameKind kind, std::uint64_t count, const std::uint8_t* begin,
           std::size_t bytes);
  // Does it unless the trace had no room before, and takes note when it has none now.
  void attempt(auto work);

  pid_t process_;
  std::unique_ptr<trace::Writer> trace_;
  int descriptor_;
  Segment* segment_ = nullptr;
  std::uint64_t began_;
  std::uint32_t modules_ = 0;  // bytes that are written
  std::uint32_t contexts_ = 0; // the same, in contexts
  std::uint64_t ip_ = 0;       // of the last one
  std::uint64_t events_ = 0;
  std::string failure_;
};

} // namespace record
