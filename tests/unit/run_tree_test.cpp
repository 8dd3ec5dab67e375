#include <allot/detail/run_tree.hpp>

#include "support.hpp"

#include <iterator>
#include <map>
#include <random>
#include <set>

using allot::detail::Run;
using allot::detail::RunTree;

namespace {

constexpr Run::Number none = Run::none;

/// A tree beside a model of it: the numbers of each length.
class Both {
public:
  explicit Both(std::size_t slabs) : runs_(slabs) {}

  void insert(Run::Number number, Run::Number length) {
    runs_[number].length = length;
    tree_.insert(runs_.data(), number);
    model_[length].insert(number);
  }
  void remove(Run::Number number) {
    tree_.remove(runs_.data(), number);
    const auto at = model_.find(runs_[number].length);
    at->second.erase(number);
    if (at->second.empty())
      model_.erase(at);
  }
  void check(std::size_t length) const {
    const Run::Number found = tree_.at_least(runs_.data(), length);
    const auto expected = model_.lower_bound(length);
    if (expected == model_.end()) {
      ASSERT_EQ(found, none);
    } else {
      ASSERT_NE(found, none);
      ASSERT_EQ(expected->second.count(found), 1u);
    }
  }
  void check_longest() const {
    ASSERT_EQ(tree_.empty(), model_.empty());
    if (!model_.empty()) {
      ASSERT_EQ(model_.rbegin()->second.count(tree_.longest(runs_.data())), 1u);
    }
  }
  [[nodiscard]] Run::Number shortest(std::size_t length) const {
    return tree_.at_least(runs_.data(), length);
  }

private:
  std::vector<Run> runs_;
  RunTree tree_;
  std::map<std::size_t, std::set<Run::Number>> model_;
};

TEST(RunTree, FindsNothingWhereNothingIs) {
  const RunTree tree;
  EXPECT_TRUE(tree.empty());
  EXPECT_EQ(tree.at_least(nullptr, 0), none);
  EXPECT_EQ(tree.at_least(nullptr, SIZE_MAX), none);
}

TEST(RunTree, FindsTheShortestThatIsLongEnough) {
  Both both(10);
  const Run::Number lengths[] = {5, 2, 6, 5, 1, 0xFFFFFFFE, 0x80000000, 7};
  for (Run::Number i = 0; i != std::size(lengths); ++i)
    both.insert(i, lengths[i]);
  for (const std::size_t length :
       test::Sizes{0, 1, 2, 3, 4, 5, 6, 7, 8, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF})
    both.check(length);
  EXPECT_EQ(both.shortest(8), 6u);
  both.check_longest();
  if (sizeof(std::size_t) > 4) {
    EXPECT_EQ(both.shortest(SIZE_MAX), none);
  }
}

TEST(RunTree, AgreesWithAMap) {
  for (const unsigned bits : {2U, 6U, 12U, 31U}) {
    std::mt19937 random(bits);
    constexpr std::size_t slabs = 300;
    Both both(slabs);
    std::vector<bool> in(slabs);
    for (int i = 0; i != 20'000; ++i) {
      // Long and short alike, as what is free is.
      const auto number = static_cast<Run::Number>(random() % slabs);
      const auto length = static_cast<Run::Number>(random() % (1U << (random() % bits + 1)) + 1);
      in[number] ? both.remove(number) : both.insert(number, length);
      in[number] = !in[number];
      ASSERT_NO_FATAL_FAILURE(both.check(length));
      ASSERT_NO_FATAL_FAILURE(both.check(random() % (std::size_t{1} << bits)));
      ASSERT_NO_FATAL_FAILURE(both.check_longest());
    }
  }
}

} // namespace
