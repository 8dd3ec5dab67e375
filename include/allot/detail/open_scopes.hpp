// OpenScopes: the scopes of a strategy that are open, innermost first. Each lies where its block
// has it and leads to the one that it was opened in, so that the list asks for no memory.
#pragma once

#include <allot/base/errc.hpp>

#include <cstddef>
#include <new>

namespace allot {
inline namespace ALLOT_ABI {

/// A Scope befriends this, and has a member `outer_` for it.
template <class Scope>
class OpenScopes {
public:
  /// Null: none is open.
  [[nodiscard]] Scope* innermost() const noexcept { return innermost_; }
  void open(Scope& scope) noexcept {
    scope.outer_ = innermost();
    innermost_ = std::launder(&scope); // else GCC 12 fears that a local one is kept
  }
  /// `scope` is the innermost.
  void close(const Scope& scope) noexcept { innermost_ = scope.outer_; }
  /// Takes one out that another was opened in. False: there is no such other.
  bool take_out(const Scope& scope) noexcept {
    for (Scope* inner = innermost(); inner != nullptr; inner = inner->outer_)
      if (inner->outer_ == &scope) {
        inner->outer_ = scope.outer_;
        return true;
      }
    return false;
  }

  // Taking everything back under an open scope would leave the scope nothing to restore.
  void check_none(Label owner, const char* done) const {
    if (innermost_ != nullptr) [[unlikely]]
      throw_misuse(owner, Errc::busy, "%s with %zu scopes open", done, count());
  }
  bool report_any(Label owner, const char* done) const noexcept {
    if (innermost_ != nullptr) [[unlikely]]
      report_misuse(owner, Errc::busy, "%s with %zu scopes open", done, count());
    return innermost_ != nullptr;
  }

private:
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const Scope* scope = innermost(); scope != nullptr; scope = scope->outer_)
      ++n;
    return n;
  }

  Scope* innermost_ = nullptr;
};

} // namespace ALLOT_ABI
} // namespace allot
