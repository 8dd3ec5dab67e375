#include <allot/allocator.hpp>
#include <allot/arena.hpp>
#include <allot/resource.hpp>
#include <allot/threads/thread_scratch.hpp>

#include "support.hpp"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace allot;
using test::ReportedMisuse;
using Texts = std::vector<std::string>;

namespace {

/// A thread's first use, whatever other tests did.
template <class Call>
void in_thread(Call call) {
  std::thread(call).join();
}

TEST(ThreadScratch, EachThreadHasItsOwn) {
  in_thread([] {
    ThreadScratch& mine = thread_scratch();
    EXPECT_EQ(&thread_scratch(), &mine);
    in_thread([&] { EXPECT_NE(&thread_scratch(), &mine); });
  });
}

TEST(ThreadScratch, IsNoneOfThoseGiven) {
  in_thread([] {
    ThreadScratch& first = thread_scratch();
    ThreadScratch& second = thread_scratch(first);
    EXPECT_NE(&second, &first);
    EXPECT_EQ(&thread_scratch(second), &first);
    ThreadScratch& third = thread_scratch(second, first);
    EXPECT_EQ(&thread_scratch(third), &first);
    ThreadScratch& fourth = thread_scratch(first, third, second);
    EXPECT_EQ(&thread_scratch(fourth, first, first), &second);
    EXPECT_EQ(test::error([&] { return &thread_scratch(first, second, third, fourth); }),
              "Misuse(busy) thread_scratch: all 4 that a thread has are avoided, or run "
              "destructors");
  });
}

TEST(ThreadScratch, NoneIsMadeForWhatIsNotThisThreads) {
  in_thread([] {
    ThreadScratch& mine = thread_scratch();
    Arena arena(4096);
    Region region;
    Region& same = mine;
    EXPECT_EQ(&thread_scratch(arena, region), &mine);
    EXPECT_NE(&thread_scratch(same), &mine);
    in_thread([&] { EXPECT_EQ(&thread_scratch(mine), &thread_scratch()); });
  });
}

TEST(ThreadScratch, LooksThroughWhatStandsOnIt) {
  in_thread([] {
    ThreadScratch& mine = thread_scratch();
    Resource resource(mine);
    const Allocator<int, ThreadScratch> allocator(mine);
    EXPECT_NE(&thread_scratch(resource), &mine);
    EXPECT_NE(&thread_scratch(allocator), &mine);
    Arena arena(4096);
    EXPECT_EQ(&thread_scratch(Resource(arena)), &mine);
  });
}

// The reason for it: the caller's scratch has what is given back, and nothing else.
std::string_view repeated(std::string_view text, int times, Region& result) {
  auto& scratch = thread_scratch(result);
  const auto scope = scratch.scope();
  std::string_view all = scratch.copy(text);
  for (; times > 1; --times) {
    const std::string_view parts[] = {all, text};
    char* const longer = scratch.create_array<char>(all.size() + text.size()).data();
    std::memcpy(longer, parts[0].data(), all.size());
    std::memcpy(longer + all.size(), text.data(), text.size());
    all = {longer, all.size() + text.size()};
  }
  return result.copy(all);
}

TEST(ThreadScratch, GivesBackInTheCallersWhatWasMadeInAnother) {
  in_thread([] {
    auto& scratch = thread_scratch();
    const auto scope = scratch.scope();
    const std::string_view text = repeated("12345678", 3, scratch);
    EXPECT_EQ(text, "123456781234567812345678");
    EXPECT_TRUE(scratch.owns(text.data()));
    EXPECT_EQ(scratch.used(), 24u);
    EXPECT_EQ(repeated(text, 2, scratch).size(), 48u);
    EXPECT_EQ(scratch.used(), 72u);
  });
}

TEST(ThreadScratch, HoldsAnArenaFromTheStart) {
  in_thread([] {
    auto& scratch = thread_scratch();
    EXPECT_EQ(scratch.capacity(), 65536u);
    EXPECT_EQ(scratch.used() + scratch.peak(), 0u);
    const void* p;
    {
      const auto scope = scratch.scope();
      p = scratch.allocate(100);
    }
    const auto scope = scratch.scope();
    EXPECT_EQ(scratch.allocate(100), p);
  });
}

TEST(ThreadScratch, GrowsAndGivesBackWhenTheOutermostScopeEnds) {
  in_thread([] {
    auto& scratch = thread_scratch();
    {
      const auto scope = scratch.scope();
      {
        const auto inner = scratch.scope();
        for (int i = 0; i != 64; ++i)
          test::fill(scratch.allocate(60000), 60000);
        test::fill(scratch.allocate(8_MiB), 8_MiB);
      }
      EXPECT_GE(scratch.capacity(), 11_MiB);
    }
    EXPECT_LE(scratch.capacity(), ThreadScratch::kept);
    EXPECT_GE(scratch.capacity(), ThreadScratch::kept / 2);
  });
}

TEST(ThreadScratch, KeepsWhatAnotherScopeWillNeed) {
  in_thread([] {
    auto& scratch = thread_scratch();
    const auto use = [&] {
      const auto scope = scratch.scope();
      for (int i = 0; i != 10; ++i)
        test::fill(scratch.allocate(40000), 40000);
      test::fill(scratch.allocate(100000), 100000);
    };
    use();
    const std::size_t held = scratch.capacity();
    EXPECT_GT(held, 500000u);
    for (int i = 0; i != 3; ++i)
      use();
    EXPECT_EQ(scratch.capacity(), held);
  });
}

TEST(ThreadScratch, DestroysWhatAScopeMade) {
  std::vector<int> log;
  in_thread([&] {
    auto& scratch = thread_scratch();
    scratch.create<test::Witness>(log, 3);
    const auto scope = scratch.scope();
    scratch.create<test::Witness>(log, 1);
    const auto inner = scratch.scope();
    scratch.create<test::Witness>(log, 2);
  });
  EXPECT_EQ(log, (std::vector{2, 1, 3})); // the last with the thread
}

TEST(ThreadScratch, GivesDestructorsThatItRunsAnother) {
  struct Asks {
    explicit Asks(ThreadScratch*& answer) : got(answer) {}
    Asks(const Asks&) = delete;
    Asks& operator=(const Asks&) = delete;
    ~Asks() {
      got = &thread_scratch();
      const auto scope = got->scope();
      test::fill(got->allocate(100), 100);
    }
    ThreadScratch*& got;
  };
  in_thread([] {
    ThreadScratch* got = nullptr;
    auto& scratch = thread_scratch();
    {
      const auto scope = scratch.scope();
      scratch.create<Asks>(got);
    }
    EXPECT_EQ(got, &thread_scratch(scratch));
  });
}

// ----------------------------------------------------------------------------- scopes and threads

TEST(ThreadScratch, TellsAScopeThatEndsInAnotherThread) {
  in_thread([] {
    const ReportedMisuse reported;
    auto& scratch = thread_scratch();
    {
      const auto outer = scratch.scope();
      std::optional<ThreadScratch::Scope> inner(scratch);
      void* const p = scratch.allocate(100);
      in_thread([&] { inner.reset(); });
      EXPECT_EQ(reported.texts(), Texts{"no_checkpoint region \"thread_scratch\": a scope ended in "
                                        "another thread than it began in"});
      EXPECT_TRUE(scratch.owns(p)); // nothing was restored
    }
    EXPECT_TRUE(scratch.empty());
    EXPECT_EQ(reported.texts().size(), 1u);
  });
}

TEST(ThreadScratch, TellsAnOuterScopeThatEndsInAnotherThread) {
  in_thread([] {
    const ReportedMisuse reported;
    auto& scratch = thread_scratch();
    std::optional<ThreadScratch::Scope> outer(scratch);
    (void)scratch.allocate(16);
    {
      const auto inner = scratch.scope();
      (void)scratch.allocate(100);
      in_thread([&] { outer.reset(); });
      EXPECT_EQ(reported.texts().size(), 1u);
    }
    EXPECT_EQ(scratch.used(), 16u);
    EXPECT_EQ(reported.texts().size(), 1u);
  });
}

TEST(ThreadScratch, TellsScopesOutOfOrder) {
  in_thread([] {
    const ReportedMisuse reported;
    auto& scratch = thread_scratch();
    std::optional<ThreadScratch::Scope> outer(scratch);
    std::optional<ThreadScratch::Scope> inner(scratch);
    outer.reset();
    EXPECT_EQ(reported.texts(),
              Texts{"no_checkpoint region \"thread_scratch\": a scope ended out of order: one that "
                    "was opened in it is still open"});
    inner.reset();
    EXPECT_EQ(reported.texts().size(), 1u);
  });
}

TEST(ThreadScratch, TellsAScopeThatOutlivesItsThread) {
  const ReportedMisuse reported;
  std::optional<ThreadScratch::Scope> first;
  std::optional<ThreadScratch::Scope> second;
  in_thread([&] {
    first.emplace(thread_scratch());
    second.emplace(thread_scratch());
    (void)thread_scratch().allocate(100);
  });
  EXPECT_EQ(reported.texts(),
            Texts{"busy region \"thread_scratch\": its thread ended with 2 scopes open"});
  first.reset();
  second.reset();
  EXPECT_EQ(reported.texts().size(), 1u);
}

TEST(ThreadScratch, RestoresThroughARegionToo) {
  in_thread([] {
    Region& scratch = thread_scratch();
    {
      const auto scope = scratch.scope();
      (void)scratch.allocate(100);
      const auto inner = thread_scratch().scope();
      (void)scratch.allocate(100);
    }
    EXPECT_TRUE(scratch.empty());
  });
}

// ---------------------------------------------------------------------- after the thread's
// destructors

struct Last {
  Last() = default;
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
  ~Last() {
    for (int i = 0; i != 3; ++i) {
      auto& scratch = thread_scratch();
      {
        const auto scope = scratch.scope();
        auto& text = *scratch.create<std::string>(1000u, 'x');
        EXPECT_EQ(repeated(text, 3, scratch).size(), 3000u);
        EXPECT_GE(scratch.capacity(), 65536u);
        const auto inner = scratch.scope();
        test::fill(scratch.allocate(2_MiB), 2_MiB);
      }
      held += scratch.capacity() + thread_scratch(scratch).capacity();
    }
    ++ended;
  }
  static inline int ended = 0;
  static inline std::size_t held = 0;
};

TEST(ThreadScratch, ServesTheDestructorsThatComeLater) {
  Last::ended = 0;
  in_thread([] {
    thread_local Last last;
    (void)&last;
    const auto scope = thread_scratch().scope();
    (void)thread_scratch().allocate(100);
  });
  EXPECT_EQ(Last::ended, 1);
  EXPECT_EQ(Last::held, 0u); // a sanitizer would tell what is left behind, too
}

TEST(ThreadScratch, ServesADestructorThatIsTheFirstToUseIt) {
  Last::ended = 0;
  in_thread([] {
    thread_local Last last;
    (void)&last;
  });
  EXPECT_EQ(Last::ended, 1);
}

#if !defined(_WIN32)
TEST(ThreadScratch, IsKeptAcrossFork) {
  in_thread([] {
    auto& scratch = thread_scratch();
    const auto scope = scratch.scope();
    const std::string_view text = scratch.copy(std::string_view("from before"));
    const pid_t child = fork();
    if (child == 0) {
      const bool same = &thread_scratch() == &scratch && text == "from before";
      const auto inner = scratch.scope();
      test::fill(scratch.allocate(2_MiB), 2_MiB);
      test::fill(thread_scratch(scratch).allocate(100), 100);
      _exit(same ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  });
}
#endif

} // namespace
