// mruby in a Multipool and in a Region: its one hook does all, and gets its state first, the
// context last.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <gtest/gtest.h>
#include <mruby.h>
#include <mruby/compile.h>
#include <mruby/string.h>

#include <cstddef>
#include <string>

namespace {

using namespace allot;

struct Outcome {
  std::string text; // what the script gave
  std::string error;
};

Outcome run(mrb_state* mrb, const std::string& script) {
  Outcome outcome;
  const int arena = mrb_gc_arena_save(mrb);
  const mrb_value result = mrb_load_nstring(mrb, script.data(), script.size());
  if (mrb->exc != nullptr) {
    outcome.error = mrb_obj_classname(mrb, mrb_obj_value(mrb->exc));
    mrb->exc = nullptr;
  } else {
    EXPECT_TRUE(mrb_string_p(result));
    outcome.text.assign(RSTRING_PTR(result), static_cast<std::size_t>(RSTRING_LEN(result)));
  }
  mrb_gc_arena_restore(mrb, arena);
  return outcome;
}

/// Objects, hashes and texts that grow and are dropped in any order; gives a digest of them.
const std::string script = R"(
class Node
  attr_reader :key, :left, :right
  def initialize(key) @key = key end
  def insert(key)
    if key < @key
      @left ? @left.insert(key) : @left = Node.new(key)
    elsif key > @key
      @right ? @right.insert(key) : @right = Node.new(key)
    end
  end
  def walk(seen)
    @left.walk(seen) if @left
    seen << @key
    @right.walk(seen) if @right
    seen
  end
end

random = 1
draw = lambda { random = (random * 1103515245 + 12345) % 2147483648; random / 65536 }
digest = 0
20.times do |round|
  tree = Node.new(draw.call)
  500.times { tree.insert(draw.call) }
  keys = tree.walk([])
  words = {}
  keys.each { |key| words["word #{key}"] = "x" * (key % 97) }
  words.keys.each { |word| words.delete(word) if word.size % 2 == 1 }
  text = ""
  words.each { |word, xs| text << word << xs }
  text.each_byte { |byte| digest = (digest * 31 + byte) % 1000003 }
  begin
    raise ArgumentError, text[0, 20] if round % 2 == 0
  rescue ArgumentError => error
    digest += error.message.size
  end
end
digest.to_s
)";

const std::string& expected() {
  static const std::string text = [] {
    mrb_state* const mrb = mrb_open();
    const Outcome outcome = run(mrb, script);
    mrb_close(mrb);
    EXPECT_EQ(outcome.error, "");
    return outcome.text;
  }();
  return text;
}

template <class S>
void runs_as_under_malloc(S& strategy) {
  const test::ReportedMisuse reported;
  ASSERT_GE(expected().size(), 3u);
  mrb_state* const mrb = hooks::pass_to(mrb_open_allocf, strategy);
  ASSERT_TRUE(strategy.owns(mrb));
  for (int round = 0; round != 2; ++round) {
    const Outcome outcome = run(mrb, script);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.text, expected());
  }
  mrb_close(mrb);
  EXPECT_GT(strategy.peak(), 200'000u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(Mruby, RunsTheSameInAMultipool) {
  Multipool pool;
  runs_as_under_malloc(pool);
  EXPECT_EQ(pool.used(), 0u);
}
TEST(Mruby, RunsTheSameInARegion) {
  Region region;
  runs_as_under_malloc(region);
  region.reset();
  EXPECT_EQ(region.used(), 0u);
}

TEST(Mruby, SaysWhenThePoolIsFullAndRunsOn) {
  const test::ReportedMisuse reported;
  for (const std::size_t limit : {4_MiB, 8_MiB, 16_MiB}) {
    Multipool pool({.limit = limit});
    mrb_state* const mrb = hooks::pass_to(mrb_open_allocf, pool);
    ASSERT_NE(mrb, nullptr) << limit;
    EXPECT_EQ(run(mrb, "text = 'x' * 1000; text << text while true").error, "NoMemoryError")
        << limit;
    EXPECT_EQ(run(mrb, "([1, 2, 3] * 100).size.to_s").text, "300") << limit;
    mrb_close(mrb);
    // mruby 3.1 loses some when memory is out, malloc's too.
    EXPECT_LT(pool.used(), 32_KiB) << limit;
  }
  EXPECT_EQ(reported.texts().size(), 0u);
}

} // namespace
