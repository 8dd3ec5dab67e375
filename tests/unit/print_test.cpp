#include <allot/print.hpp>

#include "support.hpp"

#include <allot/allot.hpp>
#include <allot/pmr.hpp>

#include <sstream>
#include <string>

using namespace allot;

namespace {

template <class... S>
std::string printed(const S&... strategies) {
  std::ostringstream out;
  print(out, strategies...);
  return "\n" + out.str();
}

TEST(Print, IsALineForEachAndOneForAll) {
  Arena request(64_KiB, {.name = "request"});
  (void)request.allocate(448);
  BlockPool nodes(48, 1000, {.name = "nodes"});
  for (int i = 0; i != 3; ++i)
    (void)nodes.allocate();
  Scratch scratch(4096);
  EXPECT_EQ(printed(request, nodes, scratch), R"(
          used   capacity   peak
request  448 B     64 KiB  448 B
nodes    144 B   46.9 KiB  144 B
scratch    0 B      4 KiB    0 B
all      592 B  114.9 KiB
)");
}

TEST(Print, OfOneHasNoSum) {
  Stack stack(64);
  (void)stack.push(1);
  EXPECT_EQ(printed(stack), R"(
       used  capacity  peak
stack   8 B      64 B   8 B
)");
}

TEST(Print, KeepsColumnsBesideNamesOfAnyScript) {
  Bump wide(64, {.name = "\xE4\xBD\xA0\xE5\xA5\xBD"});
  Bump accents(64, {.name = "gr\xC3\xBC\xC3\x9F\x1B"});
  EXPECT_EQ(printed(wide, accents), "\n"
                                    "       used  capacity  peak\n"
                                    "\xE4\xBD\xA0\xE5\xA5\xBD    0 B      64 B   0 B\n"
                                    "gr\xC3\xBC\xC3\x9F?   0 B      64 B   0 B\n"
                                    "all     0 B     128 B\n");
}

TEST(Print, TakesResourcesToo) {
  pmr::monotonic_buffer_resource resource;
  EXPECT_TRUE(printed(resource).ends_with("\nmonotonic_buffer_resource   0 B       0 B   0 B\n"))
      << printed(resource);
}

TEST(Print, AddsUpNoMoreThanASizeCanHold) {
  const detail::Reported rows[] = {{"one", {"one", max_size, max_size, 0, 0, 0}},
                                   {"two", {"two", max_size, max_size, 0, 0, 0}}};
  std::ostringstream out;
  detail::print_table(out, rows);
  EXPECT_TRUE(out.str().ends_with("all  16.0 EiB  16.0 EiB\n") || sizeof(void*) < 8) << out.str();
}

} // namespace
