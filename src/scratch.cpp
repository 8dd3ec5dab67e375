#include <allot/scratch.hpp>

namespace allot {
inline namespace ALLOT_ABI {

Scratch& Scratch::operator=(Scratch&& other) noexcept {
  if (this != &other && !arena_.objects_.report_running(strategy_name, "assigned to") &&
      !other.arena_.objects_.report_running(strategy_name, "moved")) {
    end_scopes("assigned to");
    release();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    arena_ = std::move(other.arena_);
  }
  return *this;
}

Scratch::~Scratch() {
  end_scopes("destroyed");
  release();
}

void Scratch::reset() {
  check_usable();
  check_no_scope("reset");
  forget_checkpoints();
  arena_.reset();
}

void Scratch::release() noexcept {
  if (report_open_scope("released"))
    return;
  arena_.release();
  if (arena_.freed()) // not from one of its own destructors
    forget_checkpoints();
}

} // namespace ALLOT_ABI
} // namespace allot
