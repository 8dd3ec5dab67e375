#include "memory.hpp"

#include <sys/mman.h>

namespace trial {

std::uint32_t Range::reserve(std::uint32_t most) {
  for (; most != 0; most /= 2) {
    const std::size_t wanted = std::size_t{most} << span_bits;
    void* const p = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
      continue;
    begin = reinterpret_cast<std::uintptr_t>(p);
    bytes = wanted;
    break;
  }
  return most;
}

void* Span::allocate(std::size_t bytes, std::size_t) {
  bytes = rounded(bytes);
  for (Free** link = &free_; *link; link = &(*link)->next) {
    Free* const block = *link;
    if (block->bytes < bytes)
      continue;
    if (block->bytes == bytes) {
      *link = block->next;
    } else {
      auto* const rest = reinterpret_cast<Free*>(reinterpret_cast<std::byte*>(block) + bytes);
      rest->bytes = block->bytes - bytes;
      rest->next = block->next;
      *link = rest;
    }
    return block;
  }
  if (bytes > static_cast<std::size_t>(end_ - top_))
    return nullptr;
  void* const p = top_;
  top_ += bytes;
  return p;
}

void Span::deallocate(void* p, std::size_t bytes, std::size_t) {
  bytes = rounded(bytes);
  Free* before = nullptr;
  Free** link = &free_;
  while (*link && static_cast<void*>(*link) < p)
    link = &(before = *link)->next;
  Free* block = static_cast<Free*>(p);
  block->bytes = bytes;
  block->next = *link;
  *link = block;
  if (block->next && block->end() == reinterpret_cast<std::byte*>(block->next)) {
    block->bytes += block->next->bytes;
    block->next = block->next->next;
  }
  if (before && before->end() == reinterpret_cast<std::byte*>(block)) {
    before->bytes += block->bytes;
    before->next = block->next;
    block = before;
  }
  if (block->bytes >= trimmed)
    trim(reinterpret_cast<std::byte*>(block), block->end());
  if (block->end() != top_)
    return;
  top_ = reinterpret_cast<std::byte*>(block);
  for (link = &free_; *link != block;)
    link = &(*link)->next;
  *link = nullptr;
}

// All whole pages but for where the block's head lies.
void Span::trim(std::byte* begin, std::byte* end) {
  const auto first =
      (reinterpret_cast<std::uintptr_t>(begin) + sizeof(Free) + page - 1) & ~(page - 1);
  const auto last = reinterpret_cast<std::uintptr_t>(end) & ~(page - 1);
  if (first < last)
    ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED); // NOLINT
}

} // namespace trial
