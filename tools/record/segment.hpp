// The memory that a recorded program and `allot record` share: the program writes, the command
// drains. It outlives the program, so that nothing is lost when that is killed.
//
//   Segment | modules | contexts | lane | lane | ...
//
// All of it is sparse: what isn't written to costs nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../trace/format.hpp"

namespace record {

constexpr std::uint32_t protocol =
    2; ///< of both sides; the library and the command are built together
constexpr char environment_variable[] = "ALLOT_RECORD"; ///< in the environment: the socket's name;
                                                        ///< '+' before it for children too

constexpr std::size_t block_bytes = std::size_t{1} << 16;
constexpr std::size_t blocks_of_lane = 16;
constexpr std::size_t max_lanes = 256;

/// Events of one thread, one after the other; a frame of the trace once it is closed.
struct Block {
  std::atomic<std::uint32_t> used; ///< bytes of whole events: what publishes them
  std::uint32_t thread;
  std::uint64_t first;
  std::uint64_t begin; ///< nanoseconds on the monotonic clock
  std::uint64_t last;  ///< this and those below only once it is closed
  std::uint64_t end;
  std::uint64_t count;
  std::uint8_t events[block_bytes - 48];
};
static_assert(sizeof(Block) == block_bytes);

/// The ring of one thread at a time.
struct Lane {
  std::atomic<std::int32_t> owner;    ///< the thread's number in the system; 0 without
  std::atomic<std::uint32_t> closed;  ///< blocks, ever; the one after is being written
  std::atomic<std::uint32_t> drained; ///< of them; a full ring's thread waits on it
  std::atomic<std::uint32_t> open;    ///< 1 when the block after the closed ones was begun
  alignas(4096) Block blocks[blocks_of_lane];
};

struct Context {
  std::uint64_t ip;
  std::uint32_t parent;
  std::uint32_t into; ///< ip - the start of its function
};

constexpr std::size_t modules_bytes = trace::max_payload;

struct Segment {
  std::atomic<std::uint32_t> ready; ///< by the program, once it records
  std::atomic<std::uint32_t> stop;  ///< by the command: no more is taken
  std::atomic<std::uint32_t> beat;  ///< by the command, at each of its turns
  std::int32_t command;             ///< the command's process
  std::atomic<std::uint32_t> lanes; ///< that were ever used: the first ones
  std::atomic<std::uint32_t> contexts;
  std::atomic<std::uint32_t> homeless; ///< contexts that had no room
  std::atomic<std::uint32_t> modules;  ///< bytes of their payload
  std::atomic<std::uint64_t> lost;     ///< events
  std::atomic<std::uint64_t> ticks; ///< of the processor's clock, that recording took: an estimate
  std::atomic<std::uint64_t> first_tick;
  std::atomic<std::uint64_t> began; ///< nanoseconds on the monotonic clock, then
};

constexpr std::size_t modules_at = 4096;
constexpr std::size_t contexts_at = modules_at + modules_bytes;
constexpr std::size_t lanes_at = contexts_at + trace::max_contexts * sizeof(Context);
constexpr std::size_t segment_bytes = lanes_at + max_lanes * sizeof(Lane);
static_assert(sizeof(Segment) <= modules_at && lanes_at % 4096 == 0 && sizeof(Lane) % 4096 == 0);

/// What the library says when it comes to the command; a descriptor of the segment is the answer.
struct Hello {
  std::uint32_t protocol;
  char refusal[252]; ///< why it can't record; empty when it can
};
constexpr char answer_go = 'g';  ///< with a segment, or without: the program goes on unrecorded
constexpr char answer_end = 'e'; ///< the program is to end; it was to be recorded, and can't be

} // namespace record
