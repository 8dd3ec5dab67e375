// What a plan says a trial will see, against a trial of the plan's text on the same recording.
#include "advise/report.hpp"
#include "recording.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t start = 1;
constexpr std::uint32_t main_function = 2;
constexpr std::uint32_t work = 3;
constexpr std::uint32_t other = 5;

struct PlanRoute {
  std::string kind;
  std::uint64_t bytes = 0;
  std::uint64_t count = 0; // epochs or blocks
  std::uint64_t calls = 0;
  std::string function;
  bool operator==(const PlanRoute&) const = default;
};

/// A plan as its text has it.
struct Plan {
  std::string first_line;
  std::vector<PlanRoute> routes;
  std::map<std::string, int> keys; // -1: one frame more
};

Plan parse(const std::string& text) {
  Plan plan;
  std::istringstream lines(text);
  std::getline(lines, plan.first_line);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "route") {
      std::size_t number;
      PlanRoute route;
      in >> number >> route.kind >> route.bytes >> route.count >> route.calls >> std::ws;
      std::getline(in, route.function);
      EXPECT_EQ(number, plan.routes.size());
      plan.routes.push_back(route);
    } else if (word == "key" || word == "inner") {
      int number = -1;
      if (word == "key")
        in >> number;
      std::size_t depth;
      std::string frames;
      in >> depth;
      std::getline(in, frames);
      EXPECT_EQ(static_cast<std::size_t>(std::count(frames.begin(), frames.end(), '+')), depth);
      plan.keys[frames] = number;
    }
  }
  return plan;
}

struct Planned {
  Plan plan;
  advise::Advice advice;
  std::vector<PlanRoute> seen; // by a trial of the plan's text
};

/// Does what a trial would: with a region or a pool for each thread and route.
std::vector<PlanRoute> try_out(const Plan& plan, const trace::Trace& trace) {
  struct Instance {
    std::uint64_t live = 0;
    std::uint64_t bytes = 0;
  };
  struct Block {
    int route;
    std::uint32_t thread;
  };
  std::vector<PlanRoute> seen = plan.routes;
  for (PlanRoute& route : seen) {
    route.count = route.calls = 0;
    route.bytes = route.kind == "pool" ? route.bytes : 0;
  }
  std::map<std::pair<int, std::uint32_t>, Instance> instances;
  std::map<std::uint64_t, Block> blocks;
  const auto look_up = [&](std::uint32_t context) {
    std::string frames;
    for (; context != 0; context = trace.contexts()[context].parent) {
      char text[40];
      std::snprintf(
          text, sizeof text, " program+%llx",
          static_cast<unsigned long long>(trace.contexts()[context].ip - Recording::base));
      const auto found = plan.keys.find(frames += text);
      if (found == plan.keys.end())
        break;
      if (found->second >= 0)
        return found->second;
    }
    return -1;
  };
  const auto take_away = [&](const Block& block) {
    Instance& from = instances[{block.route, block.thread}];
    PlanRoute& route = seen[static_cast<std::size_t>(block.route)];
    if (--from.live == 0 && route.kind == "region") {
      ++route.count;
      from.bytes = 0;
    }
  };
  trace::Events events(trace);
  for (trace::Event e; events.next(e);) {
    const bool releases = trace::releases(e.operation);
    const auto old = blocks.find(releases ? e.address : e.old);
    const bool had = old != blocks.end();
    const Block gone = had ? old->second : Block{};
    if (had)
      blocks.erase(old);
    if (const int number = releases ? -1 : look_up(e.context); number >= 0) {
      PlanRoute& route = seen[static_cast<std::size_t>(number)];
      Instance& to = instances[{number, e.thread}];
      ++route.calls;
      ++to.live;
      to.bytes += (e.size + 15) / 16 * 16;
      blocks[e.address] = {number, e.thread};
      if (route.kind == "pool")
        route.count = std::max(route.count, to.live);
      else
        route.bytes = std::max(route.bytes, to.bytes);
    }
    if (had)
      take_away(gone);
  }
  return seen;
}

Planned plan_of(const std::function<void(Recording&)>& program) {
  const TemporaryFile file;
  {
    Recording recording(file.path());
    const Call a(recording, start);
    const Call b(recording, main_function);
    program(recording);
    recording.finish(0.001);
  }
  const trace::Trace trace = trace::Trace::open(file.path());
  const analyze::Stacks stacks(trace.contexts());
  const analyze::Lifetimes lifetimes = measure_lifetimes(trace, stacks);
  symbols::Symbols symbols(trace.modules());
  const advise::Inputs inputs{trace, stacks, lifetimes, symbols};
  Planned planned{{}, advise::find_advice(inputs, 0.02), {}};
  char* text = nullptr;
  std::size_t length = 0;
  std::FILE* const out = ::open_memstream(&text, &length);
  advise::print_plan(out, inputs, planned.advice);
  std::fclose(out);
  planned.plan = parse(text);
  std::free(text);
  planned.seen = try_out(planned.plan, trace);
  return planned;
}

void expect_as_predicted(const Planned& planned) {
  ASSERT_EQ(planned.plan.routes.size(), planned.seen.size());
  for (std::size_t i = 0; i < planned.seen.size(); ++i) {
    const PlanRoute& says = planned.plan.routes[i];
    const PlanRoute& sees = planned.seen[i];
    EXPECT_EQ(says.bytes, sees.bytes) << i;
    EXPECT_EQ(says.count, sees.count) << i;
    EXPECT_EQ(says.calls, sees.calls) << i;
  }
}

TEST(Plan, NumbersTheEntriesThatATrialCanFollow) {
  const Planned planned = plan_of([](Recording& r) {
    std::vector<Recording::Address> nodes;
    auto before = r.allocate(1, 7);
    for (int i = 0; i < 2000; ++i) {
      {
        const Call call(r, work);
        std::vector<Recording::Address> blocks;
        for (std::uint64_t n = 1; n < 9; ++n)
          blocks.push_back(r.allocate(10 * n, 1));
        for (const auto block : blocks)
          r.free(block, 2);
      }
      const Call call(r, other);
      nodes.push_back(r.allocate(56, 1));
      if (nodes.size() > 300) {
        std::swap(nodes[static_cast<std::size_t>(i) % 300], nodes.back());
        r.free(nodes.back(), 2);
        nodes.pop_back();
      }
      auto text = r.reallocate(r.allocate(40, 4), 80, 5); // nothing to try
      for (std::uint64_t size = 160; size < 2000; size *= 2)
        text = r.reallocate(text, size, 5);
      r.free(std::exchange(before, text), 6);
    }
  });
  EXPECT_EQ(planned.plan.first_line, "allot plan 2");
  std::size_t routes = 0;
  for (const advise::Entry& entry : planned.advice.entries) {
    const bool followed = entry.kind == advise::Kind::region || entry.kind == advise::Kind::pool;
    ASSERT_EQ(entry.route >= 0, followed) << name_of(entry.kind);
    if (!followed)
      continue;
    ++routes;
    const PlanRoute& route = planned.plan.routes.at(static_cast<std::size_t>(entry.route));
    EXPECT_EQ(route.kind, name_of(entry.kind));
    EXPECT_EQ(route.function, entry.function);
    EXPECT_EQ(route.calls, entry.calls);
  }
  EXPECT_EQ(routes, 2u);
  EXPECT_LT(routes, planned.advice.entries.size());
  EXPECT_EQ(planned.plan.routes.size(), routes);
  expect_as_predicted(planned);
}

TEST(Plan, PredictsEpochsAndBytesOfEachThread) {
  const Planned planned = plan_of([](Recording& r) {
    for (std::uint32_t t = 1; t < 3; ++t) {
      r.on_thread(t);
      r.enter(start);
    }
    for (int i = 0; i < 100; ++i) {
      std::vector<Recording::Address> blocks[2];
      for (std::uint32_t t = 1; t < 3; ++t) {
        r.on_thread(t);
        r.enter(work);
        for (int n = 0; n < 5 + i % 4; ++n)
          blocks[t - 1].push_back(r.allocate(17 * t, 1));
      }
      for (std::uint32_t t = 1; t < 3; ++t) { // both live at once
        r.on_thread(t);
        for (const auto block : blocks[t - 1])
          r.free(block, 2);
        r.leave();
      }
    }
    r.on_thread(0);
  });
  ASSERT_EQ(planned.plan.routes.size(), 1u);
  EXPECT_EQ(planned.plan.routes[0].kind, "region");
  EXPECT_EQ(planned.plan.routes[0].count, 200u);
  EXPECT_EQ(planned.plan.routes[0].bytes, 8u * 48u);
  expect_as_predicted(planned);
}

TEST(Plan, PredictsReallocationsThatStayAndThatComeAndThatLeave) {
  const Planned planned = plan_of([](Recording& r) {
    Recording::Address lasting = 0;
    for (int i = 0; i < 500; ++i) {
      const auto from_outside = r.allocate(100, 1);
      const Call call(r, work);
      std::vector<Recording::Address> blocks;
      blocks.push_back(r.reallocate(from_outside, 200, 3));     // comes
      blocks.push_back(r.reallocate(r.allocate(24, 4), 48, 5)); // stays
      for (std::uint64_t n = 1; n < 9; ++n)
        blocks.push_back(r.allocate(10 * n, 6));
      if (lasting != 0)
        r.free(lasting, 7);
      lasting = r.reallocate(blocks.back(), 30, 8); // leaves: it lives until the next turn
      blocks.pop_back();
      for (const auto block : blocks)
        r.free(block, 9);
    }
    r.free(lasting, 10);
  });
  ASSERT_FALSE(planned.plan.routes.empty());
  EXPECT_EQ(planned.plan.routes[0].kind, "region");
  EXPECT_EQ(planned.plan.routes[0].count, 500u);
  expect_as_predicted(planned);
}

/// Allocates below a number of functions, all called from here.
Recording::Address allocate_below(Recording& r, std::uint32_t functions, std::uint64_t size) {
  for (std::uint32_t f = 100; f < 100 + functions; ++f)
    r.enter(f);
  const auto block = r.allocate(size, 1);
  for (std::uint32_t f = 100; f < 100 + functions; ++f)
    r.leave();
  return block;
}

/// Blocks of work are gone when it ends; what others allocate in the same way, so many of 300
/// times, lives on.
Planned plan_of_deep_stacks(int times) {
  return plan_of([=](Recording& r) {
    constexpr std::uint32_t functions = 12;
    for (int i = 0; i < 300; ++i) {
      {
        const Call call(r, work);
        std::vector<Recording::Address> blocks;
        for (std::uint64_t n = 1; n < 9; ++n)
          blocks.push_back(r.allocate(10 * n, 1));
        blocks.push_back(allocate_below(r, functions, 100));
        for (const auto block : blocks)
          r.free(block, 2);
      }
      const Call call(r, other);
      for (int n = i * times / 300; n < (i + 1) * times / 300; ++n)
        allocate_below(r, functions, 300 + static_cast<std::uint64_t>(i));
    }
  });
}

TEST(Plan, LooksFarOutWhereThatTellsCallsApart) {
  const Planned planned = plan_of_deep_stacks(30);
  ASSERT_FALSE(planned.plan.routes.empty());
  EXPECT_EQ(planned.plan.routes[0].calls, planned.advice.entries[0].calls);
  EXPECT_EQ(planned.plan.routes[0].count, 300u);
  expect_as_predicted(planned);
}

TEST(Plan, LeavesWhatCostsMoreToTellThanItIsWorth) {
  const Planned planned = plan_of_deep_stacks(2700);
  ASSERT_FALSE(planned.plan.routes.empty());
  EXPECT_EQ(planned.advice.entries[0].calls, 300u * 9u);
  EXPECT_EQ(planned.plan.routes[0].calls, 300u * 8u);
  EXPECT_EQ(planned.plan.routes[0].count, 300u);
  EXPECT_EQ(planned.plan.routes[0].bytes,
            16u + 2 * 32u + 48u + 2 * 64u + 2 * 80u); // without 100
  expect_as_predicted(planned);
}

/// A function whose blocks are gone when it ends; what others, of which few come, have of the same
/// place does or does not live on.
Planned plan_with_a_stranger(bool lives_on) {
  return plan_of([=](Recording& r) {
    std::vector<Recording::Address> kept;
    for (int i = 0; i < 300; ++i) {
      {
        const Call call(r, work);
        std::vector<Recording::Address> blocks;
        for (int n = 0; n < 20; ++n)
          blocks.push_back(allocate_below(r, 60, 40 + static_cast<std::uint64_t>(n)));
        for (const auto block : blocks)
          r.free(block, 2);
      }
      const Call call(r, other);
      const auto block = allocate_below(r, 60, 300 + static_cast<std::uint64_t>(i));
      if (lives_on)
        kept.push_back(block);
      else
        r.free(block, 2);
    }
  });
}

TEST(Plan, TakesAlongFewCallsWhoseBlocksDoNotHoldTheRegion) {
  const Planned planned = plan_with_a_stranger(false);
  ASSERT_FALSE(planned.plan.routes.empty());
  EXPECT_EQ(planned.advice.entries[0].calls, 300u * 20u);
  EXPECT_EQ(planned.plan.routes[0].calls, 300u * 21u);
  EXPECT_EQ(planned.plan.routes[0].count, 600u);
  expect_as_predicted(planned);
}

TEST(Plan, TakesNoneAlongWhoseBlockWouldHoldTheRegion) {
  const Planned planned = plan_with_a_stranger(true);
  EXPECT_TRUE(planned.plan.routes.empty());
  ASSERT_FALSE(planned.advice.entries.empty());
  EXPECT_EQ(planned.advice.entries[0].kind, advise::Kind::region);
  EXPECT_EQ(planned.advice.entries[0].route, -1);
}

TEST(Plan, LeavesObjectsOfWhichSomeAreAlwaysThere) {
  const Planned planned = plan_of([](Recording& r) {
    std::vector<std::vector<Recording::Address>> objects;
    for (int i = 0; i < 5000; ++i) {
      const Call call(r, work);
      objects.push_back({r.allocate(48, 1), r.allocate(1024, 2), r.allocate(300, 3)});
      if (objects.size() < 50)
        continue;
      const auto out = static_cast<std::size_t>(i * 7 % 50);
      std::swap(objects[out], objects.back());
      for (int part = 3; part-- > 0;)
        r.free(objects.back()[static_cast<std::size_t>(part)], 4);
      objects.pop_back();
    }
  });
  ASSERT_FALSE(planned.advice.entries.empty());
  EXPECT_EQ(planned.advice.entries[0].kind, advise::Kind::object_pool);
  EXPECT_EQ(planned.advice.entries[0].route, -1);
  for (const PlanRoute& route : planned.plan.routes)
    EXPECT_NE(route.kind, "region");
}

} // namespace
