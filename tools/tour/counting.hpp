// What reaches the system's allocator: calls of malloc and its kin, which operator new calls too,
// and of mmap, and the bytes that are held.
//
// A block has the bytes that malloc makes of it. What was committed of a mapping only its owner
// knows, and tells.
#pragma once

#include <cstddef>
#include <optional>

namespace tour::counting {

struct Usage {
  std::size_t calls = 0; ///< for memory; giving it back is not counted
  std::size_t peak_bytes = 0;
};

void start();
/// What was used since the start, if calls can be intercepted here: with glibc they can.
std::optional<Usage> stop();

/// Tells of the bytes that a mapping had committed at its peak, and is about to give back.
void add_mapped(std::size_t bytes);

} // namespace tour::counting
