// Every strategy that takes a buffer, on memory of any size at any address.
#include <allot/allot.hpp>
#include <allot/threads/shared_block_pool.hpp>

#include "support.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

using namespace allot;

namespace {

// Each hands out 8 bytes at a time, and needs at least `least` for the first.
struct ForArena {
  static constexpr const char* name = "Arena";
  static constexpr std::size_t least = 8;
  static Arena make(Buffer buffer) { return Arena(std::move(buffer)); }
  static void* take(Arena& s) { return s.try_allocate(8); }
};
struct ForBump {
  static constexpr const char* name = "Bump";
  static constexpr std::size_t least = 8;
  static Bump make(Buffer buffer) { return Bump(std::move(buffer)); }
  static void* take(Bump& s) { return s.try_allocate(8); }
};
struct ForScratch {
  static constexpr const char* name = "Scratch";
  static constexpr std::size_t least = 8;
  static Scratch make(Buffer buffer) { return Scratch(std::move(buffer)); }
  static void* take(Scratch& s) { return s.try_allocate(8); }
};
struct ForStack {
  static constexpr const char* name = "Stack";
  static constexpr std::size_t least = 8;
  static Stack make(Buffer buffer) { return Stack(std::move(buffer)); }
  static void* take(Stack& s) { return s.try_push(std::span(zeros)).data(); }
  static inline std::byte zeros[8];
};
struct ForSlotArena {
  static constexpr const char* name = "SlotArena";
  static constexpr std::size_t least = 8;
  static SlotArena make(Buffer buffer) { return SlotArena(5, std::move(buffer)); }
  static void* take(SlotArena& s) { return s.try_allocate().ptr; }
};
struct ForTypedArena {
  static constexpr const char* name = "TypedArena";
  static constexpr std::size_t least = 8;
  static TypedArena<std::uint64_t> make(Buffer buffer) {
    return TypedArena<std::uint64_t>(std::move(buffer));
  }
  static void* take(TypedArena<std::uint64_t>& s) {
    return s.available() == 0 ? nullptr : s.create().ptr;
  }
};
struct ForBlockPoolFirst {
  static constexpr const char* name = "BlockPoolFirst";
  static constexpr std::size_t least = 16; // a leaf
  static BlockPool make(Buffer buffer) { return BlockPool(8, std::move(buffer)); }
  static void* take(BlockPool& s) { return s.try_allocate(); }
};
struct ForBlockPoolAny {
  static constexpr const char* name = "BlockPoolAny";
  static constexpr std::size_t least = 24; // an index, the ends of the stack, and a flag
  static BlockPool make(Buffer buffer) {
    return BlockPool(8, std::move(buffer), {.order = Order::any});
  }
  static void* take(BlockPool& s) { return s.try_allocate(); }
};
struct ForSharedBlockPool {
  static constexpr const char* name = "SharedBlockPool";
  static constexpr std::size_t least = 16; // a number, a flag, and one more
  static SharedBlockPool make(Buffer buffer) { return SharedBlockPool(8, std::move(buffer)); }
  static void* take(SharedBlockPool& s) { return s.try_allocate(); }
};

template <class For>
class BorrowedMemory : public testing::Test {};
using All = testing::Types<ForArena, ForBump, ForScratch, ForStack, ForSlotArena, ForTypedArena,
                           ForBlockPoolFirst, ForBlockPoolAny, ForSharedBlockPool>;
struct Names {
  template <class For>
  static std::string GetName(int /*index*/) {
    return For::name;
  }
};
TYPED_TEST_SUITE(BorrowedMemory, All, Names);

TYPED_TEST(BorrowedMemory, OfAnySizeAtAnyAddressIsUsedInsideOnly) {
  alignas(64) std::byte memory[256];
  for (std::size_t offset = 0; offset != 10; ++offset) {
    for (std::size_t bytes = 0; bytes != 200; ++bytes) {
      test::fill(memory, sizeof memory);
      const std::size_t skip = (8 - offset % 8) % 8;
      const std::size_t inside = bytes < skip ? 0 : (bytes - skip) / 8 * 8;
      std::byte* const begin = memory + offset + skip;
      if (inside < TypeParam::least) {
        EXPECT_EQ(test::kind([&] {
                    return TypeParam::make(Buffer::borrowed({memory + offset, bytes}));
                  }),
                  "Misuse(bad_size)");
        ASSERT_TRUE(test::holds(memory, sizeof memory, 0xA5));
        continue;
      }
      std::size_t taken = 0;
      {
        auto s = TypeParam::make(Buffer::borrowed({memory + offset, bytes}));
        while (void* const p = TypeParam::take(s)) {
          ASSERT_TRUE(test::is_aligned(p, 8));
          ASSERT_GE(static_cast<std::byte*>(p), begin);
          ASSERT_LE(static_cast<std::byte*>(p) + 8, begin + inside);
          ASSERT_TRUE(s.owns(p));
          test::fill(p, 5, 1);
          ++taken;
        }
      }
      if (TypeParam::least == 8)
        EXPECT_EQ(taken, inside / 8);
      else
        EXPECT_GE(taken, inside / TypeParam::least);
      ASSERT_EQ(test::visible(memory, sizeof memory), sizeof memory);
      ASSERT_TRUE(test::holds(memory, static_cast<std::size_t>(begin - memory), 0xA5));
      ASSERT_TRUE(test::holds(
          begin + inside, static_cast<std::size_t>(memory + sizeof memory - begin) - inside, 0xA5));
    }
  }
}

TYPED_TEST(BorrowedMemory, ThatIsNoneIsMisuse) {
  EXPECT_EQ(test::kind([] { return TypeParam::make(Buffer()); }), "Misuse(bad_size)");
  EXPECT_EQ(test::kind([] { return TypeParam::make(Buffer::borrowed({})); }), "Misuse(bad_size)");
}

} // namespace
