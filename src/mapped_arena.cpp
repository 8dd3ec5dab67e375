#include <allot/mapped_arena.hpp>

#include <algorithm>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {
inline constexpr std::size_t accounting_step = 4096; // the page's, whatever the system's pages are

std::size_t reservation(Label who, std::size_t bytes) {
  if (bytes == 0)
    throw_misuse(who, Errc::bad_size, "a size of 0 bytes was asked for");
  return saturating_round_up(bytes, accounting_step);
}
} // namespace detail

MappedArena::MappedArena(std::size_t bytes, const MapOptions& options)
    : capacity_(detail::reservation({strategy_name, options.name}, bytes)),
      mapping_({strategy_name, options.name}, saturating_multiply(capacity_, red_zones.stretch(1)),
               options),
      name_(options.name) {
  if (options.marks > few_records)
    record_room_.grow(records(), options.marks, label(), {});
  cursor_ = Cursor(mapping_.data(), 0, red_zones, options.zero);
  annotate::open(mapping_.data(), 0);
  follow_mapping(0);
}

MappedArena& MappedArena::operator=(MappedArena&& other) noexcept {
  if (this != &other) {
    end_scopes("assigned to");
    other.end_scopes("moved");
    release();
    Rewinding::operator=(static_cast<Rewinding&&>(other)); // its own part
    cursor_ = std::move(other.cursor_);
    capacity_ = std::exchange(other.capacity_, 0);
    committed_ = std::exchange(other.committed_, 0);
    mapping_ = std::move(other.mapping_);
    record_room_ = std::move(other.record_room_);
    name_ = other.name_;
  }
  return *this;
}

MappedArena::~MappedArena() {
  end_scopes("destroyed");
  release();
}

void MappedArena::check_usable() const {
  if (freed())
    throw_released(label());
}

std::size_t MappedArena::committed() const noexcept {
  return std::max(committed_, saturating_round_up(cursor_.high(), detail::accounting_step));
}

void MappedArena::reset_peak() noexcept {
  committed_ = committed(); // which counts what was used before
  cursor_.reset_peak();
}

void MappedArena::follow_mapping(std::size_t ready_before) noexcept {
  const std::size_t ready = mapping_.ready();
  if (ready > ready_before)
    annotate::hide(mapping_.data() + ready_before, ready - ready_before);
  cursor_.set_end(mapping_.data() + std::min(ready, cursor_.gap().stretch(capacity_)));
}

bool MappedArena::make_ready(std::size_t distance) noexcept {
  const std::size_t before = mapping_.ready();
  if (!mapping_.commit(distance))
    return false;
  follow_mapping(before);
  return true;
}

bool MappedArena::has_room(std::size_t bytes, std::size_t alignment) const noexcept {
  const Gap gap = cursor_.gap();
  const std::size_t skip =
      gap.shrink(padding(reinterpret_cast<std::uintptr_t>(cursor_.head()), gap.stretch(alignment)));
  return skip < available() && fits(bytes, available() - skip);
}

void* MappedArena::try_allocate_slow(std::size_t bytes, std::size_t alignment) noexcept {
  if (freed() || !is_power_of_two(alignment))
    return nullptr;
  if (bytes == 0)
    return cursor_.nothing(alignment);
  if (!has_room(bytes, alignment))
    return nullptr;
  const Gap gap = cursor_.gap();
  const std::size_t skip =
      padding(reinterpret_cast<std::uintptr_t>(cursor_.head()), gap.stretch(alignment));
  if (!make_ready(gap.stretch(used() + round_up(bytes)) + skip))
    return nullptr;
  return cursor_.take_aligned(bytes, alignment);
}

void* MappedArena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (void* p = try_allocate_slow(bytes, alignment))
    return p;
  cursor_.check_request(label(), false, alignment);
  if (has_room(bytes, alignment))
    throw_exhausted(label(), Errc::system_refused,
                    "the system refused to commit %zu bytes, %zu of %zu committed", bytes,
                    committed(), capacity_);
  throw_full(label(), bytes, available(), capacity_);
}

// What is left, where the cursor refused: the newest allocation may grow past what is ready. No
// checkpoint is above the head then.
bool MappedArena::try_resize_slow(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const auto at = static_cast<std::byte*>(p);
  if (new_bytes <= old_bytes || !cursor_.is_newest(at, old_bytes))
    return false;
  const auto before = cursor_.gap().shrink(static_cast<std::size_t>(at - cursor_.begin()));
  return fits(new_bytes, capacity_ - before) &&
         make_ready(cursor_.gap().stretch(before + round_up(new_bytes))) &&
         cursor_.try_resize(p, old_bytes, new_bytes);
}

std::size_t MappedArena::commit(std::size_t bytes) {
  check_usable();
  const std::size_t before = committed();
  const std::size_t more = saturating_round_up(bytes, detail::accounting_step);
  if (more > capacity_ - before)
    throw_full(label(), bytes, capacity_ - before, capacity_, "bytes to commit");
  const Gap gap = cursor_.gap();
  const std::size_t ready_before = mapping_.ready();
  const bool granted = mapping_.populate(gap.stretch(before), gap.stretch(before + more));
  follow_mapping(ready_before);
  if (!granted)
    throw_exhausted(label(), Errc::system_refused,
                    "the system refused to commit %zu bytes, %zu of %zu committed", bytes, before,
                    capacity_);
  return committed_ = before + more;
}

void MappedArena::trim(std::size_t keep) {
  check_usable();
  const std::size_t kept =
      std::min(saturating_round_up(std::max(keep, used()), detail::accounting_step), capacity_);
  const std::size_t distance = saturating_round_up(cursor_.gap().stretch(kept), os::page_size());
  const std::size_t ready_before = mapping_.ready(); // which may be far ahead of committed()
  committed_ = std::min(kept, committed());
  if (distance >= ready_before)
    return;
  annotate::show(mapping_.data() + distance, ready_before - distance);
  mapping_.trim(distance);
  cursor_.set_end(mapping_.data() + distance); // what lies above is zero again
  follow_mapping(mapping_.ready());
}

void MappedArena::add_record_room() {
  record_room_.grow(records(), records().room() + 1, label(), {});
}

void MappedArena::reset() {
  check_usable();
  check_no_scope("reset");
  forget_checkpoints();
  committed_ = committed();
  cursor_.reset();
}

void MappedArena::release() noexcept {
  if (freed() || report_open_scope("released"))
    return;
  forget_checkpoints();
  annotate::close(mapping_.data(), mapping_.ready());
  cursor_ = Cursor();
  records() = Records();
  record_room_.release();
  capacity_ = committed_ = 0;
  mapping_.release();
}

} // namespace ALLOT_ABI
} // namespace allot
