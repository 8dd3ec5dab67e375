// pcre2 in a Multipool and in a Region: its hooks get the context last, after the size and after
// the block, and all that it makes is made through one general context.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace allot;

struct Found {
  int error = 0; // what pcre2 says if something failed
  std::vector<std::string> names;
};

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

/// All that `pattern`'s first group matches in `text`. `general` may be null: malloc is used then.
Found find_all(pcre2_general_context* general, std::string_view pattern, std::string_view text) {
  Found found;
  PCRE2_SIZE at = 0;
  pcre2_compile_context* const compiling = pcre2_compile_context_create(general);
  pcre2_code* const code =
      pcre2_compile(units(pattern), pattern.size(), PCRE2_UTF, &found.error, &at, compiling);
  pcre2_match_data* const matched =
      code == nullptr ? nullptr : pcre2_match_data_create_from_pattern(code, general);
  if (matched != nullptr) {
    const auto match_from = [&](PCRE2_SIZE from) {
      const std::uint32_t options = from == 0 ? 0 : PCRE2_NO_UTF_CHECK; // the text was checked
      return pcre2_match(code, units(text), text.size(), from, options, matched, nullptr);
    };
    PCRE2_SIZE from = 0;
    while ((found.error = match_from(from)) > 0) {
      const PCRE2_SIZE* const bounds = pcre2_get_ovector_pointer(matched);
      found.names.emplace_back(text.substr(bounds[2], bounds[3] - bounds[2]));
      from = bounds[1];
    }
  } else if (code != nullptr) {
    found.error = PCRE2_ERROR_NOMEMORY;
  }
  pcre2_match_data_free(matched);
  pcre2_code_free(code);
  pcre2_compile_context_free(compiling);
  return found;
}

constexpr std::string_view pattern = R"re("name"\s*:\s*"((?:[^"\\]|\\.)*)")re";

template <class S>
void finds_as_under_malloc(S& strategy) {
  const std::string text = clients::languages();
  const Found expected = find_all(nullptr, pattern, text);
  ASSERT_EQ(expected.error, PCRE2_ERROR_NOMATCH);
  ASSERT_GT(expected.names.size(), 7000u);

  pcre2_general_context* const general = hooks::pass_to(pcre2_general_context_create, strategy);
  ASSERT_TRUE(strategy.owns(general));
  const Found found = find_all(general, pattern, text);
  EXPECT_EQ(found.error, PCRE2_ERROR_NOMATCH);
  EXPECT_EQ(found.names, expected.names);
  pcre2_general_context_free(general);
}

TEST(Pcre2, FindsTheSameInAMultipool) {
  const test::ReportedMisuse reported;
  Multipool pool;
  finds_as_under_malloc(pool);
  EXPECT_EQ(pool.used(), 0u);
  EXPECT_EQ(reported.texts().size(), 0u);
}
TEST(Pcre2, FindsTheSameInARegion) {
  const test::ReportedMisuse reported;
  Region region;
  for (int round = 0; round != 2; ++round) {
    finds_as_under_malloc(region);
    EXPECT_LT(region.used(), 1_MiB);
    region.reset();
  }
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(Pcre2, SaysWhenTheArenaIsTooSmallAndTheArenaIsUsable) {
  int refused = 0;
  for (std::size_t bytes = 64; bytes <= 64_KiB; bytes += bytes / 8 / 8 * 8 + 8) {
    Arena arena(bytes);
    if (pcre2_general_context* const general =
            hooks::pass_to(pcre2_general_context_create, arena)) {
      const Found found = find_all(general, pattern, R"("name": "Aari", "name": "Aasáx")");
      const bool failed = found.error != PCRE2_ERROR_NOMATCH;
      EXPECT_TRUE(!failed || found.error == PCRE2_ERROR_NOMEMORY ||
                  found.error == PCRE2_ERROR_HEAP_FAILED)
          << found.error;
      EXPECT_TRUE(failed || found.names == std::vector<std::string>({"Aari", "Aasáx"}));
      refused += failed;
      pcre2_general_context_free(general);
    } else {
      ++refused;
    }
    arena.reset();
    EXPECT_NE(arena.try_allocate(bytes), nullptr);
  }
  EXPECT_GT(refused, 5);
}

} // namespace
