#include "common.hpp"

#include <memory_resource>

namespace misuse {

using allot::Buffer;

const Cases buffer_cases = {
    {"buffer.size_0", "a size of 0 bytes",
     "Misuse(bad_size) buffer: a size of 0 bytes was asked for", [] { (void)Buffer::heap(0); }},
    {"buffer.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) buffer: alignment 24 is not a power of two",
     [] { (void)Buffer::heap(64, 24); }},
    {"buffer.wrapping_size", "a size that would wrap",
     "Exhausted(system_refused) buffer: the heap refused 18446744073709551615 bytes",
     [] { (void)Buffer::heap(SIZE_MAX); }},
    {"buffer.try_size_0", "a size of 0 bytes of a call that does not throw", "refused",
     [] { refused(Buffer::try_heap(0).data() == nullptr); }},
    {"buffer.null_resource", "a null resource",
     "Misuse(null_pointer) buffer: a null resource was given",
     [] { (void)Buffer::from(nullptr, 64); }},
    {"buffer.resource_without_memory", "a resource that gives nothing", "refused",
     [] {
       try {
         (void)Buffer::from(std::pmr::null_memory_resource(), 64);
       } catch (const std::bad_alloc&) { // the resource's own
         refused(true);
       }
     }},
    {"buffer.mapped_0", "mapping 0 bytes",
     "Misuse(bad_size) buffer: a size of 0 bytes was asked for", [] { (void)Buffer::mapped(0); }},
    {"buffer.too_small", "borrowed memory without 8 aligned bytes",
     "Misuse(bad_size) bump: the buffer has no room for 8 aligned bytes",
     [] {
       std::byte memory[7];
       allot::Bump(Buffer::borrowed(memory));
     }},
    {"buffer.used_after_move", "a strategy on a buffer that was moved from",
     "Misuse(bad_size) bump: the buffer has no room for 8 aligned bytes",
     [] {
       Buffer from = Buffer::heap(64);
       const Buffer to = std::move(from);
       allot::Bump(std::move(from));
     }},
};

} // namespace misuse
