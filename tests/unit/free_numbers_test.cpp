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
using allot::Freeing;
using allot::FreeStack;

namespace {

// Where words and levels end, and begin.
constexpr std::size_t counts[] = {1,    2,    63,   64,   65,     127,    128,   4095,
                                  4096, 4097, 8192, 8193, 262143, 262144, 262145};

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

// As a BlockPool does.
template <class Numbers>
std::size_t take(Numbers& numbers) {
  std::size_t number = 0;
  return numbers.take(number) ? number : numbers.find();
}
bool put_back(FreeStack& numbers, std::size_t number) {
  return numbers.put_back(number) || numbers.put_back_slow(number);
}
bool put_back(FreeBitmap& numbers, std::size_t number) {
  return numbers.put_back(number) || numbers.put_back_newest(number) ||
         numbers.put_back_slow(number);
}

template <class Numbers, class Model>
class Compared {
public:
  // Whatever the memory holds.
  template <class... Options>
  Compared(std::size_t count, std::byte filling, Options... options)
      : memory_(Numbers::bytes(count), filling), numbers_(memory_.data(), count, options...),
        model_(count), count_(count) {}

  void take_some(std::size_t n) {
    for (; n != 0; --n) {
      const std::size_t number = take(numbers_);
      ASSERT_EQ(number, model_.take());
      if (number == Numbers::none)
        break;
      in_use_.push_back(number);
      peak_ = std::max(peak_, in_use_.size());
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
  void check() {
    ASSERT_EQ(numbers_.used(), in_use_.size());
    ASSERT_EQ(numbers_.peak(), peak_);
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
    std::size_t next = numbers_.next_in_use(0);
    for (std::size_t number = 0; number != count_; ++number) {
      const bool taken = used[number];
      ASSERT_TRUE(numbers_.in_use(number) == taken && (number == next) == taken &&
                  (taken || !put_back(numbers_, number)))
          << number;
      if (number == next)
        next = numbers_.next_in_use(number + 1);
    }
  }
  void reset() {
    numbers_.reset();
    model_ = Model(count_);
    in_use_.clear();
    peak_ = 0;
    check();
  }
  void run() {
    const int steps = count_ < 1000 ? 60 : count_ < 10000 ? 12 : 2;
    for (int step = 0; step != steps && !testing::Test::HasFatalFailure(); ++step) {
      const std::size_t all = count_ + 1;
      const std::size_t some = random_() % 3 == 0 ? 1 + random_() % all : 1 + random_() % 200;
      take_some(step == 0 ? all : some);
      put_back_some(random_() % 3 == 0 ? 1 + random_() % all : 1 + random_() % 200,
                    random_() % 2 == 0 ? 1 : count_);
      check();
      if (random_() % 16 == 0)
        reset();
      if (random_() % 4 == 0) {
        numbers_.reset_peak();
        peak_ = in_use_.size();
        check();
      }
    }
  }

private:
  std::vector<std::byte> memory_;
  Numbers numbers_;
  Model model_;
  std::size_t count_;
  std::vector<std::size_t> in_use_;
  std::size_t peak_ = 0;
  std::mt19937 random_{static_cast<unsigned>(count_)};
};

TEST(FreeBitmap, TakesWhatAnOrderedSetWouldTake) {
  for (const std::size_t count : counts)
    Compared<FreeBitmap, Lowest>(count, std::byte{0xFF}).run();
}

TEST(FreeStack, TakesWhatAStackWouldTake) {
  for (const std::size_t count : {1U, 2U, 64U, 65U, 8193U}) // it has neither words nor levels
    for (const int filling : {0x00, 0xFF})
      Compared<FreeStack, Latest>(count, static_cast<std::byte>(filling)).run();
}

TEST(FreeStack, DoesSoByCallsOnly) {
  for (const std::size_t count : {1U, 65U, 10000U})
    Compared<FreeStack, Latest>(count, std::byte{0xFF}, Freeing::slow).run();
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
  EXPECT_EQ(FreeStack::bytes(1000), 1000 * 5 + 4);
  EXPECT_EQ(FreeStack::bytes(SIZE_MAX), SIZE_MAX);
}

// In any state: a prefix, and a tree with holes.
template <class Numbers>
void take_what_is_ready(std::size_t count) {
  for (const bool holes : {false, true}) {
    std::vector<std::byte> memory(Numbers::bytes(count), std::byte{0xFF});
    Numbers numbers(memory.data(), count);
    EXPECT_EQ(numbers.ready(), count);
    numbers.set_ready(0);
    std::size_t next = 0;
    for (const std::size_t ready : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{64},
                                    std::size_t{65}, std::size_t{1000}, count}) {
      numbers.reset(); // which changes nothing of it
      ASSERT_EQ(numbers.ready(), next);
      numbers.set_ready(std::max(next, std::min(ready, count)));
      next = 0;
      for (; next != numbers.ready(); ++next)
        ASSERT_EQ(take(numbers), next);
      ASSERT_EQ(take(numbers), Numbers::none);
      ASSERT_EQ(numbers.used(), next);
      if (holes && next != 0) {
        ASSERT_TRUE(put_back(numbers, next / 2));
        ASSERT_EQ(take(numbers), next / 2);
        ASSERT_EQ(take(numbers), Numbers::none);
      }
    }
  }
}

TEST(FreeBitmap, TakesFreshNumbersThatAreReadyOnly) {
  for (const std::size_t count : counts)
    ASSERT_NO_FATAL_FAILURE(take_what_is_ready<FreeBitmap>(count)) << count;
}

TEST(FreeStack, TakesFreshNumbersThatAreReadyOnly) {
  for (const std::size_t count : counts)
    ASSERT_NO_FATAL_FAILURE(take_what_is_ready<FreeStack>(count)) << count;
}

TEST(FreeBitmap, TheNewestNeedNotBePutBackAsSuch) {
  std::vector<std::byte> memory(FreeBitmap::bytes(100));
  FreeBitmap numbers(memory.data(), 100);
  for (std::size_t i = 0; i != 3; ++i)
    ASSERT_EQ(take(numbers), i);
  EXPECT_TRUE(numbers.put_back_slow(2));
  EXPECT_FALSE(numbers.put_back_slow(2));
  EXPECT_EQ(numbers.used(), 2u);
  EXPECT_EQ(take(numbers), 2u);
}

TEST(FreeStack, SlowFreeingIsByCallsOnly) {
  std::vector<std::byte> memory(FreeStack::bytes(100));
  FreeStack numbers(memory.data(), 100, Freeing::slow);
  for (std::size_t i = 0; i != 70; ++i)
    ASSERT_EQ(take(numbers), i);
  for (const std::size_t number : {69U, 3U}) {
    EXPECT_FALSE(numbers.put_back(number));
    EXPECT_TRUE(numbers.put_back_slow(number));
    EXPECT_FALSE(numbers.put_back_slow(number));
  }
  for (const std::size_t number : {3U, 69U, 70U})
    EXPECT_EQ(take(numbers), number);
}

TEST(FreeBitmap, OfNoNumbersHasNone) {
  FreeBitmap numbers;
  std::size_t number = 0;
  EXPECT_FALSE(numbers.take(number));
  EXPECT_EQ(numbers.find(), FreeBitmap::none);
  EXPECT_FALSE(put_back(numbers, 0));
  EXPECT_FALSE(put_back(numbers, SIZE_MAX));
  EXPECT_FALSE(numbers.in_use(0));
  EXPECT_EQ(numbers.next_in_use(0), FreeBitmap::none);
  EXPECT_EQ(numbers.used(), 0u);
  EXPECT_EQ(numbers.peak(), 0u);
}

TEST(FreeStack, OfNoNumbersHasNone) {
  FreeStack numbers;
  std::size_t number = 0;
  EXPECT_FALSE(numbers.take(number));
  EXPECT_EQ(numbers.find(), FreeStack::none);
  EXPECT_FALSE(put_back(numbers, 0));
  EXPECT_FALSE(put_back(numbers, SIZE_MAX));
  EXPECT_FALSE(numbers.in_use(0));
  EXPECT_EQ(numbers.next_in_use(0), FreeStack::none);
  EXPECT_EQ(numbers.used(), 0u);
  EXPECT_EQ(numbers.peak(), 0u);
}

} // namespace
