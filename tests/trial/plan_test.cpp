// Reading plans, those among them that are none.
#include "trial/plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <system_error>

namespace {

using trial::parse_plan;
using trial::Plan;
using trial::PlanError;

const std::string head = "allot plan 2\n";
const std::string modules = "module 00ff /usr/bin/prog\n"
                            "module - /usr/lib/libx y.so\n"
                            "module 0a0b0c /usr/lib/libc++.so.1\n";
const std::string routes = "route 0 region 4096 17 1000 handle(int, char const*)\n"
                           "route 1 pool 48 300 2000 make\n";

/// What is wrong with it; empty if nothing is.
std::string error_of(const std::string& text) {
  try {
    parse_plan(text);
  } catch (const PlanError& error) {
    return error.what();
  }
  return {};
}
/// Of a line after three modules and two routes, the seventh.
std::string error_in(const std::string& line) {
  return error_of(head + modules + routes + line);
}

TEST(Plan, HasModulesRoutesAndATreeOfKeys) {
  const Plan plan = parse_plan(head + modules + routes +
                               "key 1 1 prog+12ab\n"
                               "inner 1 libc++.so.1+3\n"
                               "inner 2 libc++.so.1+3 prog+4\n"
                               "key 0 3 libc++.so.1+3 prog+4 prog+5\n");
  ASSERT_EQ(plan.modules.size(), 3u);
  EXPECT_EQ(plan.modules[0].build_id, std::string("\0\xFF", 2));
  EXPECT_EQ(plan.modules[1].build_id, "");
  EXPECT_EQ(plan.modules[1].path, "/usr/lib/libx y.so");
  ASSERT_EQ(plan.routes.size(), 2u);
  EXPECT_FALSE(plan.routes[0].pool);
  EXPECT_EQ(plan.routes[0].bytes, 4096u);
  EXPECT_EQ(plan.routes[0].epochs, 17u);
  EXPECT_EQ(plan.routes[0].calls, 1000u);
  EXPECT_EQ(plan.routes[0].function, "handle(int, char const*)");
  EXPECT_TRUE(plan.routes[1].pool);
  EXPECT_EQ(plan.routes[1].blocks, 300u);
  ASSERT_EQ(plan.nodes.size(), 4u);
  EXPECT_EQ(plan.nodes[0].parent, Plan::Node::none);
  EXPECT_EQ(plan.nodes[0].offset, 0x12ABu);
  EXPECT_EQ(plan.nodes[0].route, 1);
  EXPECT_EQ(plan.nodes[1].module, 2u);
  EXPECT_EQ(plan.nodes[1].route, -1);
  EXPECT_EQ(plan.nodes[2].parent, 2u);
  EXPECT_EQ(plan.nodes[3].parent, 3u);
  EXPECT_EQ(plan.nodes[3].route, 0);
}

TEST(Plan, MayHaveNoRoutes) {
  EXPECT_EQ(parse_plan(head).routes.size(), 0u);
}

TEST(Plan, MayHaveARouteThatNoKeyLeadsTo) {
  EXPECT_EQ(error_of(head + routes), "");
}

TEST(Plan, NeedsItsFirstLine) {
  const std::string message =
      "line 1: it is no plan of version 2, whose first line is 'allot plan 2'";
  EXPECT_EQ(error_of(""), message);
  EXPECT_EQ(error_of("\n"), message);
  EXPECT_EQ(error_of("allot plan 1\n"), message);
  EXPECT_EQ(error_of(std::string(1000, '\0')), message);
}

TEST(Plan, IsRefusedForALineThatIsNone) {
  EXPECT_EQ(error_in("rout 2"), "line 7: 'rout' is none of module, route, key and inner");
  EXPECT_EQ(error_in("\x1b[2J\xff"), "line 7: '?[2J?' is none of module, route, key and inner");
  EXPECT_EQ(error_in(" module"), "line 7: the first word is missing");
}

TEST(Plan, IsRefusedForAModuleThatIsNone) {
  EXPECT_EQ(error_in("module"), "line 7: the build id is missing");
  EXPECT_EQ(error_in("module abc /x"),
            "line 7: the build id is 'abc', which is not in pairs of hexadecimal digits");
  EXPECT_EQ(error_in("module xy /x"),
            "line 7: the build id is 'xy', which is not in pairs of hexadecimal digits");
  EXPECT_EQ(error_in("module ab"), "line 7: the path is missing");
}

TEST(Plan, IsRefusedForARouteThatIsNone) {
  EXPECT_EQ(error_in("route 3 region 1 1 1 f"),
            "line 7: the route's number is 3, where 2 comes next");
  EXPECT_EQ(error_in("route two region 1 1 1 f"),
            "line 7: the route's number is 'two', which is no number");
  EXPECT_EQ(error_in("route 2 stack 1 1 1 f"),
            "line 7: the kind of the route is 'stack', neither region nor pool");
  EXPECT_EQ(error_in("route 2 pool 0 1 1 f"), "line 7: the blocks of a pool have no bytes");
  EXPECT_EQ(error_in("route 2 pool -8 1 1 f"),
            "line 7: the number of bytes is '-8', which is no number");
  EXPECT_EQ(error_in("route 2 pool 99999999999999999999 1 1 f"),
            "line 7: the number of bytes is '99999999999999999999', which is no number");
  EXPECT_EQ(error_in("route 2 pool 140737488355329 1 1 f"),
            "line 7: the number of bytes is 140737488355329, more than 140737488355328");
  EXPECT_EQ(error_in("route 2 region 8"), "line 7: the number of epochs is missing");
  EXPECT_EQ(error_in("route 2 pool 8 1"), "line 7: the number of calls is missing");
}

TEST(Plan, IsRefusedForMoreRoutesThanATrialCanServe) {
  std::string text = head;
  for (int i = 0; i <= 64; ++i)
    text += "route " + std::to_string(i) + " region 1 1 1 f\n";
  EXPECT_EQ(error_of(text), "line 66: there are more than 64 routes");
}

TEST(Plan, IsRefusedForAKeyThatIsNone) {
  EXPECT_EQ(error_in("key 2 1 prog+1"), "line 7: there is no route 2 above");
  EXPECT_EQ(error_in("key 0 0"), "line 7: the depth is 0: a key has one place at the least");
  EXPECT_EQ(error_in("key 0 65 prog+1"), "line 7: the depth is 65, more than 64");
  EXPECT_EQ(error_in("key 0 1"), "line 7: there are fewer places than the depth says");
  EXPECT_EQ(error_in("key 0 1 prog+1 prog+2"), "line 7: there are more than 1 places");
  EXPECT_EQ(error_in("key 0 1 prog"), "line 7: the place 'prog' has no offset");
  EXPECT_EQ(error_in("key 0 1 prog+xyz"), "line 7: the offset is 'xyz', which is no number");
  EXPECT_EQ(error_in("key 0 1 gone.so+1"),
            "line 7: there is no module above for the place 'gone.so+1'");
}

TEST(Plan, IsRefusedForAKeyThatNothingLeadsTo) {
  EXPECT_EQ(error_in("key 0 2 prog+1 prog+2"),
            "line 7: no line above says that its frame 1 is looked at");
  EXPECT_EQ(error_in("key 1 1 prog+1\nkey 0 2 prog+1 prog+2"),
            "line 8: a line above decides at its frame 1 already");
  EXPECT_EQ(error_in("key 1 1 prog+1\nkey 0 1 prog+1"),
            "line 8: a line above says otherwise of the same frames");
}

TEST(Plan, NamesItsFileWhenItCannotBeRead) {
  EXPECT_THROW(trial::read_plan("/nowhere/plan"), std::system_error);
  EXPECT_THROW(trial::read_plan("/"), std::system_error);
  try {
    trial::read_plan("/dev/null");
    FAIL();
  } catch (const PlanError& error) {
    EXPECT_EQ(std::string(error.what()).rfind("/dev/null: line 1: it is no plan", 0), 0u);
  }
}

TEST(Plan, IsRefusedWhenItIsEndless) {
  try {
    trial::read_plan("/dev/zero");
    FAIL();
  } catch (const PlanError& error) {
    EXPECT_STREQ(error.what(), "/dev/zero: it is larger than 64 MiB");
  }
}

} // namespace
