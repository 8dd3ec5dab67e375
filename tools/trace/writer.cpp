#include "writer.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

namespace trace {
namespace {

// Level 3 would take twice the time of level 1, for a file that is a tenth smaller.
constexpr int level = 1;
constexpr int quick_level = -5;

std::span<const std::uint8_t> bytes_of(const auto& object) {
  return {reinterpret_cast<const std::uint8_t*>(&object), sizeof object};
}

} // namespace

Writer::Writer(std::string path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)),
      packer_(nullptr) {
  if (file_ < 0)
    throw std::system_error(errno, std::generic_category(), path_);
  packer_ = ZSTD_createCCtx();
  try {
    if (!packer_)
      throw std::bad_alloc();
    ZSTD_CCtx_setParameter(packer_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(packer_, ZSTD_c_checksumFlag, 1);
    frame_.resize(sizeof(FrameHeader) + ZSTD_compressBound(max_payload));
    Preamble preamble{.magic = {}, .version = version, .reserved = 0};
    std::memcpy(preamble.magic, magic, sizeof magic);
    write(bytes_of(preamble));
  } catch (...) {
    ZSTD_freeCCtx(packer_);
    ::close(file_);
    throw;
  }
}

Writer::~Writer() {
  ZSTD_freeCCtx(packer_);
  ::close(file_);
}

void Writer::hurry(bool quick) {
  ZSTD_CCtx_setParameter(packer_, ZSTD_c_compressionLevel, quick ? quick_level : level);
}

void Writer::put(FrameHeader header, std::span<const std::uint8_t> payload) {
  if (payload.size() > max_payload)
    throw std::length_error("a frame of a trace that is too long");
  const std::size_t packed =
      ZSTD_compress2(packer_, frame_.data() + sizeof header, frame_.size() - sizeof header,
                     payload.data(), payload.size());
  if (ZSTD_isError(packed))
    throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(packed));
  header.packed = static_cast<std::uint32_t>(packed);
  header.payload = static_cast<std::uint32_t>(payload.size());
  std::memcpy(frame_.data(), &header, sizeof header);
  write({frame_.data(), sizeof header + packed});
}

void Writer::write(std::span<const std::uint8_t> bytes) {
  const std::uint64_t whole = bytes_;
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : ENOSPC;
      if (::ftruncate(file_, static_cast<off_t>(whole)) == 0) // what isn't a file can't be cut
        ::lseek(file_, static_cast<off_t>(whole), SEEK_SET);
      bytes_ = whole;
      throw std::system_error(error, std::generic_category(), path_);
    }
    bytes_ += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

} // namespace trace
