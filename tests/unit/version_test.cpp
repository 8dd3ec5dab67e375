#include <allot/version.hpp>

#include "support.hpp"

#include <string>

namespace {

TEST(Version, TheTextHasItsThreeNumbers) {
  EXPECT_EQ(ALLOT_VERSION_STRING, std::to_string(ALLOT_VERSION_MAJOR) + "." +
                                      std::to_string(ALLOT_VERSION_MINOR) + "." +
                                      std::to_string(ALLOT_VERSION_PATCH));
}

TEST(Version, ALaterOneIsALargerNumber) {
  static_assert(ALLOT_VERSION >= ALLOT_VERSION_MAJOR * 10000);
  EXPECT_EQ(ALLOT_VERSION / 10000, ALLOT_VERSION_MAJOR);
  EXPECT_EQ(ALLOT_VERSION / 100 % 100, ALLOT_VERSION_MINOR);
  EXPECT_EQ(ALLOT_VERSION % 100, ALLOT_VERSION_PATCH);
}

} // namespace
