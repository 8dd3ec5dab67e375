#include <allot/base/size.hpp>
#include <allot/detail/address_index.hpp>

#include "support.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace allot;

namespace {

using Node = AddressIndex::Node;

constexpr std::uintptr_t first_address = std::uintptr_t{1} << (5 * sizeof(void*));

std::byte* pointer(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address); // NOLINT(performance-no-int-to-ptr)
}

/// Ranges that nothing is read or written through.
class Ranges {
public:
  void add(std::uintptr_t begin, std::size_t bytes) {
    Node& node = *nodes_.emplace_back(std::make_unique<Node>());
    node.begin = pointer(begin);
    node.end = pointer(begin + bytes);
    index.insert(node);
  }
  [[nodiscard]] Node& operator[](std::size_t i) { return *nodes_[i]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  void erase(std::size_t i) {
    index.erase(*nodes_[i]);
    std::swap(nodes_[i], nodes_.back());
    nodes_.pop_back();
  }

  AddressIndex index;

private:
  std::vector<std::unique_ptr<Node>> nodes_;
};

/// How many nodes the longest way down passes. The root is the one that no other points to.
std::size_t depth(Ranges& ranges) {
  std::vector<const Node*> children;
  for (std::size_t i = 0; i != ranges.size(); ++i)
    for (const Node* const child : {ranges[i].below, ranges[i].above})
      if (child != nullptr)
        children.push_back(child);
  EXPECT_EQ(children.size() + 1, ranges.size());
  std::sort(children.begin(), children.end());
  const Node* root = nullptr;
  for (std::size_t i = 0; i != ranges.size(); ++i)
    if (!std::binary_search(children.begin(), children.end(), &ranges[i]))
      root = &ranges[i];
  std::size_t levels = 0;
  std::vector<const Node*> level{root};
  for (; !level.empty(); ++levels) {
    std::vector<const Node*> next;
    for (const Node* const node : level)
      for (const Node* const child : {node->below, node->above})
        if (child != nullptr)
          next.push_back(child);
    level = std::move(next);
  }
  return levels;
}
std::size_t allowed_depth(std::size_t ranges) {
  return 4 * static_cast<std::size_t>(std::bit_width(ranges)) + 8;
}

TEST(AddressIndex, OfNothingFindsNothing) {
  const AddressIndex index;
  EXPECT_EQ(index.find(nullptr), nullptr);
  EXPECT_EQ(index.find(&index), nullptr);
  EXPECT_EQ(index.find(pointer(UINTPTR_MAX)), nullptr);
}

TEST(AddressIndex, FindsARangeByItsFirstAndItsLastByteAndNoFurther) {
  Ranges ranges;
  ranges.add(1000, 24);
  ranges.add(2000, 8);
  ranges.add(1024, 100); // right behind the first
  for (std::size_t i = 0; i != ranges.size(); ++i) {
    EXPECT_EQ(ranges.index.find(ranges[i].begin), &ranges[i]);
    EXPECT_EQ(ranges.index.find(ranges[i].end - 1), &ranges[i]);
  }
  for (const std::uintptr_t nowhere : test::Sizes{0, 999, 1124, 1999, 2008})
    EXPECT_EQ(ranges.index.find(pointer(nowhere)), nullptr) << nowhere;
  EXPECT_EQ(ranges.index.find(pointer(UINTPTR_MAX)), nullptr);
  ranges.erase(2);
  EXPECT_EQ(ranges.index.find(pointer(1024)), nullptr);
  EXPECT_EQ(ranges.index.find(pointer(1023)), &ranges[0]);
}

TEST(AddressIndex, CanBeCopiedAsWhatItIs) { // a pointer, which a region's move takes along
  Ranges ranges;
  ranges.add(1000, 24);
  const AddressIndex copy = ranges.index;
  EXPECT_EQ(copy.find(pointer(1023)), &ranges[0]);
}

// Random calls, against a std::map.
TEST(AddressIndex, AgreesWithAMap) {
  std::mt19937_64 random(5); // the same each time
  const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
  AddressIndex index;
  std::map<std::uintptr_t, std::unique_ptr<Node>> model;
  const auto containing = [&](std::uintptr_t address) -> Node* {
    auto next = model.upper_bound(address);
    if (next == model.begin())
      return nullptr;
    Node* const node = std::prev(next)->second.get();
    return pointer(address) < node->end ? node : nullptr;
  };
  constexpr std::size_t span = 1 << 26;
  std::size_t most = 0;
  for (int step = 0; step != 100'000; ++step) {
    const bool growing = step % 40'000 < 25'000; // to 10,000 ranges and more, and back
    const std::uintptr_t address = 4096 + below(span / 16) * 16;
    if (below(10) < (growing ? 8u : 2u)) {
      const std::size_t bytes = (1 + below(64)) * 16;
      const auto next = model.lower_bound(address);
      if (containing(address) != nullptr || (next != model.end() && next->first < address + bytes))
        continue;
      auto node = std::make_unique<Node>();
      node->begin = pointer(address);
      node->end = pointer(address + bytes);
      index.insert(*node);
      model.emplace(address, std::move(node));
    } else if (const auto found = model.lower_bound(address); found != model.end()) {
      index.erase(*found->second);
      model.erase(found);
    }
    const std::uintptr_t asked = 4096 + below(span);
    ASSERT_EQ(index.find(pointer(asked)), containing(asked)) << "at step " << step;
    most = std::max(most, model.size());
  }
  EXPECT_GE(most, 10'000u);
  for (const auto& [address, node] : model) {
    ASSERT_EQ(index.find(node->begin), node.get());
    ASSERT_EQ(index.find(node->end - 1), node.get());
  }
  while (!model.empty()) {
    auto found = model.begin();
    for (std::size_t i = below(std::min<std::size_t>(model.size(), 100)); i != 0; --i)
      ++found;
    index.erase(*found->second);
    ASSERT_EQ(index.find(found->second->begin), nullptr);
    model.erase(found);
  }
}

// So are the steps of all calls, which go down once.
TEST(AddressIndex, IsNotDeepWhateverTheAddressesAre) {
  std::mt19937_64 random(3);
  for (const std::size_t distance :
       test::Sizes{4096, 65536 + 192, 65536 + 4096, 1_MiB, 16_MiB + 64})
    for (const bool falling : {false, true}) {
      Ranges ranges;
      const std::size_t count = std::min<std::size_t>(10'000, SIZE_MAX / 2 / distance);
      for (std::size_t i = 0; i != count; ++i)
        ranges.add(first_address + (falling ? count - i : i) * distance, 4096);
      ASSERT_LE(depth(ranges), allowed_depth(count)) << distance;
      while (ranges.size() > count / 100) // any, so that what is left is as deep as few are
        ranges.erase(static_cast<std::size_t>(random() % ranges.size()));
      ASSERT_LE(depth(ranges), allowed_depth(count / 100)) << distance;
    }
}

TEST(AddressIndex, IsNotDeepForRandomAddresses) {
  std::mt19937_64 random(3);
  std::vector<std::uintptr_t> places;
  for (std::uintptr_t i = 0; i != 100'000; ++i)
    places.push_back(first_address + i * 4096);
  std::shuffle(places.begin(), places.end(), random);
  Ranges ranges;
  for (std::size_t i = 0; i != 10'000; ++i)
    ranges.add(places[i], 4096);
  EXPECT_LE(depth(ranges), allowed_depth(10'000));
}

TEST(AddressIndex, IsNotDeepForWhatTheHeapGives) {
  std::vector<std::unique_ptr<std::byte[]>> blocks;
  Ranges ranges;
  for (std::size_t i = 0; i != 2000; ++i) {
    blocks.push_back(std::make_unique<std::byte[]>(1000));
    ranges.add(reinterpret_cast<std::uintptr_t>(blocks.back().get()), 1000);
  }
  EXPECT_LE(depth(ranges), allowed_depth(2000));
}

} // namespace
