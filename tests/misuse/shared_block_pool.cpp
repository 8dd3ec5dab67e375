#include "common.hpp"

#include <allot/threads/shared_block_pool.hpp>

#include <thread>

namespace misuse {

using allot::SharedBlockPool;

namespace {

SharedBlockPool make() {
  return SharedBlockPool(24, 100U);
}
template <class F>
void in_another_thread(F f) {
  std::exception_ptr thrown;
  std::thread([&] {
    try {
      f();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown)
    std::rethrow_exception(thrown);
}

constexpr const char* foreign =
    "Misuse(foreign_pointer) shared_block_pool: %p was not handed out by this pool of 100 blocks";
constexpr const char* released = "Misuse(released) shared_block_pool: used after release";
constexpr const char* twice =
    "Misuse(double_free) shared_block_pool: block 0 at %p is free already";

} // namespace

const Cases shared_block_pool_cases = {
    {"shared_block_pool.block_size_0", "blocks of 0 bytes",
     "Misuse(bad_size) shared_block_pool: blocks of 0 bytes were asked for",
     [] { SharedBlockPool(0, 10U); }},
    {"shared_block_pool.count_0", "no blocks",
     "Misuse(bad_size) shared_block_pool: 0 blocks were asked for",
     [] { SharedBlockPool(8, std::size_t{0}); }},
    {"shared_block_pool.product_overflows", "more blocks than a size can hold",
     "Misuse(overflow) shared_block_pool: 4294967295 blocks of 1099511627776 bytes are more than a "
     "size can hold",
     [] { SharedBlockPool(std::size_t{1} << 40, std::size_t{0xFFFFFFFF}); }},
    {"shared_block_pool.too_many_to_number", "more blocks than it can number",
     "Misuse(overflow) shared_block_pool: 4294967296 blocks of 8 bytes are more than a shared "
     "block pool can number",
     [] { SharedBlockPool(8, std::size_t{1} << 32); }},
    {"shared_block_pool.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) shared_block_pool: alignment 24 is not a power of two",
     [] { SharedBlockPool(8, 10U, {.alignment = 24}); }},
    {"shared_block_pool.buffer_too_small", "a buffer without room for one block",
     "Misuse(bad_size) shared_block_pool: a buffer of 8 bytes has no room for one block of 8",
     [] { SharedBlockPool(8, allot::Buffer::heap(8)); }},
    {"shared_block_pool.free_null", "freeing null",
     "Misuse(null_pointer) shared_block_pool: a null pointer was given back",
     [] { make().deallocate(nullptr); }},
    {"shared_block_pool.free_foreign", "freeing memory of others", foreign,
     [] {
       SharedBlockPool pool = make();
       (void)pool.allocate();
       const auto others = std::make_unique<char[]>(24);
       pool.deallocate(about(others.get()));
     }},
    {"shared_block_pool.free_of_another_pool", "freeing another pool's block", foreign,
     [] {
       SharedBlockPool one = make();
       SharedBlockPool other = make();
       (void)other.allocate();
       other.deallocate(about(one.allocate()));
     }},
    {"shared_block_pool.free_never_handed_out", "freeing a block that was not handed out yet",
     "Misuse(double_free) shared_block_pool: block 2 at %p is free already",
     [] {
       SharedBlockPool pool = make();
       char* const first = static_cast<char*>(pool.allocate());
       char* const second = static_cast<char*>(pool.allocate());
       pool.deallocate(about(second + (second - first)));
     }},
    {"shared_block_pool.free_interior", "freeing the inside of a block",
     "Misuse(misaligned_pointer) shared_block_pool: %p lies 8 bytes into block 0, not at its start",
     [] {
       SharedBlockPool pool = make();
       pool.deallocate(about(static_cast<char*>(pool.allocate()) + 8));
     }},
    {"shared_block_pool.double_free", "freeing a block twice", twice,
     [] {
       SharedBlockPool pool = make();
       void* const p = pool.allocate();
       pool.deallocate(p);
       pool.deallocate(about(p));
     }},
    {"shared_block_pool.double_free_elsewhere", "freeing a block that another thread has freed",
     twice,
     [] {
       SharedBlockPool pool = make();
       void* const p = pool.allocate();
       in_another_thread([&] { pool.deallocate(p); });
       pool.deallocate(about(p));
     }},
    {"shared_block_pool.double_free_by_another", "another thread that frees a block again", twice,
     [] {
       SharedBlockPool pool = make();
       void* const p = pool.allocate();
       pool.deallocate(p);
       in_another_thread([&] { pool.deallocate(about(p)); });
     }},
    {"shared_block_pool.double_free_in_many", "freeing many, with a block twice among them",
     "Misuse(double_free) shared_block_pool: block 1 at %p is free already",
     [] {
       SharedBlockPool pool = make();
       void* blocks[80];
       pool.allocate_many(blocks);
       blocks[70] = about(blocks[1]);
       pool.deallocate_many(blocks);
     }},
    {"shared_block_pool.free_after_reset", "freeing a block that a reset took back", twice,
     [] {
       SharedBlockPool pool = make();
       void* const p = pool.allocate();
       pool.reset();
       pool.deallocate(about(p));
     }},
    {"shared_block_pool.free_after_release", "freeing a block after release", released,
     [] {
       SharedBlockPool pool = make();
       void* const p = pool.allocate();
       pool.release();
       pool.deallocate(p);
     }},
    {"shared_block_pool.used_after_release", "allocating after release", released,
     [] {
       SharedBlockPool pool = make();
       pool.release();
       (void)pool.allocate();
     }},
    {"shared_block_pool.used_after_release_try", "the same of a call that does not throw",
     "refused",
     [] {
       SharedBlockPool pool = make();
       pool.release();
       refused(pool.try_allocate() == nullptr);
     }},
    {"shared_block_pool.reset_after_release", "resetting after release", released,
     [] {
       SharedBlockPool pool = make();
       pool.release();
       pool.reset();
     }},
    {"shared_block_pool.object_too_large", "making an object larger than a block",
     "Misuse(bad_size) shared_block_pool: an object of 32 bytes aligned to 1, in blocks of 24 "
     "aligned to 8",
     [] {
       struct Large {
         char bytes[32];
       };
       (void)make().create<Large>();
     }},
    {"shared_block_pool.destroy_twice", "destroying an object that another thread has destroyed",
     twice,
     [] {
       SharedBlockPool pool = make();
       auto* const object = pool.create<std::unique_ptr<int>>();
       in_another_thread([&] { pool.destroy(object); });
       pool.destroy(about(object));
     }},
    {"shared_block_pool.write_past", "writing one byte past a block", poisoned,
     [] {
       SharedBlockPool pool = make();
       char* const p = fill(pool.allocate(), 24);
       fill(pool.allocate(), 24);
       touch(p + 24);
     }},
    {"shared_block_pool.write_past_odd_size", "the same where its size was rounded up", poisoned,
     [] {
       SharedBlockPool pool(13, 10U);
       char* const p = fill(pool.allocate(), 13);
       fill(pool.allocate(), 13);
       touch(p + 13);
     }},
    {"shared_block_pool.write_after_free", "writing to a block that another thread has freed",
     poisoned,
     [] {
       SharedBlockPool pool = make();
       char* const p = fill(pool.allocate(), 24);
       in_another_thread([&] { pool.deallocate(p); });
       touch(p);
     }},
    {"shared_block_pool.write_after_reset", "writing to a block that a reset took back", poisoned,
     [] {
       SharedBlockPool pool = make();
       char* const p = fill(pool.allocate(), 24);
       pool.reset();
       touch(p);
     }},
    {"shared_block_pool.write_after_release", "writing to what a release freed", freed,
     [] {
       SharedBlockPool pool = make();
       char* const p = fill(pool.allocate(), 24);
       pool.release();
       touch(p);
     }},
    {"shared_block_pool.right_use", "", "nothing",
     [] {
       SharedBlockPool pool(13, 100U);
       for (int round = 0; round != 3; ++round) {
         void* blocks[100];
         for (void*& p : blocks)
           p = fill(pool.allocate(), 13);
         in_another_thread([&] {
           for (void* p : blocks)
             pool.deallocate(p);
         });
         for (void*& p : blocks)
           p = fill(pool.allocate(), 13);
         pool.reset();
       }
       auto* const object = pool.create<std::unique_ptr<int>>(new int(1));
       pool.destroy(object);
       pool.release();
       pool.release();
     }},
};

} // namespace misuse
