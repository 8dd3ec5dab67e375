#include "common.hpp"

namespace misuse {

using allot::BlockPool;
using allot::Order;

namespace {

// What is the same in both orders, under the name of each.
template <Order order>
Cases in_order(const std::string& name) {
  static constexpr allot::BlockOptions options{.order = order};
  static constexpr auto make = [] { return BlockPool(24, 100, options); };
  const std::string foreign =
      "Misuse(foreign_pointer) block_pool: %p was not handed out by this pool of 100 blocks";
  const std::string released = "Misuse(released) block_pool: used after release";
  return {
      {name + ".free_null", "freeing null",
       "Misuse(null_pointer) block_pool: a null pointer was given back",
       [] { make().deallocate(nullptr); }},
      {name + ".free_foreign", "freeing memory of others", foreign,
       [] {
         BlockPool pool = make();
         (void)pool.allocate();
         const auto others = std::make_unique<char[]>(24);
         pool.deallocate(about(others.get()));
       }},
      {name + ".free_on_the_stack", "freeing a local variable", foreign,
       [] {
         BlockPool pool = make();
         (void)pool.allocate();
         char local[24];
         pool.deallocate(about(local));
       }},
      {name + ".free_of_another_pool", "freeing another pool's block", foreign,
       [] {
         BlockPool one = make();
         BlockPool other = make();
         (void)other.allocate();
         other.deallocate(about(one.allocate()));
       }},
      {name + ".free_before", "freeing what lies before the first block", foreign,
       [] {
         BlockPool pool = make();
         pool.deallocate(about(static_cast<char*>(pool.allocate()) - 24));
       }},
      {name + ".free_past_the_end", "freeing what lies behind the last block", foreign,
       [] {
         BlockPool pool = make();
         char* first = static_cast<char*>(pool.allocate());
         char* last = first;
         while (void* p = pool.try_allocate())
           last = static_cast<char*>(p);
         pool.deallocate(about(last + (last - first) / 99));
       }},
      {name + ".free_never_handed_out", "freeing a block that was not handed out yet",
       "Misuse(double_free) block_pool: block 2 at %p is free already",
       [] {
         BlockPool pool = make();
         char* const first = static_cast<char*>(pool.allocate());
         char* const second = static_cast<char*>(pool.allocate());
         pool.deallocate(about(second + (second - first)));
       }},
      {name + ".free_interior", "freeing the inside of a block",
       "Misuse(misaligned_pointer) block_pool: %p lies 8 bytes into block 0, not at its start",
       [] {
         BlockPool pool = make();
         pool.deallocate(about(static_cast<char*>(pool.allocate()) + 8));
       }},
      {name + ".free_misaligned", "the same one byte in",
       "Misuse(misaligned_pointer) block_pool: %p lies 1 bytes into block 0, not at its start",
       [] {
         BlockPool pool = make();
         pool.deallocate(about(static_cast<char*>(pool.allocate()) + 1));
       }},
      {name + ".free_interior_of_free", "freeing the inside of a free block",
       "Misuse(misaligned_pointer) block_pool: %p lies 8 bytes into block 0, not at its start",
       [] {
         BlockPool pool = make();
         char* const p = static_cast<char*>(pool.allocate());
         pool.deallocate(p);
         pool.deallocate(about(p + 8));
       }},
      {name + ".double_free", "freeing a block twice",
       "Misuse(double_free) block_pool: block 0 at %p is free already",
       [] {
         BlockPool pool = make();
         void* const p = pool.allocate();
         pool.deallocate(p);
         pool.deallocate(about(p));
       }},
      {name + ".double_free_later", "the same with others between",
       "Misuse(double_free) block_pool: block 1 at %p is free already",
       [] {
         BlockPool pool = make();
         void* blocks[80];
         for (void*& p : blocks)
           p = pool.allocate();
         for (int i : {1, 70, 40, 2})
           pool.deallocate(blocks[i]);
         if (order == Order::any) // hands out the last ones first
           (void)pool.allocate();
         pool.deallocate(about(blocks[1]));
       }},
      {name + ".double_free_in_many", "freeing many, with a block twice among them",
       "Misuse(double_free) block_pool: block 1 at %p is free already",
       [] {
         BlockPool pool = make();
         void* blocks[80];
         pool.allocate_many(blocks);
         blocks[70] = about(blocks[1]);
         pool.deallocate_many(blocks);
       }},
      {name + ".free_foreign_in_many", "freeing many, with memory of others among them", foreign,
       [] {
         BlockPool pool = make();
         void* blocks[80];
         pool.allocate_many(blocks);
         const auto others = std::make_unique<char[]>(24);
         blocks[70] = about(others.get());
         pool.deallocate_many(blocks);
       }},
      {name + ".free_after_reset", "freeing a block that a reset took back",
       "Misuse(double_free) block_pool: block 0 at %p is free already",
       [] {
         BlockPool pool = make();
         void* const p = pool.allocate();
         pool.reset();
         pool.deallocate(about(p));
       }},
      {name + ".free_after_release", "freeing a block after release", released,
       [] {
         BlockPool pool = make();
         void* const p = pool.allocate();
         pool.release();
         pool.deallocate(p);
       }},
      {name + ".used_after_release", "allocating after release", released,
       [] {
         BlockPool pool = make();
         pool.release();
         (void)pool.allocate();
       }},
      {name + ".used_after_release_try", "the same of a call that does not throw", "refused",
       [] {
         BlockPool pool = make();
         pool.release();
         refused(pool.try_allocate() == nullptr);
       }},
      {name + ".reset_after_release", "resetting after release", released,
       [] {
         BlockPool pool = make();
         pool.release();
         pool.reset();
       }},
      {name + ".used_after_move", "allocating from what was moved from", released,
       [] {
         BlockPool from = make();
         (void)from.allocate();
         const BlockPool to = std::move(from);
         (void)from.allocate();
       }},
      {name + ".free_after_move", "freeing a block at what was moved from", released,
       [] {
         BlockPool from = make();
         void* const p = from.allocate();
         const BlockPool to = std::move(from);
         from.deallocate(p);
       }},
      {name + ".object_too_large", "making an object larger than a block",
       "Misuse(bad_size) block_pool: an object of 32 bytes aligned to 1, in blocks of 24 aligned "
       "to 8",
       [] {
         struct Large {
           char bytes[32];
         };
         (void)make().template create<Large>();
       }},
      {name + ".object_too_aligned", "making an object aligned more than a block",
       "Misuse(bad_alignment) block_pool: an object of 16 bytes aligned to 16, in blocks of 24 "
       "aligned to 8",
       [] {
         struct alignas(16) Aligned {
           char bytes[16];
         };
         (void)make().template create<Aligned>();
       }},
      {name + ".destroy_twice", "destroying an object twice",
       "Misuse(double_free) block_pool: block 0 at %p is free already",
       [] {
         BlockPool pool = make();
         auto* const object = pool.template create<std::unique_ptr<int>>();
         pool.destroy(object);
         pool.destroy(about(object));
       }},
      {name + ".destroy_foreign", "destroying an object of others", foreign,
       [] {
         BlockPool pool = make();
         std::unique_ptr<int> others;
         pool.destroy(about(&others));
       }},
      {name + ".destroy_null", "destroying null",
       "Misuse(null_pointer) block_pool: a null pointer was given back",
       [] { make().destroy(static_cast<int*>(nullptr)); }},
      {name + ".free_in_destructor", "a destructor that frees its own object's block",
       "Misuse(double_free) block_pool: block 0 at %p is free already",
       [] {
         struct FreesItself {
           BlockPool& pool;
           explicit FreesItself(BlockPool& its) : pool(its) {}
           FreesItself(const FreesItself&) = delete;
           FreesItself& operator=(const FreesItself&) = delete;
           ~FreesItself() { pool.deallocate(this); }
         };
         BlockPool pool = make();
         pool.destroy(about(pool.template create<FreesItself>(pool)));
       }},

      {name + ".write_past", "writing one byte past a block", poisoned,
       [] {
         BlockPool pool = make();
         char* const p = fill(pool.allocate(), 24);
         fill(pool.allocate(), 24);
         touch(p + 24);
       }},
      {name + ".write_past_odd_size", "the same where its size was rounded up", poisoned,
       [] {
         BlockPool pool(13, 10, options);
         char* const p = fill(pool.allocate(), 13);
         fill(pool.allocate(), 13);
         touch(p + 13);
       }},
      {name + ".write_before", "writing one byte before a block", poisoned,
       [] {
         BlockPool pool = make();
         fill(pool.allocate(), 24);
         touch(fill(pool.allocate(), 24) - 1);
       }},
      {name + ".write_past_last", "writing one byte past the last block", poisoned,
       [] {
         BlockPool pool = make();
         char* last = nullptr;
         while (void* p = pool.try_allocate())
           last = fill(p, 24);
         touch(last + 24);
       }},
      {name + ".write_after_free", "writing to a block that was freed", poisoned,
       [] {
         BlockPool pool = make();
         char* const p = fill(pool.allocate(), 24);
         pool.deallocate(p);
         touch(p);
       }},
      {name + ".write_after_reset", "writing to a block that a reset took back", poisoned,
       [] {
         BlockPool pool = make();
         char* const p = fill(pool.allocate(), 24);
         pool.reset();
         touch(p);
       }},
      {name + ".write_after_release", "writing to what a release freed", freed,
       [] {
         BlockPool pool = make();
         char* const p = fill(pool.allocate(), 24);
         pool.release();
         touch(p);
       }},
      {name + ".right_use", "", "nothing",
       [] {
         BlockPool pool(13, 100, options);
         for (int round = 0; round != 3; ++round) {
           void* blocks[100];
           for (void*& p : blocks)
             p = fill(pool.allocate(), 13);
           for (void* p : blocks)
             pool.deallocate(p);
           for (void*& p : blocks)
             p = fill(pool.allocate(), 13);
           pool.reset();
         }
         BlockPool moved = std::move(pool);
         auto* const object = moved.template create<std::unique_ptr<int>>(new int(1));
         moved.destroy(object);
         moved.release();
         moved.release();
       }},
  };
}

} // namespace

const Cases block_pool_cases =
    Cases{
        {"block_pool.block_size_0", "blocks of 0 bytes",
         "Misuse(bad_size) block_pool: blocks of 0 bytes were asked for", [] { BlockPool(0, 10); }},
        {"block_pool.count_0", "no blocks", "Misuse(bad_size) block_pool: 0 blocks were asked for",
         [] { BlockPool(8, std::size_t{0}); }},
        {"block_pool.product_overflows", "more blocks than a size can hold",
         "Misuse(overflow) block_pool: 2305843009213693952 blocks of 8 bytes are more than a size "
         "can hold",
         [] { BlockPool(8, SIZE_MAX / 8 + 1); }},
        {"block_pool.rounded_size_overflows", "a block size that wraps when it is rounded up",
         "Misuse(overflow) block_pool: 1 blocks of 18446744073709551615 bytes are more than a size "
         "can hold",
         [] { BlockPool(SIZE_MAX, std::size_t{1}); }},
        {"block_pool.too_many_to_number", "more blocks than Order::any can number",
         "Misuse(overflow) block_pool: 4294967296 blocks of 8 bytes are more than Order::any can "
         "number",
         [] { BlockPool(8, std::size_t{1} << 32, {.order = Order::any}); }},
        {"block_pool.alignment_24", "an alignment that is no power of two",
         "Misuse(bad_alignment) block_pool: alignment 24 is not a power of two",
         [] { BlockPool(8, 10, {.alignment = 24}); }},
        {"block_pool.buffer_too_small", "a buffer without room for one block",
         "Misuse(bad_size) block_pool: a buffer of 8 bytes has no room for one block of 8",
         [] { BlockPool(8, allot::Buffer::heap(8)); }},
    } +
    in_order<Order::first_free>("block_pool.first_free") + in_order<Order::any>("block_pool.any");

} // namespace misuse
