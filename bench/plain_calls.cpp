// What the library calls, linked into what counts instructions, so that counts are no machine's. Of
// memset and its kin the C library has a dozen and chooses by the processor. The barrier on all
// processors, by which others come to a thread's magazines, Valgrind does not know: but it runs one
// thread at a time.
#include <cstddef>
#include <cstdint>

namespace {

using Word = std::uint64_t;

// The compiler shall not know the loop around it for memset or memcpy, which it is in.
void keep_loop() noexcept {
  asm volatile("");
}

} // namespace

extern "C" {

void* memset(void* start, int value, std::size_t bytes) noexcept {
  auto* to = static_cast<std::byte*>(start);
  const Word word = static_cast<unsigned char>(value) * Word{0x0101010101010101};
  for (; bytes >= sizeof(Word); bytes -= sizeof(Word), to += sizeof(Word)) {
    __builtin_memcpy(to, &word, sizeof(Word));
    keep_loop();
  }
  for (; bytes != 0; --bytes, ++to) {
    *to = static_cast<std::byte>(value);
    keep_loop();
  }
  return start;
}

void* memcpy(void* start, const void* source, std::size_t bytes) noexcept {
  auto* to = static_cast<std::byte*>(start);
  const auto* from = static_cast<const std::byte*>(source);
  for (; bytes >= sizeof(Word); bytes -= sizeof(Word), to += sizeof(Word), from += sizeof(Word)) {
    __builtin_memcpy(to, from, sizeof(Word));
    keep_loop();
  }
  for (; bytes != 0; --bytes) {
    *to++ = *from++;
    keep_loop();
  }
  return start;
}

void* memmove(void* start, const void* source, std::size_t bytes) noexcept {
  auto* to = static_cast<std::byte*>(start);
  const auto* from = static_cast<const std::byte*>(source);
  if (to <= from) // each word is read before what is written reaches it
    return memcpy(start, source, bytes);
  for (; bytes % sizeof(Word) != 0; --bytes) {
    to[bytes - 1] = from[bytes - 1];
    keep_loop();
  }
  for (; bytes != 0; bytes -= sizeof(Word)) {
    Word word;
    __builtin_memcpy(&word, from + bytes - sizeof(Word), sizeof(Word));
    __builtin_memcpy(to + bytes - sizeof(Word), &word, sizeof(Word));
    keep_loop();
  }
  return start;
}

// In place of syscall, which is called for that barrier only.
long __wrap_syscall(long, ...) noexcept {
  return 0;
}
}
