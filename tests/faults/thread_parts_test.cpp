// A thread finds its parts of what it shares where the system has no memory for the table of them.
#include "faults.hpp"

#include "../shared_thing.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using faults::Fault;
using faults::Source;
using test::Thing;

namespace {

TEST(ThreadParts, AreFoundWithoutMemoryForALongerTable) {
  std::thread([] {
    std::vector<std::unique_ptr<Thing>> things;
    const auto add = [&](std::size_t n) {
      for (std::size_t i = 0; i != n; ++i) {
        things.push_back(std::make_unique<Thing>());
        (void)things.back()->get();
      }
    };
    const auto all_are_found = [&] {
      for (const auto& thing : things)
        EXPECT_EQ(thing->part(), thing->made.front().get());
    };
    std::optional<Fault> fault(std::in_place, Source::system, 1, true);
    add(100);
    EXPECT_TRUE(fault->happened());
    all_are_found();
    fault.emplace(Source::system, 1, false); // the next part asks again, and again in vain
    add(1);
    EXPECT_TRUE(fault->happened());
    add(1);
    all_are_found();
    fault.emplace(Source::system, 1, true);
    add(1000); // the table that there is stays
    EXPECT_TRUE(fault->happened());
    all_are_found();
    things.erase(things.begin(), things.begin() + 1050);
    all_are_found();
  }).join();
}

} // namespace
