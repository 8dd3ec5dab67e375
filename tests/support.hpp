// What the tests share: errors as text, misuse that is reported rather than thrown, memory that
// sanitizers hide, and a resource that fails on demand.
#pragma once

#include <allot/base/annotate.hpp>
#include <allot/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <memory_resource>
#include <new>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace test {

using Sizes = std::initializer_list<std::size_t>;

/// Sizes that no strategy can serve, and that wrap where arithmetic is careless.
inline constexpr std::size_t unservable[] = {SIZE_MAX, SIZE_MAX - 7, std::size_t{PTRDIFF_MAX} + 1,
                                             std::size_t{PTRDIFF_MAX}};

/// The size whose square is 0 when it wraps.
inline constexpr std::size_t root = std::size_t{1} << (4 * sizeof(std::size_t));

inline constexpr std::size_t bad_alignments[] = {0, 3, 5, 6, 7, 12, 63, 65, 4095, SIZE_MAX};

/// What `call` throws, as "Exhausted(no_room) arena: 64 bytes asked, 16 of 1024 left".
template <class Call>
std::string error(Call&& call) {
  try {
    (void)call();
  } catch (const allot::Exhausted& exhausted) {
    return std::string("Exhausted(") + name(exhausted.code()) + ") " + exhausted.what();
  } catch (const allot::Misuse& misuse) {
    return std::string("Misuse(") + name(misuse.code()) + ") " + misuse.what();
  }
  return "none";
}

/// The same without the message: "Exhausted(no_room)".
template <class Call>
std::string kind(Call&& call) {
  const std::string text = error(std::forward<Call>(call));
  return text.substr(0, text.find(' '));
}

/// While it lives, misuse that is reported rather than thrown is written down, and ignored.
class ReportedMisuse {
public:
  ReportedMisuse() : before_(std::exchange(allot::misuse_handler, write_down)) { texts().clear(); }
  ReportedMisuse(const ReportedMisuse&) = delete;
  ReportedMisuse& operator=(const ReportedMisuse&) = delete;
  ~ReportedMisuse() { allot::misuse_handler = before_; }

  /// Each as "busy scratch: released with 1 scopes open".
  static std::vector<std::string>& texts() {
    static std::vector<std::string> all;
    return all;
  }

private:
  static void write_down(const allot::Misuse& misuse) {
    texts().push_back(std::string(name(misuse.code())) + " " + misuse.what());
  }
  void (*before_)(const allot::Misuse&);
};

/// What a strategy says about itself; a call that fails must not change it.
struct State {
  std::size_t capacity, used, available, peak;
  bool operator==(const State&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const State& s) {
    return out << s.used << " used + " << s.available << " of " << s.capacity << ", peak "
               << s.peak;
  }
};
template <class Strategy>
State state(const Strategy& s) {
  return {s.capacity(), s.used(), s.available(), s.peak()};
}

inline bool is_aligned(const void* p, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}
inline void fill(void* p, std::size_t bytes, int value = 0xA5) {
  std::memset(p, value, bytes);
}
inline bool holds(const void* p, std::size_t bytes, int value) {
  const auto* const at = static_cast<const unsigned char*>(p);
  return bytes == 0 ||
         (at[0] == static_cast<unsigned char>(value) && std::memcmp(at, at + 1, bytes - 1) == 0);
}
/// A write that no compiler leaves out.
inline void touch(void* p) {
  *static_cast<volatile unsigned char*>(p) = 1;
}
/// In bytes, from `from` to `to`, both void so that no cast is needed.
inline std::ptrdiff_t distance(const void* from, const void* to) {
  return static_cast<const std::byte*>(to) - static_cast<const std::byte*>(from);
}

inline bool under_valgrind() {
#if defined(ALLOT_VALGRIND)
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}
/// Whether a sanitizer is here to say what is hidden.
inline bool watched() {
#if defined(ALLOT_ASAN)
  return true;
#else
  return under_valgrind();
#endif
}
inline bool is_hidden([[maybe_unused]] const void* p) {
#if defined(ALLOT_ASAN)
  return __asan_address_is_poisoned(p) != 0;
#elif defined(ALLOT_VALGRIND)
  unsigned char bits = 0;
  return VALGRIND_GET_VBITS(p, &bits, 1) == 3;
#else
  return false;
#endif
}
/// How many of the `limit` bytes at `p` can be touched before the first that can't.
inline std::size_t visible(const void* p, std::size_t limit) {
  const auto* at = static_cast<const std::byte*>(p);
  return static_cast<std::size_t>(
      std::find_if(at, at + limit, [](const std::byte& byte) { return is_hidden(&byte); }) - at);
}
inline bool all_hidden(const void* p, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(p);
  return std::all_of(at, at + bytes, [](const std::byte& byte) { return is_hidden(&byte); });
}

/// For tests of what sanitizers see.
class Watched : public testing::Test {
protected:
  void SetUp() override {
    if (!watched())
      GTEST_SKIP() << "no sanitizer watches";
  }
};

/// Writes its number into a log when it is destroyed.
class Witness {
public:
  Witness(std::vector<int>& log, int number) : log_(log), number_(number) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { log_.push_back(number_); }
  [[nodiscard]] int number() const { return number_; }

private:
  std::vector<int>& log_;
  int number_;
};

/// An upstream that checks what it gets back, fills what it gives with rubbish, and fails when
/// told.
class TestResource : public std::pmr::memory_resource {
public:
  enum class Answer { memory, misaligned, null, exception };
  struct Request {
    std::size_t bytes, alignment;
  };

  Answer answer = Answer::memory;
  std::vector<Request> requests;
  ~TestResource() override { EXPECT_TRUE(blocks_.empty()) << "memory was not given back"; }
  [[nodiscard]] std::size_t live() const { return blocks_.size(); }
  [[nodiscard]] std::size_t live_bytes() const {
    std::size_t bytes = 0;
    for (const Block& block : blocks_)
      bytes += block.bytes;
    return bytes;
  }

private:
  struct Block {
    std::byte* given;
    std::size_t bytes, alignment;
    void* base;
  };

protected:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    requests.push_back({bytes, alignment});
    if (answer == Answer::null)
      return nullptr;
    if (answer == Answer::exception || bytes > PTRDIFF_MAX / 2 || alignment > PTRDIFF_MAX / 4)
      throw std::bad_alloc();
    void* const base = std::malloc(bytes + 2 * alignment);
    if (base == nullptr)
      throw std::bad_alloc();
    fill(base, bytes + 2 * alignment);
    const auto address = reinterpret_cast<std::uintptr_t>(base);
    std::size_t skip = (alignment - address % alignment) % alignment;
    if (answer == Answer::misaligned)
      skip += alignment / 2;
    blocks_.push_back({static_cast<std::byte*>(base) + skip, bytes, alignment, base});
    return blocks_.back().given;
  }

private:
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    const auto block =
        std::find_if(blocks_.begin(), blocks_.end(), [=](const Block& b) { return b.given == p; });
    ASSERT_NE(block, blocks_.end()) << "this memory is not from here";
    EXPECT_EQ(block->bytes, bytes);
    EXPECT_EQ(block->alignment, alignment);
    EXPECT_EQ(visible(p, bytes), bytes) << "hidden memory came back";
    std::free(block->base);
    blocks_.erase(block);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::vector<Block> blocks_;
};

/// An upstream that refuses everything, with an exception of its own, and keeps what was asked.
class RefusingResource : public std::pmr::memory_resource {
public:
  struct Refused : std::bad_alloc {};
  std::size_t bytes = 0, alignment = 0;

private:
  void* do_allocate(std::size_t asked, std::size_t aligned) override {
    bytes = asked;
    alignment = aligned;
    throw Refused();
  }
  void do_deallocate(void* /*p*/, std::size_t /*bytes*/, std::size_t /*alignment*/) override {
    ADD_FAILURE() << "nothing was given";
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// The ways in which an upstream fails. Where UBSan watches it reports, in the standard's own code,
/// what the standard promises never to happen: null, and misaligned memory.
inline std::vector<TestResource::Answer> failures() {
  using Answer = TestResource::Answer;
  return allot::instrumented ? std::vector{Answer::exception}
                             : std::vector{Answer::exception, Answer::null, Answer::misaligned};
}

/// Gives a null pointer back, which the standard's declaration says nobody does.
#if defined(__clang__)
[[clang::no_sanitize("undefined"), gnu::noinline]]
#else
[[gnu::no_sanitize("undefined"), gnu::noinline]]
#endif
inline void
give_back_null(std::pmr::memory_resource& resource, std::size_t bytes, std::size_t alignment) {
  void* volatile null = nullptr;
  resource.deallocate(null, bytes, alignment);
}

/// For EXPECT_EXIT: whether the child aborted.
inline bool by_abort(int status) {
#if defined(_WIN32)
  return status == 3;
#else
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
#endif
}

#if !defined(_WIN32)
/// A path that names no file, in a directory that goes when this goes.
class FreshPath {
public:
  FreshPath() {
    std::string pattern = (std::filesystem::temp_directory_path() / "allot-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::filesystem::filesystem_error("mkdtemp", pattern, {});
    directory_ = pattern;
  }
  FreshPath(const FreshPath&) = delete;
  FreshPath& operator=(const FreshPath&) = delete;
  ~FreshPath() { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string string() const { return (directory_ / "memory").string(); }

private:
  std::filesystem::path directory_;
};

/// For EXPECT_EXIT: whether the child touched memory that may not be touched.
inline bool by_fault(int status) {
#if defined(ALLOT_ASAN)
  return WIFEXITED(status) && WEXITSTATUS(status) != 0; // its handler reports SEGV, and exits
#else
  return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
#endif
}
#endif

} // namespace test
