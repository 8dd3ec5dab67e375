#include "common.hpp"

#include <allot/threads/shared_multipool.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace misuse {

using allot::SharedMultipool;

namespace {

constexpr const char* released = "Misuse(released) shared_multipool: used after release";
constexpr const char* foreign =
    "Misuse(foreign_pointer) shared_multipool: %p was not handed out by this pool";

} // namespace

const Cases shared_multipool_cases = {
    {"shared_multipool.alignment_24", "an alignment that is no power of two",
     "Misuse(bad_alignment) shared_multipool: alignment 24 is not a power of two",
     [] { (void)SharedMultipool().allocate(8, 24); }},
    {"shared_multipool.free_null", "freeing null",
     "Misuse(null_pointer) shared_multipool: a null pointer was given back",
     [] { SharedMultipool().deallocate(nullptr); }},
    {"shared_multipool.free_foreign", "freeing memory of others", foreign,
     [] {
       SharedMultipool pool;
       (void)pool.allocate(64);
       const auto others = std::make_unique<char[]>(64);
       pool.deallocate(about(others.get()));
     }},
    {"shared_multipool.free_of_another_pool", "freeing another pool's block", foreign,
     [] {
       SharedMultipool one;
       SharedMultipool other;
       (void)other.allocate(64);
       other.deallocate(about(one.allocate(64)));
     }},
    {"shared_multipool.free_never_handed_out", "freeing a block that was not handed out yet",
     foreign,
     [] {
       SharedMultipool pool;
       char* const first = static_cast<char*>(pool.allocate(64));
       char* const second = static_cast<char*>(pool.allocate(64));
       pool.deallocate(about(second + 100 * (second - first)));
     }},
    {"shared_multipool.free_interior", "freeing the inside of a block",
     "Misuse(misaligned_pointer) shared_multipool: %p lies 8 bytes into a block of 64, not at its "
     "start",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(static_cast<char*>(pool.allocate(64)) + 8));
     }},
    {"shared_multipool.free_misaligned", "the same one byte in",
     "Misuse(misaligned_pointer) shared_multipool: %p lies 1 bytes into a block of 64, not at its "
     "start",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(static_cast<char*>(pool.allocate(64)) + 1));
     }},
    {"shared_multipool.free_interior_of_large", "freeing the inside of a large object",
     "Misuse(misaligned_pointer) shared_multipool: %p lies 70000 bytes into a large object, not at "
     "its "
     "start",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(static_cast<char*>(pool.allocate(100000)) + 70000));
     }},
    {"shared_multipool.double_free", "freeing a block twice",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       pool.deallocate(p);
       pool.deallocate(about(p));
     }},
    {"shared_multipool.double_free_later", "the same with others between",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       void* const second = pool.allocate(64);
       pool.deallocate(p);
       pool.deallocate(second);
       (void)pool.allocate(64);
       (void)pool.allocate(128);
       pool.deallocate(about(p));
     }},
    {"shared_multipool.double_free_by_another_thread", "freeing a block that another thread freed",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       std::thread([&] { pool.deallocate(p); }).join();
       pool.deallocate(about(p));
     }},
    {"shared_multipool.double_free_of_large", "freeing a large object twice",
     "Misuse(double_free) shared_multipool: the large object at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(100000);
       pool.deallocate(p);
       pool.deallocate(about(p));
     }},
    {"shared_multipool.wrong_size", "freeing a block with another size",
     "Misuse(bad_size) shared_multipool: the block of 64 bytes at %p is not one for 128 aligned to "
     "8",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(pool.allocate(64)), 128);
     }},
    {"shared_multipool.wrong_size_of_large", "freeing a large object with another size",
     "Misuse(bad_size) shared_multipool: the block of 102400 bytes at %p is not one for 200000 "
     "aligned to "
     "8",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(pool.allocate(100000)), 200000);
     }},
    {"shared_multipool.wrong_alignment", "freeing a block with another alignment",
     "Misuse(bad_size) shared_multipool: the block of 24 bytes at %p is not one for 24 aligned to "
     "16",
     [] {
       SharedMultipool pool;
       pool.deallocate(about(pool.allocate(24)), 24, 16);
     }},
    {"shared_multipool.free_after_reset", "freeing a block that a reset took back",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       pool.reset();
       pool.deallocate(about(p));
     }},
    {"shared_multipool.reallocate_freed", "reallocating a block that was freed",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       pool.deallocate(p);
       (void)pool.reallocate(about(p), 128);
     }},
    {"shared_multipool.reallocate_freed_try", "the same of a call that does not throw", "refused",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       pool.deallocate(p);
       refused(pool.try_reallocate(p, 128) == nullptr);
     }},
    {"shared_multipool.free_reallocated", "freeing the old place of what was reallocated",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       (void)pool.reallocate(p, 1000);
       pool.deallocate(about(p));
     }},
    {"shared_multipool.reallocate_foreign", "reallocating memory of others", foreign,
     [] {
       SharedMultipool pool;
       const auto others = std::make_unique<char[]>(64);
       (void)pool.reallocate(about(others.get()), 128);
     }},
    {"shared_multipool.reallocate_wrong_size", "reallocating a block with another old size",
     "Misuse(bad_size) shared_multipool: the block of 64 bytes at %p is not one for 1000 aligned "
     "to 8",
     [] {
       SharedMultipool pool;
       (void)pool.reallocate(about(pool.allocate(64)), 1000, 2000);
     }},
    {"shared_multipool.size_of_freed", "asking for the size of a block that was freed",
     "Misuse(double_free) shared_multipool: the block of 64 bytes at %p is free already",
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(64);
       pool.deallocate(p);
       (void)pool.usable_size(about(p));
     }},
    {"shared_multipool.resize_foreign", "resizing memory of others in place", "refused",
     [] {
       SharedMultipool pool;
       const auto others = std::make_unique<char[]>(64);
       refused(!pool.try_resize(others.get(), 64, 32));
     }},
    {"shared_multipool.used_after_release", "allocating after release", released,
     [] {
       SharedMultipool pool;
       pool.release();
       (void)pool.allocate(8);
     }},
    {"shared_multipool.free_after_release", "freeing a block after release", released,
     [] {
       SharedMultipool pool;
       void* const p = pool.allocate(8);
       pool.release();
       pool.deallocate(p);
     }},
    {"shared_multipool.reset_after_release", "resetting after release", released,
     [] {
       SharedMultipool pool;
       pool.release();
       pool.reset();
     }},
    {"shared_multipool.trim_after_release", "trimming after release", released,
     [] {
       SharedMultipool pool;
       pool.release();
       pool.trim();
     }},

    {"shared_multipool.write_past", "writing one byte past a block", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       fill(pool.allocate(64), 64);
       touch(p + 64);
     }},
    {"shared_multipool.write_past_odd_size", "the same where its size was rounded up", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(141), 141);
       fill(pool.allocate(141), 141);
       touch(p + 141);
     }},
    {"shared_multipool.write_before", "writing one byte before a block", poisoned,
     [] {
       SharedMultipool pool;
       fill(pool.allocate(64), 64);
       touch(fill(pool.allocate(64), 64) - 1);
     }},
    {"shared_multipool.write_past_large", "writing one byte past a large object", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(100001), 100001);
       fill(pool.allocate(100001), 100001);
       touch(p + 100001);
     }},
    {"shared_multipool.write_before_large", "writing one byte before a large object", poisoned,
     [] {
       SharedMultipool pool;
       fill(pool.allocate(100001), 100001);
       touch(fill(pool.allocate(100001), 100001) - 1);
     }},
    {"shared_multipool.write_after_free", "writing to a block that was freed", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       pool.deallocate(p);
       touch(p);
     }},
    {"shared_multipool.write_after_free_by_another_thread",
     "writing to a block that another thread freed", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       std::thread([&] { pool.deallocate(p); }).join();
       touch(p);
     }},
    {"shared_multipool.write_after_free_of_large", "writing to a large object that was freed",
     poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(100000), 100000);
       pool.deallocate(p);
       touch(p);
     }},
    {"shared_multipool.write_after_shrink", "writing to what a reallocation in place took back",
     poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(160), 160);
       touch(static_cast<char*>(pool.reallocate(p, 150)) + 150);
     }},
    {"shared_multipool.write_after_reallocate", "writing to the old place of what was reallocated",
     poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       fill(pool.reallocate(p, 1000), 1000);
       touch(p);
     }},
    {"shared_multipool.write_after_reset", "writing to a block that a reset took back", poisoned,
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       pool.reset();
       touch(p);
     }},
    {"shared_multipool.write_after_release", "writing to what was unmapped", "fault",
     [] {
       SharedMultipool pool;
       char* const p = fill(pool.allocate(64), 64);
       pool.release();
       touch(p);
     }},
    {"shared_multipool.right_use", "", "nothing",
     [] {
       SharedMultipool pool;
       for (int round = 0; round != 3; ++round) {
         std::vector<void*> blocks;
         for (std::size_t bytes : Sizes{1, 8, 13, 64, 100, 1000, 30000, 40000, 100000})
           blocks.push_back(fill(pool.allocate(bytes), bytes));
         for (void*& p : blocks)
           p = fill(pool.reallocate(p, 500), 500);
         for (void*& p : blocks)
           p = fill(pool.reallocate(p, 501), 501);
         for (std::size_t i = 0; i < blocks.size(); i += 2)
           pool.deallocate(blocks[i], 501);
         fill(pool.allocate(100, 4096), 100);
         pool.trim();
         pool.reset();
       }
       std::thread([&] { pool.deallocate(fill(pool.allocate(100), 100)); }).join();
       pool.release();
       pool.release();
     }},
};

} // namespace misuse
