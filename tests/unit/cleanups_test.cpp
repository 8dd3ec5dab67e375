#include <allot/detail/cleanups.hpp>

#include "support.hpp"

#include <new>
#include <utility>
#include <vector>

using namespace allot;
using test::Witness;

namespace {

using Log = std::vector<int>;

// A cursor and a list of destructors, as a strategy has them.
class CleanupsTest : public testing::Test {
protected:
  void SetUp() override { annotate::open(memory, sizeof memory); }
  void TearDown() override { annotate::close(memory, sizeof memory); }

  template <class T, class... Args>
  T* make(Args&&... args) {
    std::byte* const block = cursor.take_aligned(Cleanups::object_offset<T> + sizeof(T),
                                                 std::max(alignof(T), alignof(Cleanups::Record)));
    T* const object = ::new (block + Cleanups::object_offset<T>) T(std::forward<Args>(args)...);
    objects.add<T>(block);
    return object;
  }
  template <class T>
  T* make_array(std::size_t count) {
    std::byte* const block =
        cursor.take_aligned(Cleanups::array_offset<T> + count * sizeof(T),
                            std::max(alignof(T), alignof(Cleanups::ArrayRecord)));
    T* const first = reinterpret_cast<T*>(block + Cleanups::array_offset<T>);
    for (std::size_t i = 0; i != count; ++i)
      ::new (first + i) T();
    objects.add_array<T>(block, count);
    return first;
  }

  alignas(256) std::byte memory[8192]{};
  Cursor cursor{memory, 4096, red_zones};
  Cleanups objects;
  Log log;
};

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  ~Aligned() {}
};

template <class T>
constexpr bool offsets_are_right =
    Cleanups::object_offset<T> >= sizeof(Cleanups::Record) &&
    Cleanups::array_offset<T> >= sizeof(Cleanups::ArrayRecord) &&
    Cleanups::object_offset<T> % alignof(T) == 0 && Cleanups::array_offset<T> % alignof(T) == 0;
static_assert(offsets_are_right<char> && offsets_are_right<Aligned<8>> &&
              offsets_are_right<Aligned<16>> && offsets_are_right<Aligned<128>>);

TEST_F(CleanupsTest, AreDestroyedOnceAndNewestFirst) {
  for (int i = 0; i != 5; ++i)
    make<Witness>(log, i);
  EXPECT_EQ(objects.count(), 5u);
  objects.destroy_back_to({}, cursor);
  EXPECT_EQ(log, (Log{4, 3, 2, 1, 0}));
  EXPECT_EQ(objects.count(), 0u);
  objects.destroy_back_to({}, cursor);
  EXPECT_EQ(log.size(), 5u);
}

TEST_F(CleanupsTest, AreDestroyedBackToAPositionOnly) {
  make<Witness>(log, 0);
  const Cleanups::Position position = objects.position();
  make<Witness>(log, 1);
  make<Witness>(log, 2);
  objects.destroy_back_to(position, cursor);
  EXPECT_EQ(log, (Log{2, 1}));
  EXPECT_EQ(objects.count(), 1u);
  EXPECT_EQ(objects.position(), position);
  objects.destroy_back_to({}, cursor);
}

struct InOrder {
  static inline Log* log = nullptr;
  static inline int made = 0;
  int number = made++;
  ~InOrder() { log->push_back(number); }
};

TEST_F(CleanupsTest, OfAnArrayAreDestroyedNewestFirstToo) {
  InOrder::log = &log;
  InOrder::made = 0;
  make<InOrder>();
  make_array<InOrder>(3);
  make<InOrder>();
  EXPECT_EQ(objects.count(), 5u);
  objects.destroy_back_to({}, cursor);
  EXPECT_EQ(log, (Log{4, 3, 2, 1, 0}));
}

struct alignas(64) Wide {
  explicit Wide(Log& to) : log(to) {}
  ~Wide() { log.push_back(static_cast<int>(reinterpret_cast<std::uintptr_t>(this) % 64)); }
  Log& log;
};

TEST_F(CleanupsTest, MayBeOveraligned) {
  (void)cursor.take(8);
  EXPECT_TRUE(test::is_aligned(make<Wide>(log), 64));
  objects.destroy_back_to({}, cursor);
  EXPECT_EQ(log, Log{0});
}

TEST_F(CleanupsTest, FindTheStrategyClosedWhileTheyAreDestroyed) {
  struct Curious {
    const Cleanups& objects;
    const Cursor& cursor;
    Curious(const Cleanups& o, const Cursor& c) : objects(o), cursor(c) {}
    ~Curious() { EXPECT_TRUE(objects.running() && !cursor.fits(1)); }
  };
  make<Curious>(objects, cursor);
  const std::size_t available = cursor.available();
  EXPECT_FALSE(objects.running());
  objects.destroy_back_to({}, cursor);
  EXPECT_FALSE(objects.running());
  EXPECT_EQ(cursor.available(), available);
}

TEST_F(CleanupsTest, OweNothingAfterAMove) {
  make<Witness>(log, 1);
  Cleanups to = std::move(objects);
  EXPECT_EQ(objects.count(), 0u);
  objects.destroy_back_to({}, cursor);
  EXPECT_TRUE(log.empty());
  to.destroy_back_to({}, cursor);
  EXPECT_EQ(log, Log{1});
}

TEST_F(CleanupsTest, HaveRecordsThatAreHidden) {
  if (!test::watched())
    GTEST_SKIP() << "no sanitizer watches";
  const Witness* const object = make<Witness>(log, 1);
  EXPECT_TRUE(test::all_hidden(memory, sizeof(Cleanups::Record)));
  EXPECT_EQ(test::visible(object, 256), sizeof(Witness));
  InOrder::log = &log;
  const InOrder* const array = make_array<InOrder>(3);
  EXPECT_TRUE(test::all_hidden(array, 0));
  EXPECT_TRUE(test::is_hidden(reinterpret_cast<const std::byte*>(array) - 1));
  EXPECT_EQ(test::visible(array, 256), 3 * sizeof(InOrder));
  objects.destroy_back_to({}, cursor);
}

} // namespace
