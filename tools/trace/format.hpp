// The form of a trace: what a program's calls of malloc and its kin were, as `allot record` writes
// it and the other commands read it. Numbers are little-endian; a varint has seven bits a byte,
// lowest first, and the eighth says that more follow.
//
//   file:    Preamble | frame | frame | ... | frame of kind `footer`
//   frame:   FrameHeader | zstd frame, with its checksum, of the payload
//
// A file that is cut short is whole up to its last whole frame; without a footer it was cut short.
// What a frame refers to stands in frames before it. All counters start anew in each frame of
// events, so that one can be read without those before.
//
//   payload of     is
//   program        varint process, varint length and text: the executable's path; varint number of
//                  arguments, for each its length and text
//   modules        for each: varints begin, end, bias (what to add to an address in the file),
//   length
//                  and bytes of the build id, length and text of the path
//   contexts       for each, numbered from 1 on in their order: varint parent (0: none), varint
//                  zigzag of ip - the ip before, varint ip - start of its function
//   events         see below; of one thread
//   footer         varints events, lost events, contexts that had no room (events went to their
//                  parent), exit status as wait() has it, nanoseconds of processor time of the
//                  program, peak bytes resident, of that time an estimate of what recording took
//
//   event:  tag | varint order | varint kept | varint context | address | varint size
//
//   tag      bits 0 to 3 the Operation; the rest are flags
//   order    there with flag ordered: how much its number is above that of the event before it in
//            the frame; without, 1. The first one's is the header's. A number is drawn before a
//            block is given back and after one is got, so that it orders the events of all threads.
//            A reallocation has two: this is when it gives back.
//   kept     how many frames of the stack, from the outermost, are the same activations as at the
//            thread's event before
//   context  where it is called from: the innermost frame below the recorder's. With flag same,
//            kept and context are left out: all frames are kept, and the context is as before.
//   address  zigzag varint of (address - the frame's address before), in units of 16; with flag odd
//            in bytes. A reallocation has two: of the block given, and then of the one got.
//   size     in bytes, of what allocates. Aligned has a varint more: the base-2 logarithm of the
//            alignment. A reallocation, too: how many numbers lie between its two; the next event
//            counts from the second.
//
// The recorder, inside the program, writes events straight into blocks that the command compresses;
// so this header includes nothing that allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trace {

constexpr char magic[8] = {'a', 'l', 'l', 'o', 't', 't', 'r', 'c'};
constexpr std::uint32_t version = 2;

struct Preamble {
  char magic[8];
  std::uint32_t version;
  std::uint32_t reserved; ///< 0
};

enum class FrameKind : std::uint32_t { program = 1, modules, contexts, events, footer };

struct FrameHeader {
  std::uint32_t kind;
  std::uint32_t packed;  ///< bytes that follow
  std::uint32_t payload; ///< bytes, once they are unpacked; at most max_payload
  std::uint32_t thread;  ///< of events; threads are numbered from 0
  std::uint64_t first;   ///< the number of the first event
  std::uint64_t last;    ///< the number of the last event
  std::uint64_t count;   ///< of events, contexts or modules
  std::uint64_t begin;   ///< nanoseconds since the program began, at the first event
  std::uint64_t end;     ///< the same at the last
};
static_assert(sizeof(FrameHeader) == 56);

constexpr std::size_t max_payload = std::size_t{1} << 20;
constexpr std::size_t max_depth = 1024; ///< frames of a stack; those further in are left out
constexpr std::size_t max_contexts = std::size_t{1} << 22;

enum class Operation : std::uint8_t {
  malloc,
  calloc,
  aligned, ///< aligned_alloc, memalign, posix_memalign, and an aligned operator new
  new_object,
  new_array,
  reallocate,
  free,
  delete_object,
  delete_array,
};

constexpr bool releases(Operation o) {
  return o >= Operation::free;
}

namespace flag {
constexpr std::uint8_t ordered = 1 << 4;
constexpr std::uint8_t same = 1 << 5;
constexpr std::uint8_t odd = 1 << 6; ///< an address is no multiple of 16
} // namespace flag

constexpr std::size_t max_event = 1 + 10 + 3 + 4 + 2 * 10 + 10 + 10; ///< bytes

constexpr std::uint64_t zigzag(std::int64_t n) {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}

constexpr std::int64_t unzigzag(std::uint64_t n) {
  return static_cast<std::int64_t>((n >> 1) ^ (~(n & 1) + 1));
}

/// Writes a varint of at most ten bytes; returns its end.
inline std::uint8_t* put(std::uint8_t* at, std::uint64_t n) {
  while (n >= 0x80) {
    *at++ = static_cast<std::uint8_t>(n | 0x80);
    n >>= 7;
  }
  *at++ = static_cast<std::uint8_t>(n);
  return at;
}

/// Reads a varint of [at, end); null where there is none, or it has more than 64 bits.
inline const std::uint8_t* get(const std::uint8_t* at, const std::uint8_t* end, std::uint64_t& n) {
  n = 0;
  for (unsigned shift = 0; at != end && shift < 64; shift += 7) {
    const std::uint64_t bits = *at & 0x7fu;
    if (shift == 63 && bits > 1)
      return nullptr;
    n |= bits << shift;
    if ((*at++ & 0x80) == 0)
      return at;
  }
  return nullptr;
}

} // namespace trace
