// FreeBitmap and FreeStack against the plainest thing that does the same.
#include <allot/detail/free_bitmap.hpp>
#include <allot/detail/free_stack.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <vector>

using allot::FreeBitmap;
using allot::FreeStack;

namespace {

// Where words and levels end, and begin.
constexpr std::size_t counts[] = {1,    2,    63,   64,     65,     127,    128,    4095,  4096,
                                  4097, 8192, 8193, 100000, 262143, 262144, 262145, 300000};

/// The next is the lowest.
class Lowest {
public:
  explicit Lowest(std::size_t count) {
    for (std::size_t i = 0; i != count; ++i)
      free_.insert(free_.end(), i);
  }
  std::size_t take() {
    return free_.empty() ? FreeBitmap::none : free_.extract(free_.begin()).value();
  }
  void put_back(std::size_t number) { free_.insert(number); }

private:
  std::set<std::size_t> free_;
};

/// The next is the one put back last, else the lowest that was never taken.
class Latest {
public:
  explicit Latest(std::size_t count) {
    for (std::size_t i = count; i-- != 0;)
      free_.push_back(i);
  }
  std::size_t take() {
    if (free_.empty())
      return FreeStack::none;
    const std::size_t number = free_.back();
    free_.pop_back();
    return number;
  }
  void put_back(std::size_t number) { free_.push_back(number); }

private:
  std::vector<std::size_t> free_;
};

template <class Numbers>
std::size_t take(Numbers& numbers) {
  return numbers.at_hand() ? numbers.take() : numbers.find();
}

// As a BlockPool does.
bool put_back(FreeStack& numbers, std::size_t number) {
  return (number < FreeStack::max_count && numbers.put_back_newest(number)) ||
         numbers.put_back(number);
}
bool put_back(FreeBitmap& numbers, std::size_t number) {
  return numbers.put_back_newest(number) || numbers.put_back(number);
}

template <class Numbers>
concept TakesMany = requires(Numbers& numbers) {
  numbers.take_many({});
};

template <class Numbers, class Model>
class Compared {
public:
  // Whatever the memory holds.
  Compared(std::size_t count, std::byte filling)
      : memory_(Numbers::bytes(count), filling), numbers_(memory_.data(), count), model_(count),
        count_(count) {}

  void take_some(std::size_t n) {
    for (; n != 0; --n) {
      const std::size_t number = take(numbers_);
      ASSERT_EQ(number, model_.take());
      if (number == Numbers::none)
        break;
      in_use_.push_back(number);
    }
  }
  void put_back_some(std::size_t n, std::size_t near) {
    for (n = std::min(n, in_use_.size()); n != 0; --n) {
      // The newest ones, or any.
      const std::size_t back = 1 + random_() % std::min(in_use_.size(), near);
      std::swap(in_use_[in_use_.size() - back], in_use_.back());
      const std::size_t number = in_use_.back();
      in_use_.pop_back();
      ASSERT_TRUE(numbers_.in_use(number));
      ASSERT_TRUE(put_back(numbers_, number));
      ASSERT_FALSE(numbers_.in_use(number));
      ASSERT_FALSE(put_back(numbers_, number));
      model_.put_back(number);
    }
  }
  void take_many(std::size_t n) {
    std::vector<std::size_t> taken(n, count_);
    taken.resize(numbers_.take_many(taken));
    for (const std::size_t number : taken) {
      ASSERT_EQ(number, model_.take());
      in_use_.push_back(number);
    }
    if (taken.size() != n) {
      ASSERT_EQ(model_.take(), Numbers::none);
    }
  }
  // With one that is not in use among them, or behind them.
  void put_back_many(std::size_t n) {
    n = std::min(n, in_use_.size());
    std::shuffle(in_use_.end() - static_cast<std::ptrdiff_t>(n), in_use_.end(), random_);
    std::vector<std::size_t> all(in_use_.end() - static_cast<std::ptrdiff_t>(n), in_use_.end());
    const std::size_t good = random_() % (n + 1);
    const std::size_t wrong[] = {count_, SIZE_MAX, good == 0 ? count_ : all[0]};
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(good), wrong[random_() % 3]);
    ASSERT_EQ(numbers_.put_back_many(all), good);
    ASSERT_EQ(numbers_.put_back_many(std::span(all).subspan(good + 1)), n - good);
    in_use_.resize(in_use_.size() - n);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(good));
    for (const std::size_t number : all) {
      ASSERT_FALSE(numbers_.in_use(number));
      model_.put_back(number);
    }
  }
  void check() {
    ASSERT_EQ(numbers_.used(), in_use_.size());
    ASSERT_LE(numbers_.limit(), count_);
    for (const std::size_t number : {numbers_.limit(), count_, count_ + 1, count_ + 64, SIZE_MAX}) {
      ASSERT_FALSE(numbers_.in_use(number));
      ASSERT_FALSE(put_back(numbers_, number));
    }
    std::vector<bool> used(count_);
    for (const std::size_t number : in_use_) {
      ASSERT_LT(number, numbers_.limit());
      used[number] = true;
    }
    for (std::size_t number = 0; number != count_; ++number) {
      ASSERT_EQ(numbers_.in_use(number), used[number]);
      if (!used[number]) {
        ASSERT_FALSE(put_back(numbers_, number));
      }
    }
  }
  void reset() {
    numbers_.reset();
    model_ = Model(count_);
    in_use_.clear();
    check();
  }
  void run() {
    for (int step = 0; step != (count_ < 10000 ? 60 : 6) && !testing::Test::HasFatalFailure();
         ++step) {
      const std::size_t all = count_ + 1;
      const std::size_t some = random_() % 3 == 0 ? 1 + random_() % all : 1 + random_() % 200;
      take_some(step == 0 ? all : some);
      put_back_some(random_() % 3 == 0 ? 1 + random_() % all : 1 + random_() % 200,
                    random_() % 2 == 0 ? 1 : count_);
      check();
      if constexpr (TakesMany<Numbers>) {
        take_many(random_() % 3 == 0 ? random_() % all : random_() % 200);
        put_back_many(random_() % 3 == 0 ? random_() % all : random_() % 200);
        check();
      }
      if (random_() % 16 == 0)
        reset();
    }
  }

private:
  std::vector<std::byte> memory_;
  Numbers numbers_;
  Model model_;
  std::size_t count_;
  std::vector<std::size_t> in_use_;
  std::mt19937 random_{static_cast<unsigned>(count_)};
};

TEST(FreeBitmap, TakesWhatAnOrderedSetWouldTake) {
  for (const std::size_t count : counts)
    Compared<FreeBitmap, Lowest>(count, std::byte{0xFF}).run();
}

TEST(FreeStack, TakesWhatAStackWouldTake) {
  for (const std::size_t count : counts)
    for (const int filling : {0x00, 0xFF})
      Compared<FreeStack, Latest>(count, static_cast<std::byte>(filling)).run();
}

// So that construction and reset visit nothing, whatever the memory holds.
TEST(FreeBitmap, TouchesNoMemoryBeforeItIsNeeded) {
  const std::size_t count = 300000;
  std::vector<std::byte> memory(FreeBitmap::bytes(count) + 8, std::byte{0xA5});
  void* p = memory.data();
  std::size_t room = memory.size();
  FreeBitmap numbers(static_cast<std::byte*>(std::align(8, 8, p, room)), count);
  const auto touched = [&] {
    return std::count_if(memory.begin(), memory.end(), [](auto b) { return b != std::byte{0xA5}; });
  };
  EXPECT_EQ(touched(), 0);
  for (std::size_t i = 0; i != 64; ++i)
    ASSERT_EQ(take(numbers), i);
  EXPECT_LE(touched(), 3 * 8); // a word a level
  EXPECT_EQ(take(numbers), 64u);
  EXPECT_LE(touched(), 4 * 8);
}

TEST(FreeBitmap, NeedsABitANumberAndLittleMore) {
  for (const std::size_t count : counts) {
    EXPECT_GE(FreeBitmap::bytes(count) * 8, count);
    EXPECT_LE(FreeBitmap::bytes(count), (count / 64 + 1) * 8 * 65 / 64 + 32);
  }
  EXPECT_GE(FreeBitmap::bytes(SIZE_MAX), SIZE_MAX / 8);
  EXPECT_EQ(FreeStack::bytes(1000), 1000 * 5 + 8);
  EXPECT_EQ(FreeStack::bytes(SIZE_MAX), SIZE_MAX);
}

TEST(FreeBitmap, TheNewestNeedNotBePutBackAsSuch) {
  std::vector<std::byte> memory(FreeBitmap::bytes(100));
  FreeBitmap numbers(memory.data(), 100);
  for (std::size_t i = 0; i != 3; ++i)
    ASSERT_EQ(take(numbers), i);
  EXPECT_TRUE(numbers.put_back(2));
  EXPECT_FALSE(numbers.put_back(2));
  EXPECT_EQ(numbers.used(), 2u);
  EXPECT_EQ(take(numbers), 2u);
}

TEST(FreeBitmap, OfNoNumbersHasNone) {
  FreeBitmap numbers;
  EXPECT_FALSE(numbers.at_hand());
  EXPECT_EQ(numbers.find(), FreeBitmap::none);
  EXPECT_FALSE(numbers.put_back(0));
  std::size_t number[1] = {0};
  EXPECT_EQ(numbers.take_many(number), 0u);
  EXPECT_EQ(numbers.put_back_many(number), 0u);
  EXPECT_FALSE(numbers.in_use(0));
  EXPECT_EQ(numbers.used(), 0u);
}

} // namespace
