// RapidJSON documents in every strategy that serves any size.
#include <allot/allot.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <string>

namespace {

using namespace allot;

/// RapidJSON frees without an allocator at hand, so nothing is freed before the strategy is reset.
template <class S>
class AllocatorOn {
public:
  static constexpr bool kNeedFree = false;
  AllocatorOn() = default; // RapidJSON mentions it
  explicit AllocatorOn(S& strategy) : strategy_(&strategy) {}

  void* Malloc(std::size_t bytes) { return bytes == 0 ? nullptr : strategy_->allocate(bytes); }
  void* Realloc(void* p, std::size_t old_bytes, std::size_t new_bytes) {
    if (new_bytes == 0)
      return nullptr;
    if constexpr (requires { strategy_->reallocate(p, old_bytes, new_bytes); })
      return strategy_->reallocate(p, old_bytes, new_bytes);
    else
      return strategy_->reallocate(p, new_bytes);
  }
  static void Free(void*) {}

private:
  S* strategy_ = nullptr;
};

template <class Document>
std::string text_of(const Document& document) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  document.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// In a template, clang++ 14 would leave the literal to the linker.
constexpr std::size_t room = 64_MiB;

template <class S>
struct Make {
  static S one() { return S(room, {.zero = false}); }
};
template <>
struct Make<Region> {
  static Region one() { return Region(); }
};
template <>
struct Make<Multipool> {
  static Multipool one() { return Multipool(); }
};
template <class S>
class RapidJson : public testing::Test {};
struct Name {
  template <class S>
  static std::string GetName(int i) {
    constexpr const char* names[] = {"Arena",  "Bump",    "MappedArena",
                                     "Region", "Scratch", "Multipool"};
    return names[i];
  }
};
using Strategies = testing::Types<Arena, Bump, MappedArena, Region, Scratch, Multipool>;
TYPED_TEST_SUITE(RapidJson, Strategies, Name);

TYPED_TEST(RapidJson, ParsesWritesAndEditsAsOnTheHeap) {
  using On = AllocatorOn<TypeParam>;
  using Ours = rapidjson::GenericDocument<rapidjson::UTF8<>, On, On>;
  const std::string text = clients::subdivisions();
  rapidjson::Document expected;
  expected.Parse(text.c_str());
  ASSERT_FALSE(expected.HasParseError());
  const std::string written = text_of(expected);
  ASSERT_GT(written.size(), 400'000u);

  TypeParam strategy = Make<TypeParam>::one();
  for (int round = 0; round != 2; ++round) {
    {
      On allocator(strategy);
      On stack_allocator(strategy);
      Ours document(&allocator, 1024, &stack_allocator);
      document.Parse(text.c_str());
      ASSERT_FALSE(document.HasParseError());
      EXPECT_EQ(text_of(document), written);
      auto& entries = document["3166-2"];
      ASSERT_TRUE(strategy.owns(&entries[0]));
      const rapidjson::SizeType count = entries.Size();
      for (rapidjson::SizeType i = 0; i != count; ++i) {
        typename Ours::ValueType copy(entries[i], allocator);
        copy.AddMember("copied", i, allocator);
        entries.PushBack(copy, allocator);
      }
      EXPECT_EQ(entries.Size(), 2 * count);
      EXPECT_STREQ(entries[2 * count - 1]["code"].GetString(),
                   entries[count - 1]["code"].GetString());
      EXPECT_EQ(entries[2 * count - 1]["copied"].GetUint(), count - 1);
      entries.Erase(entries.Begin() + count, entries.End());
      EXPECT_EQ(text_of(document), written);
    }
    strategy.reset();
    EXPECT_EQ(strategy.used(), 0u);
  }
}

} // namespace
