#include <allot/error.hpp>

#include "support.hpp"

#include <cstring>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace allot;

namespace {

constexpr Errc all_codes[] = {Errc::no_room,       Errc::system_refused,  Errc::released,
                              Errc::busy,          Errc::bad_size,        Errc::bad_alignment,
                              Errc::overflow,      Errc::out_of_bounds,   Errc::underflow,
                              Errc::null_pointer,  Errc::foreign_pointer, Errc::misaligned_pointer,
                              Errc::double_free,   Errc::stale_marker,    Errc::stale_handle,
                              Errc::no_checkpoint, Errc::bad_file};

TEST(Error, EveryCodeHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const Errc code : all_codes)
    names.insert(name(code));
  EXPECT_EQ(names.size(), std::size(all_codes));
  EXPECT_EQ(names.count("unknown"), 0u);
  EXPECT_STREQ(name(Errc::no_room), "no_room");
  EXPECT_STREQ(name(static_cast<Errc>(999)), "unknown");
}

TEST(Error, ExhaustedIsABadAlloc) {
  try {
    throw_exhausted("pool", Errc::system_refused, "%d of %s", 3, "those");
  } catch (const std::bad_alloc& error) {
    EXPECT_STREQ(error.what(), "pool: 3 of those");
    EXPECT_EQ(dynamic_cast<const Exhausted&>(error).code(), Errc::system_refused);
  }
}

TEST(Error, MisuseIsALogicError) {
  try {
    throw_misuse("pool", Errc::double_free, "block %d", 7);
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "pool: block 7");
    EXPECT_EQ(dynamic_cast<const Misuse&>(error).code(), Errc::double_free);
  }
}

static_assert(std::is_nothrow_copy_constructible_v<Exhausted>);
static_assert(std::is_nothrow_copy_constructible_v<Misuse>);

TEST(Error, AFullStrategySaysWhatWasAskedAndWhatIsLeft) {
  EXPECT_EQ(test::error([] { throw_full("arena", 64, 16, 1024); }),
            "Exhausted(no_room) arena: 64 bytes asked, 16 of 1024 left");
  EXPECT_EQ(test::error([] { throw_full("block pool", 1, 0, 10, "blocks"); }),
            "Exhausted(no_room) block pool: 1 blocks asked, 0 of 10 left");
  EXPECT_EQ(test::error([] { throw_full("arena", SIZE_MAX, SIZE_MAX, SIZE_MAX); }),
            "Exhausted(no_room) arena: " + std::to_string(SIZE_MAX) + " bytes asked, " +
                std::to_string(SIZE_MAX) + " of " + std::to_string(SIZE_MAX) + " left");
}

TEST(Error, ReleasedAndBusyNameTheStrategy) {
  EXPECT_EQ(test::error([] { throw_released("arena"); }),
            "Misuse(released) arena: used after release");
  EXPECT_EQ(test::error([] { throw_busy("arena", "its own destructors run"); }),
            "Misuse(busy) arena: used while its own destructors run");
}

TEST(Error, AMessageThatIsTooLongIsCutShort) {
  const std::string text(500, 'x');
  try {
    throw_misuse("file", Errc::bad_file, "%s", text.c_str());
  } catch (const Misuse& misuse) {
    EXPECT_EQ(misuse.what(), "file: " + text.substr(0, sizeof(detail::Message) - 7));
  }
  const std::string strategy(500, 's');
  try {
    throw_exhausted(strategy.c_str(), Errc::no_room, "%s", "lost");
  } catch (const Exhausted& exhausted) {
    EXPECT_EQ(exhausted.what(), strategy.substr(0, sizeof(detail::Message) - 1));
  }
}

TEST(Error, AnExceptionKeepsItsMessageWhenCopied) {
  std::exception_ptr kept;
  try {
    throw_released("arena");
  } catch (const Misuse& misuse) {
    kept = std::make_exception_ptr(misuse);
  }
  EXPECT_EQ(test::error([&] { std::rethrow_exception(kept); }),
            "Misuse(released) arena: used after release");
}

TEST(Error, NullIsWhatACallThatThrowsGives) {
  int object = 0;
  EXPECT_EQ(detail::null_if_thrown([&] { return &object; }), &object);
  EXPECT_EQ(detail::null_if_thrown([]() -> int* { throw_released("arena"); }), nullptr);
  EXPECT_EQ(detail::null_if_thrown([]() -> int* { throw 1; }), nullptr);
}

TEST(Error, AReplacedHandlerThatReturnsLetsTheProgramGoOn) {
  const test::ReportedMisuse reported;
  report_misuse("stack", Errc::busy, "released with %d scopes open", 2);
  EXPECT_EQ(reported.texts(), std::vector<std::string>{"busy stack: released with 2 scopes open"});
}

TEST(ErrorDeathTest, ByDefaultReportedMisusePrintsAndAborts) {
  EXPECT_EXIT(report_misuse("stack", Errc::busy, "released with %d scopes open", 2), test::by_abort,
              "allot: stack: released with 2 scopes open");
}

TEST(ErrorDeathTest, ByDefaultExhaustedPrintsAndAbortsWhereItCannotBeThrown) {
  EXPECT_EXIT(exhausted_handler(Exhausted(Errc::no_room, {"arena: full"})), test::by_abort,
              "allot: arena: full");
}

} // namespace
