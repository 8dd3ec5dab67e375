// Which scopes are worth something, and what for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../analyze/scopes.hpp"
#include "advice.hpp"

namespace advise {

/// Bytes that a scope may hold beyond what lives at once.
std::uint64_t allowed_waste(const analyze::Lifetimes& lifetimes);

class Judge {
public:
  explicit Judge(const Inputs& inputs) : in_(inputs) {}

  /// What a scope is good for; nothing where it is better left.
  std::optional<Kind> kind_of(const analyze::Scope& scope) const;
  /// Whether most of its epochs begin at one place of the function, and end at one: there could the
  /// region be reset. If not, as in the main loop of an interpreter, there only happen to be times
  /// when nothing lives.
  static bool has_place(const analyze::Scope& scope);
  /// Of those that have a place, unless others cover far more, and that cover most, and hold least
  /// memory, each within some percent: the innermost, and of its sets of sites the largest. Null if
  /// none is good for anything.
  const analyze::Scope* best_of(const std::vector<analyze::Scope>& scopes) const;

private:
  const analyze::Lives& lives(std::uint32_t site) const { return in_.lifetimes.sites[site]; }
  std::uint64_t growths(const analyze::Scope& scope) const;
  bool sizes_vary(const analyze::Scope& scope) const;
  /// The same blocks again and again, each from a place of its own, until all are there: one object
  /// and what it owns.
  bool is_object(const analyze::Scope& scope, double blocks) const;

  const Inputs& in_;
};

} // namespace advise
