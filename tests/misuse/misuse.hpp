// Programs that use allot wrongly, each with what must come of it.
//
//   allot_misuse NAME [LOG]                  runs one in a process of its own, and compares
//   allot_misuse --all [LOG]                 runs all that this build can tell
//   allot_misuse --markdown                  prints docs/misuse.md
//   allot_misuse --compare docs/misuse.md    tells whether that is what it prints
//
// Started under Valgrind it needs the LOG that --log-file names; --error-exitcode is to be 9.
//
// What must come of it is told by one text:
//
//   Misuse(code) message       this was thrown; %p stands for the address that `about` was told.
//   Exhausted(code) message
//   reported(code) message     this went to the misuse handler: the default one, which printed the
//                              message, nothing else, and aborted.
//   refused                    the call said so by what it returned: `refused` was told true.
//   use-after-poison, ...      AddressSanitizer's name for the report with which it must end the
//                              program, at the address that `touch` touched. Valgrind must report
//                              that one address and no other. An ordinary build does not run it.
//   fault                      a segmentation fault, at the address that `touch` touched.
//   nothing                    a right use, which ends without a word.
#pragma once

#include <allot/allot.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace misuse {

inline constexpr const char* poisoned = "use-after-poison";
inline constexpr const char* freed = "heap-use-after-free";
inline constexpr const char* outside = "heap-buffer-overflow";

struct Case {
  std::string name;    ///< as in `allot_misuse block_pool.double_free`
  std::string misuse;  ///< in words, for docs/misuse.md
  std::string verdict; ///< see above
  void (*run)();
};
using Cases = std::vector<Case>;

// One a file.
extern const Cases arena_cases, slot_arena_cases, typed_arena_cases, bump_cases, object_pool_cases,
    block_pool_cases, stack_cases, mapped_arena_cases, region_cases, scratch_cases, multipool_cases,
    buffer_cases, verb_cases, face_cases, hook_cases, shared_arena_cases, thread_scratch_cases,
    shared_block_pool_cases, shared_object_pool_cases, shared_multipool_cases;

inline Cases operator+(Cases cases, const Cases& more) {
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

/// The message will show this address; gives it back.
void tell_address(const volatile void* p);
template <class T>
T* about(T* p) {
  tell_address(p);
  return p;
}
/// Whether a call that cannot throw refused.
void refused(bool was);

/// Writes one byte, which is expected to be noticed, and ends the program. Not for memory on the
/// stack, which AddressSanitizer unpoisons before a call that does not return.
[[noreturn]] inline void touch(void* p) {
  *static_cast<volatile char*>(about(p)) = 1;
  std::_Exit(0);
}

/// A number that the compiler does not know, or it would warn of what follows.
inline std::size_t hidden(std::size_t n) {
  const volatile std::size_t kept = n;
  return kept;
}

using Sizes = std::initializer_list<std::size_t>;

/// Writes what is the program's to write.
inline char* fill(void* p, std::size_t bytes) {
  std::memset(p, 0xA5, bytes);
  return static_cast<char*>(p);
}

/// Calls something when it is destroyed. A destructor may not throw: what was thrown is kept for
/// `rethrow`.
class AtTheEnd {
public:
  explicit AtTheEnd(std::function<void()> call) : call_(std::move(call)) {}
  AtTheEnd(const AtTheEnd&) = delete;
  AtTheEnd& operator=(const AtTheEnd&) = delete;
  ~AtTheEnd() {
    try {
      call_();
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  static void rethrow() {
    if (thrown_)
      std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

private:
  std::function<void()> call_;
  static inline std::exception_ptr thrown_;
};

} // namespace misuse
