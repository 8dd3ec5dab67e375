// Programs whose answer is known, made up, and what is advised.
#include "advise/report.hpp"
#include "analyze/naming.hpp"
#include "recording.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace {

using advise::Advice;
using advise::Entry;
using advise::Kind;

constexpr std::uint32_t start = 1;
constexpr std::uint32_t main_function = 2;
constexpr std::uint32_t work = 3;
constexpr std::uint32_t inner = 4;
constexpr std::uint32_t other = 5;

/// What is advised on a program whose main does this; it takes as much time as is told.
Advice advice_on(const std::function<void(Recording&)>& program, double seconds = 0.001,
                 double least = 0.02) {
  const TemporaryFile file;
  {
    Recording recording(file.path());
    const Call a(recording, start);
    const Call b(recording, main_function);
    program(recording);
    recording.finish(seconds);
  }
  const trace::Trace trace = trace::Trace::open(file.path());
  const analyze::Stacks stacks(trace.contexts());
  const analyze::Lifetimes lifetimes = measure_lifetimes(trace, stacks);
  symbols::Symbols symbols(trace.modules());
  return advise::find_advice({trace, stacks, lifetimes, symbols}, least);
}

/// The entry of a kind; one that says leave if there is none.
Entry entry_of(const Advice& advice, Kind kind) {
  const auto found = std::find_if(advice.entries.begin(), advice.entries.end(),
                                  [kind](const Entry& e) { return e.kind == kind; });
  return found == advice.entries.end() ? Entry{} : *found;
}

/// Allocates a tree of nodes of two sizes, as a parser would.
void build(Recording& r, int depth, std::vector<Recording::Address>& blocks) {
  const Call call(r, inner);
  blocks.push_back(r.allocate(40, 1));
  blocks.push_back(r.allocate(24 + 16 * static_cast<std::uint64_t>(depth), 2));
  for (int i = 0; i < 2 && depth > 0; ++i)
    build(r, depth - 1, blocks);
}

void free_all(Recording& r, const std::vector<Recording::Address>& blocks) {
  for (const Recording::Address block : blocks)
    r.free(block, 9);
}

TEST(Advice, ARegionInTheFunctionInsideOfWhichATreeDies) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 100; ++i) {
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      build(r, i % 4 + 1, blocks);
      free_all(r, blocks);
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  const Entry& first = advice.entries.front();
  EXPECT_EQ(first.kind, Kind::region);
  EXPECT_EQ(first.function, Recording::name(work));
  EXPECT_EQ(first.epochs, 100u);
  EXPECT_EQ(first.escapes, 0u);
  EXPECT_EQ(first.threads, 1u);
  EXPECT_EQ(first.calls, advice.calls);
}

TEST(Advice, TheMostBytesOfAnEpochAreInUnitsOf16) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 200; ++i) {
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      for (int n = 0; n < 10 + i % 3; ++n)
        blocks.push_back(r.allocate(17, 1));
      free_all(r, blocks);
    }
  });
  EXPECT_EQ(entry_of(advice, Kind::region).max_bytes, 12u * 32u);
}

TEST(Advice, ARegionForATurnOfMainsOwnLoop) {
  const Advice advice = advice_on([](Recording& r) {
    std::vector<Recording::Address> lasting;
    for (int i = 0; i < 50; ++i)
      lasting.push_back(r.allocate(1000, 5));
    for (int i = 0; i < 100; ++i) {
      std::vector<Recording::Address> blocks;
      build(r, i % 4 + 1, blocks);
      free_all(r, blocks);
    }
    free_all(r, lasting);
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(main_function));
  EXPECT_EQ(region.epochs, 100u);
}

TEST(Advice, RecursionOfAnyDepthIsOneScope) {
  const std::function<void(Recording&, int, std::vector<Recording::Address>&)> recurse =
      [&](Recording& r, int depth, std::vector<Recording::Address>& blocks) {
        const Call call(r, work);
        blocks.push_back(r.allocate(32, 1));
        blocks.push_back(r.allocate(48, 2));
        if (depth > 0)
          recurse(r, depth - 1, blocks);
      };
  const Advice advice = advice_on([&](Recording& r) {
    for (int i = 0; i < 70; ++i) {
      const Call call(r, other);
      std::vector<Recording::Address> blocks;
      recurse(r, i == 69 ? 690 : i, blocks);
      free_all(r, blocks);
    }
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(other));
  EXPECT_EQ(region.epochs, 70u);
}

TEST(Advice, OneBlockThatStaysIsLeftOutOfTheRegion) {
  const Advice advice = advice_on([](Recording& r) {
    Recording::Address cached = 0;
    for (int i = 0; i < 300; ++i) {
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      build(r, i % 3 + 1, blocks);
      if (cached != 0)
        r.free(cached, 8);
      cached = r.allocate(100, 7); // goes in the next call
      free_all(r, blocks);
    }
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(work));
  EXPECT_EQ(region.epochs, 300u);
  EXPECT_EQ(region.escapes, 0u);
}

TEST(Advice, APoolForNodesThatComeAndGoInAnyOrder) {
  const Advice advice = advice_on([](Recording& r) {
    std::minstd_rand random(1);
    std::vector<Recording::Address> nodes;
    for (int i = 0; i < 20000; ++i) {
      if (nodes.size() < 500 || random() % 2 == 0) {
        const Call call(r, work);
        nodes.push_back(r.allocate(56));
      } else {
        std::swap(nodes[random() % nodes.size()], nodes.back());
        const Call call(r, other);
        r.free(nodes.back());
        nodes.pop_back();
      }
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  const Entry& first = advice.entries.front();
  EXPECT_EQ(first.kind, Kind::pool);
  EXPECT_EQ(first.function, Recording::name(work));
  EXPECT_EQ(first.block_bytes, 56u);
  EXPECT_GE(first.most_blocks, 500u);
  EXPECT_LT(first.most_blocks, 1000u);
}

// Short texts, say, whose sizes happen to be alike, and buffers that grow.
TEST(Advice, NoPoolForBlocksOfSeveralSizesOrThatAreReallocated) {
  for (const bool texts : {false, true}) {
    const Advice advice = advice_on([texts](Recording& r) {
      std::minstd_rand random(1);
      std::vector<Recording::Address> blocks;
      for (int i = 0; i < 20000; ++i) {
        const Call call(r, work);
        if (blocks.size() < 500) {
          blocks.push_back(r.allocate(texts ? 1 + random() % 16 : 16));
          if (!texts)
            blocks.back() = r.reallocate(blocks.back(), 1000 + 100 * (random() % 50));
        } else {
          std::swap(blocks[random() % blocks.size()], blocks.back());
          r.free(blocks.back());
          blocks.pop_back();
        }
      }
    });
    for (const Entry& entry : advice.entries)
      EXPECT_NE(entry.kind, Kind::pool) << entry.block_bytes;
  }
}

TEST(Advice, AnObjectPoolForWhatIsMadeAndDestroyedAlike) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 1000; ++i) {
      const Call call(r, work);
      const auto object = r.allocate(48, 1);
      const auto table = r.allocate(1024, 2);
      const auto names = r.allocate(512, 3);
      r.free(names, 4);
      r.free(table, 5);
      r.free(object, 6);
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  EXPECT_EQ(advice.entries.front().kind, Kind::object_pool);
  EXPECT_EQ(advice.entries.front().function, Recording::name(work));
}

TEST(Advice, AnObjectPoolForObjectsThatLiveSideBySide) {
  const Advice advice = advice_on([](Recording& r) {
    struct Object {
      Recording::Address parts[3];
    };
    std::minstd_rand random(1);
    std::vector<Object> objects;
    for (int i = 0; i < 5000; ++i) {
      if (objects.size() < 50 || (objects.size() < 200 && random() % 2 == 0)) {
        const Call call(r, work);
        const auto itself = r.allocate(48, 1);
        const Call constructor(r, inner);
        objects.push_back({{itself, r.allocate(1024, 1), r.allocate(300, 2)}});
      } else {
        std::swap(objects[random() % objects.size()], objects.back());
        const Call call(r, other);
        for (int part = 3; part-- > 0;)
          r.free(objects.back().parts[part]);
        objects.pop_back();
      }
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  EXPECT_EQ(advice.entries.front().kind, Kind::object_pool);
  EXPECT_EQ(advice.entries.front().function, Recording::name(work));
}

TEST(Advice, AStackForTemporariesOfRecursionThatAreReplaced) {
  const std::function<void(Recording&, int)> walk = [&](Recording& r, int depth) {
    const Call call(r, work);
    const auto path = r.allocate(100 + 37 * static_cast<std::uint64_t>(depth), 1);
    for (int i = 0; i < 3 && depth > 0; ++i)
      walk(r, depth - 1);
    r.free(path, 2);
  };
  const Advice advice = advice_on([&](Recording& r) { walk(r, 8); });
  ASSERT_FALSE(advice.entries.empty());
  EXPECT_EQ(advice.entries.front().kind, Kind::stack);
  EXPECT_EQ(advice.entries.front().function, Recording::name(work));
}

TEST(Advice, ReservingForAVectorThatDoubles) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 100; ++i) {
      const Call call(r, work);
      auto block = r.allocate(8, 1);
      for (std::uint64_t size = 16; size <= 4096u << i % 3; size *= 2) {
        const auto larger = r.allocate(size, 1);
        r.free(block, 2);
        block = larger;
      }
      r.free(block, 3);
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  EXPECT_EQ(advice.entries.front().kind, Kind::reserve);
  EXPECT_EQ(advice.entries.front().function, Recording::name(work));
}

TEST(Advice, ReservingForAChainOfReallocations) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 100; ++i) {
      const Call call(r, work);
      Recording::Address block = 0;
      for (std::uint64_t size = 100; size <= 2000; size += 100)
        block = r.reallocate(block, size, 1);
      r.free(block, 3);
    }
  });
  ASSERT_FALSE(advice.entries.empty());
  EXPECT_EQ(advice.entries.front().kind, Kind::reserve);
  EXPECT_EQ(advice.entries.front().function, Recording::name(work));
}

TEST(Advice, ABlockThatMovesDoesNotEndAnEpoch) {
  const Advice advice = advice_on([](Recording& r) {
    for (int i = 0; i < 100; ++i) {
      const Call call(r, work);
      const auto text = r.reallocate(r.allocate(100, 1), 200, 3); // nothing else lives yet
      std::vector<Recording::Address> blocks;
      build(r, i % 4 + 1, blocks);
      free_all(r, blocks);
      r.free(text, 4);
    }
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(work));
  EXPECT_EQ(region.epochs, 100u);
}

TEST(Advice, NoScopeForWhatAnotherThreadFrees) {
  const Advice advice = advice_on([](Recording& r) {
    r.on_thread(1);
    r.enter(start);
    for (int i = 0; i < 1000; ++i) {
      r.on_thread(0);
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      build(r, i % 3 + 1, blocks);
      r.on_thread(1);
      free_all(r, blocks);
      r.on_thread(0);
    }
  });
  for (const Entry& entry : advice.entries)
    EXPECT_TRUE(entry.kind == Kind::other_malloc || entry.kind == Kind::leave)
        << name_of(entry.kind);
}

TEST(Advice, EachThreadHasEpochsOfItsOwn) {
  const Advice advice = advice_on([](Recording& r) {
    for (std::uint32_t t = 1; t < 3; ++t) {
      r.on_thread(t);
      r.enter(start);
    }
    for (int i = 0; i < 200; ++i) {
      std::vector<Recording::Address> blocks[2];
      for (std::uint32_t t = 1; t < 3; ++t) {
        r.on_thread(t);
        r.enter(work);
        build(r, i % 3 + 1, blocks[t - 1]);
      }
      for (std::uint32_t t = 1; t < 3; ++t) { // both live at once
        r.on_thread(t);
        free_all(r, blocks[t - 1]);
        r.leave();
      }
    }
    r.on_thread(0);
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(work));
  EXPECT_EQ(region.epochs, 400u);
  EXPECT_EQ(region.threads, 2u);
}

TEST(Advice, LeavingAProgramThatAllocatesLittle) {
  const Advice advice = advice_on(
      [](Recording& r) {
        for (int i = 0; i < 100; ++i) {
          const Call call(r, work);
          std::vector<Recording::Address> blocks;
          build(r, i % 3 + 1, blocks);
          free_all(r, blocks);
        }
      },
      1.0);
  EXPECT_TRUE(advice.leave());
  EXPECT_LT(advice.at_most(), 0.02);
}

TEST(Advice, LeavingAProgramThatAllocatesNothing) {
  EXPECT_TRUE(advice_on([](Recording&) {}).leave());
}

TEST(Advice, NoRegionThatWouldHoldMemoryForAsLongAsTheProgramRuns) {
  const Advice advice = advice_on([](Recording& r) {
    std::minstd_rand random(1);
    std::vector<Recording::Address> cache(1000);
    for (int i = 0; i < 40000; ++i) {
      const Call call(r, work);
      Recording::Address& entry = cache[random() % cache.size()];
      if (entry != 0)
        r.free(entry, 2);
      entry = r.allocate(16 + random() % 1000, 1);
    }
    free_all(r, cache);
  });
  EXPECT_EQ(entry_of(advice, Kind::region).kind, Kind::leave);
  EXPECT_EQ(entry_of(advice, Kind::pool).kind, Kind::leave);
}

// An interpreter's: now and then nothing is on its stack, whatever it does then.
TEST(Advice, NoRegionInAMainLoopWhereAFunctionInsideIsWholeItself) {
  const Advice advice = advice_on([](Recording& r) {
    std::minstd_rand random(1);
    const Call loop(r, work);
    std::vector<Recording::Address> stack;
    for (int i = 0; i < 5000; ++i) {
      const auto operation = static_cast<std::uint32_t>(random() % 8);
      if (stack.empty() || (stack.size() < 6 && random() % 2 == 0)) {
        stack.push_back(r.allocate(16 + 16 * (random() % 4), 10 + operation));
        const Call call(r, inner);
        std::vector<Recording::Address> blocks;
        for (std::uint64_t n = 0; n < 4 + random() % 3; ++n)
          blocks.push_back(r.allocate(20 * n, 1));
        free_all(r, blocks);
      } else {
        r.free(stack.back(), 30 + operation);
        stack.pop_back();
      }
    }
    free_all(r, stack);
  });
  EXPECT_EQ(entry_of(advice, Kind::region).function, Recording::name(inner));
}

/// Lists of nodes whose memory comes from a function that all of the program calls.
void allocate_through(Recording& r, std::uint32_t wrapper, trace::Operation operation) {
  const auto get = [&](std::uint64_t size) {
    const Call call(r, wrapper);
    return r.allocate(size, 1, operation);
  };
  std::vector<Recording::Address> nodes;
  std::vector<Recording::Address> others;
  for (std::uint32_t f = 20; f < 26; ++f) {
    const Call call(r, f);
    others.push_back(get(100 * f));
  }
  std::minstd_rand random(1);
  for (int i = 0; i < 20000; ++i) {
    if (nodes.size() < 500 || random() % 2 == 0) {
      const Call call(r, work);
      nodes.push_back(get(56));
    } else {
      std::swap(nodes[random() % nodes.size()], nodes.back());
      const Call call(r, other);
      r.free(nodes.back());
      nodes.pop_back();
    }
  }
  free_all(r, others);
}

TEST(Advice, ItIsAboutTheCallerOfAFunctionThatOnlyPassesBlocksOn) {
  const Advice advice =
      advice_on([](Recording& r) { allocate_through(r, inner, trace::Operation::malloc); });
  const Entry pool = entry_of(advice, Kind::pool);
  EXPECT_EQ(pool.function, Recording::name(work));
  EXPECT_EQ(pool.block_bytes, 56u);
}

TEST(Advice, ItIsNotAboutTheStandardLibraryHoweverItsNamesAreTold) {
  EXPECT_TRUE(analyze::passes_on("std::vector<int>::push_back", "/usr/bin/program"));
  EXPECT_TRUE(
      analyze::passes_on("push_back", "/usr/bin/program", "/usr/include/c++/12/bits/stl_vector.h"));
  EXPECT_TRUE(analyze::passes_on("qsort", "/lib/x86_64-linux-gnu/libc.so.6"));
  EXPECT_FALSE(analyze::passes_on("push_back", "/usr/bin/program", "src/queue.cpp"));
}

TEST(Advice, LinesForCWhereNothingLooksLikeCxx) {
  for (const bool c : {false, true}) {
    const Advice advice = advice_on([c](Recording& r) {
      allocate_through(r, inner, c ? trace::Operation::malloc : trace::Operation::new_object);
    });
    const Entry pool = entry_of(advice, Kind::pool);
    EXPECT_EQ(pool.is_c, c);
    EXPECT_EQ(lines_to_write(pool).find("extern \"C\"") != std::string::npos, c);
    EXPECT_EQ(lines_to_write(pool).find("new (") == std::string::npos, c);
  }
}

TEST(Advice, DeepStacksHaveScopesAsShallowOnesHave) {
  const Advice advice = advice_on([](Recording& r) {
    for (std::uint32_t f = 100; f < 800; ++f)
      r.enter(f);
    for (int i = 0; i < 100; ++i) {
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      build(r, i % 4 + 1, blocks);
      free_all(r, blocks);
    }
    for (std::uint32_t f = 100; f < 800; ++f)
      r.leave();
  });
  const Entry region = entry_of(advice, Kind::region);
  EXPECT_EQ(region.function, Recording::name(work));
  EXPECT_EQ(region.epochs, 100u);
}

} // namespace
