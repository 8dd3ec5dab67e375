#include <allot/scratch.hpp>

namespace allot::inline ALLOT_ABI {

ALLOT_INLINE Scratch& Scratch::operator=(Scratch&& other) noexcept {
  if (this != &other) {
    release();
    Rewinding::operator=(std::move(other));
    arena_ = std::move(other.arena_);
  }
  return *this;
}

ALLOT_INLINE Scratch::~Scratch() {
  if (open_scopes() != 0)
    report_misuse(strategy_name, Errc::busy, "destroyed with %zu scopes open", open_scopes());
}

ALLOT_INLINE void Scratch::reset() {
  check_usable();
  if (open_scopes() != 0)
    throw_misuse(strategy_name, Errc::busy, "reset with %zu scopes open", open_scopes());
  forget_checkpoints();
  arena_.reset();
}

ALLOT_INLINE void Scratch::release() noexcept {
  if (open_scopes() != 0) {
    report_misuse(strategy_name, Errc::busy, "released with %zu scopes open", open_scopes());
    return;
  }
  forget_checkpoints();
  arena_.release();
}

} // namespace allot::inline ALLOT_ABI
