// Writes a trace, frame by frame.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "format.hpp"

struct ZSTD_CCtx_s;

namespace trace {

/// A trace that is being written. The file is whole up to its last frame at any time, also after a
/// disk was full: what was written of a frame that had no room is cut off again.
class Writer {
public:
  /// Makes the file, or empties it, and writes the preamble. Throws std::system_error.
  explicit Writer(std::string path);
  Writer(Writer&&) = delete; // NOLINT(performance-noexcept-move-constructor)
  ~Writer();

  /// Packs a payload of at most max_payload bytes and writes it. The header's `packed` and
  /// `payload` are filled in. Throws std::system_error; what was there before is still a trace
  /// then.
  void put(FrameHeader header, std::span<const std::uint8_t> payload);

  /// From now on packs in half the time, for a file that is larger by up to two thirds; or not.
  void hurry(bool quick);

  const std::string& path() const { return path_; }
  std::uint64_t bytes() const { return bytes_; } ///< that the file has

private:
  void write(std::span<const std::uint8_t> bytes);

  std::string path_;
  std::uint64_t bytes_ = 0;
  int file_;
  ZSTD_CCtx_s* packer_;
  std::vector<std::uint8_t> frame_;
};

} // namespace trace
