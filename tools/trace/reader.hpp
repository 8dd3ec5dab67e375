// Reads a trace: what stands at its start, and then its events, as often as one likes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "format.hpp"

namespace trace {

/// A file that is no trace, or that is damaged. The text is for the user, without the file's name.
class Error : public std::runtime_error {
  using runtime_error::runtime_error;
};

struct Program {
  std::uint64_t process = 0;
  std::string path;
  std::vector<std::string> arguments;
};

struct Module {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t bias;   ///< what was added to the addresses in its file
  std::string build_id; ///< bytes
  std::string path;
};

/// A frame of a stack, called from those of its parents. Contexts are numbered from 1 on.
struct Context {
  std::uint32_t parent;   ///< 0: none
  std::uint32_t depth;    ///< 1: outermost
  std::uint64_t ip;       ///< a return address
  std::uint64_t function; ///< where its function starts
};

struct Footer {
  std::uint64_t events;
  std::uint64_t lost_events;
  std::uint64_t lost_contexts;
  int status; ///< as wait() has it
  std::uint64_t processor_ns;
  std::uint64_t peak_resident;
  /// Of the processor time, what recording took, if it is told.
  std::optional<std::uint64_t> recording_ns;
};

struct Event {
  Operation operation;
  std::uint8_t alignment; ///< its base-2 logarithm; of what is aligned
  std::uint32_t thread;
  std::uint32_t context; ///< 0: not known
  std::uint32_t kept;  ///< frames, from the outermost, that were there at the thread's event before
  std::uint64_t order; ///< of a reallocation: when it gave back the block it was given
  std::uint64_t got;   ///< when it got the other one; of all others the same as order
  std::uint64_t address; ///< of the block that is got, or given back
  std::uint64_t old;     ///< of a reallocation: the block that was given, or 0
  std::uint64_t size;    ///< of what is got
};

/// When an event was.
struct Stamp {
  std::uint64_t order;
  std::uint64_t ns; ///< since the program began
};

/// What is in memory of a trace: all but its events, whose frames are only listed.
class Trace {
public:
  /// Throws Error, or std::system_error.
  static Trace open(const std::string& path);
  Trace(Trace&& other) noexcept;
  Trace& operator=(Trace&&) = delete;
  ~Trace();

  const Program& program() const { return program_; }
  const std::vector<Module>& modules() const { return modules_; }
  /// Number 0 is a placeholder.
  const std::vector<Context>& contexts() const { return contexts_; }
  /// None if the file was cut short.
  const std::optional<Footer>& footer() const { return footer_; }
  std::uint64_t events() const { return events_; }   ///< whole ones, in the file
  std::uint32_t threads() const { return threads_; } ///< the highest number and one
  /// Of the first and the last event of each frame, by their numbers. Time does not go back; it is
  /// 0 throughout where it was not written down.
  std::vector<Stamp> stamps() const;

  /// What to call with a percentage as a pass goes on.
  void watch(std::function<void(std::size_t)> watcher) { watcher_ = std::move(watcher); }

private:
  friend class Events;
  struct Frame {
    FrameHeader header;
    std::uint64_t offset; // of its packed payload
  };

  explicit Trace(int file) : file_(file) {}
  void list_frames();
  void load(const Frame& frame);
  void check_order();
  std::vector<std::uint8_t> unpack(const Frame& frame) const;
  bool read(std::uint64_t offset, void* to, std::size_t bytes) const;

  int file_;
  Program program_;
  std::vector<Module> modules_;
  std::vector<Context> contexts_;
  std::optional<Footer> footer_;
  std::vector<Frame> frames_; // of events, by their first number
  std::uint64_t events_ = 0;
  std::uint64_t ip_ = 0; // of the last context
  std::uint32_t threads_ = 0;
  std::function<void(std::size_t)> watcher_;
};

/// One pass over a trace's events, of all threads, by their numbers; of reallocations, by the
/// first. The trace must live on. Holds one frame of each thread that has events at that time.
class Events {
public:
  explicit Events(const Trace& trace) : trace_(trace) {}
  /// False at the end. Throws Error where the file is damaged.
  bool next(Event& event);

private:
  struct Cursor {
    std::vector<std::uint8_t> payload;
    std::size_t at = 0;
    std::uint64_t left = 0; // events behind `next`
    std::uint64_t last = 0; // the highest number it may have
    Event next{};
  };
  struct Turn { // of a cursor that waits
    std::uint64_t order;
    std::uint32_t cursor;
    bool operator<(const Turn& other) const { return order > other.order; } // the earliest first
  };

  bool choose();
  void open_frame();
  void decode(Cursor& cursor) const;

  const Trace& trace_;
  std::size_t frame_ = 0; // the next to be opened
  std::vector<Cursor> cursors_;
  std::vector<std::uint32_t> closed_; // of those
  std::vector<Turn> waiting_;         // a heap
  std::uint32_t current_ = none;
  std::uint64_t until_ = 0; // the current one goes on as long as its events come before this one
  std::size_t bytes_ = 0;   // of the open frames
  static constexpr std::uint32_t none = ~std::uint32_t{0};
};

} // namespace trace
