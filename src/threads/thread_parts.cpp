#include <allot/threads/thread_parts.hpp>

#include <allot/base/size.hpp>

#include <algorithm>
#include <atomic>
#include <bit>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

constinit thread_local RecentParts recent_parts = {};

void remember(std::uint64_t serial, ThreadPart* part) noexcept {
  recent_parts.serials[serial % RecentParts::count] = serial;
  recent_parts.parts[serial % RecentParts::count] = part;
}

struct PartSlot {
  std::uint64_t serial;
  ThreadPart* part;
};
/// All parts of this thread, in a table of a power of two of slots.
struct PartTable {
  PartSlot* slots;
  std::size_t length;

  [[nodiscard]] PartSlot& home_of(std::uint64_t serial) const noexcept {
    return slots[serial & (length - 1)];
  }
  [[nodiscard]] PartSlot& after(const PartSlot& slot) const noexcept {
    return slots[static_cast<std::size_t>(&slot - slots + 1) & (length - 1)];
  }
};
constinit PartSlot no_part[1] = {}; // no thing has the serial 0
constinit thread_local PartTable part_table = {no_part, 1};

inline constexpr std::size_t first_slots = 16;
constinit thread_local PartSlot first_table[first_slots] = {};

/// What a thread has of all shared things.
struct Thread {
  Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread();

  void insert(ThreadPart& part) noexcept;
  [[nodiscard]] ThreadPart* search_lost(std::uint64_t serial) const noexcept;
  void leave_all() noexcept;

  ThreadPart* parts = nullptr;
  std::size_t inserted = 0; // into the table, those included whose things are gone

private:
  void put_into_table(ThreadPart& part) noexcept;
  void rebuild(std::size_t slots) noexcept;
  void give_table_back() noexcept;
};
thread_local Thread this_thread;
// Other destructors may come after this_thread's, and ask. Of trivial type, so that it stays.
constinit thread_local bool thread_ended = false;
constinit thread_local bool parts_lost = false; // some are not in the table

/// Never destroyed, since threads may end, and shared things be used, after static objects are
/// gone.
struct Registry {
  std::mutex list;  // of all shared things
  std::mutex parts; // of all threads, by thread
  Shared* newest = nullptr;
};

[[nodiscard]] Registry& registry() noexcept {
  union Kept {
    Kept() noexcept : registry() {}
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    ~Kept() {} // NOLINT(modernize-use-equals-default): not every mutex is trivially destroyed
    Registry registry;
  };
  static Kept kept;
  return kept.registry;
}

void unlink(ThreadPart& part) noexcept {
  *part.link_of_thread = part.next_of_thread;
  if (part.next_of_thread != nullptr)
    part.next_of_thread->link_of_thread = part.link_of_thread;
  part.thread = nullptr;
}

/// What happens around fork.
struct Fork {
  static void before() noexcept {
    registry().list.lock();
    for (Shared* shared = registry().newest; shared != nullptr; shared = shared->older_) {
      shared->mutex.lock();
      for (ThreadPart* part = shared->parts_; part != nullptr; part = part->next_of_shared)
        (void)part->lock.shut();
    }
    registry().parts.lock();
    (void)Atomics::fence_threads(); // where it fails, another thread may be halfway in the child
    for (Shared* shared = registry().newest; shared != nullptr; shared = shared->older_)
      for (ThreadPart* part = shared->parts_; part != nullptr; part = part->next_of_shared)
        part->lock.wait();
  }
  static void after() noexcept {
    registry().parts.unlock();
    for (Shared* shared = registry().newest; shared != nullptr; shared = shared->older_) {
      shared->open_parts();
      shared->mutex.unlock();
    }
    registry().list.unlock();
  }
  // The only thread that is left keeps its parts. Another may have been about to see that its part
  // is closed, and says so no more.
  static void in_child() noexcept {
    for (Shared* shared = registry().newest; shared != nullptr; shared = shared->older_)
      for (ThreadPart* part = shared->parts_; part != nullptr; part = part->next_of_shared)
        if (part->thread != nullptr && part->thread != &this_thread) {
          part->thread = nullptr;
          part->lock.leave();
          shared->left_.push(*part);
        }
    after();
  }
};

Thread::~Thread() {
  thread_ended = true; // but for what other destructors do
  recent_parts = {};
  const std::lock_guard lock(registry().parts);
  leave_all();
  give_table_back();
}

void Thread::leave_all() noexcept {
  while (parts != nullptr) {
    ThreadPart& part = *parts;
    unlink(part);
    part.shared.left_.push(part);
  }
}

void Thread::give_table_back() noexcept {
  if (part_table.length > first_slots)
    os::release(reinterpret_cast<std::byte*>(part_table.slots),
                part_table.length * sizeof(PartSlot));
  part_table = {no_part, 1};
  inserted = 0;
}

// With the registry locked. At most half of the slots are used, so that a search soon ends.
void Thread::insert(ThreadPart& part) noexcept {
  part.thread = this;
  part.next_of_thread = parts;
  part.link_of_thread = &parts;
  if (parts != nullptr)
    parts->link_of_thread = &part.next_of_thread;
  parts = &part;
  if (2 * (inserted + 1) <= part_table.length)
    return put_into_table(part);
  std::size_t live = 0;
  for (const ThreadPart* each = parts; each != nullptr; each = each->next_of_thread)
    ++live;
  rebuild(std::max(first_slots, std::bit_ceil(4 * live)));
}

void Thread::put_into_table(ThreadPart& part) noexcept {
  const PartTable table = part_table;
  PartSlot* slot = &table.home_of(part.shared.serial_);
  while (slot->serial != 0)
    slot = &table.after(*slot);
  *slot = {part.shared.serial_, &part};
  ++inserted;
}

// Things that are gone are forgotten.
void Thread::rebuild(std::size_t slots) noexcept {
  std::byte* memory = nullptr;
  if (slots > first_slots) {
    slots = std::max(slots, os::page_size() / sizeof(PartSlot));
    const std::size_t bytes = slots * sizeof(PartSlot);
    memory = slots == part_table.length ? nullptr : os::reserve(bytes, os::Access::none);
    if (memory != nullptr && !os::commit(memory, bytes))
      os::release(std::exchange(memory, nullptr), bytes);
  }
  if (memory != nullptr || slots == first_slots) {
    give_table_back();
    part_table = {memory == nullptr ? first_table : reinterpret_cast<PartSlot*>(memory), slots};
  }
  if (part_table.slots != no_part)
    std::fill_n(part_table.slots, part_table.length, PartSlot{});
  inserted = 0;
  parts_lost = false;
  for (ThreadPart* part = parts; part != nullptr; part = part->next_of_thread) {
    if (2 * (inserted + 1) <= part_table.length)
      put_into_table(*part);
    else
      parts_lost = true; // there is no memory for a longer table
  }
}

[[nodiscard]] ThreadPart* search_table(std::uint64_t serial) noexcept {
  const PartTable table = part_table;
  for (const PartSlot* slot = &table.home_of(serial); slot->serial != 0; slot = &table.after(*slot))
    if (slot->serial == serial)
      return slot->part;
  return nullptr;
}

ThreadPart* Thread::search_lost(std::uint64_t serial) const noexcept {
  const std::lock_guard lock(registry().parts);
  for (ThreadPart* part = parts; part != nullptr; part = part->next_of_thread)
    if (part->shared.serial_ == serial)
      return part;
  return nullptr;
}

constinit std::atomic<std::uint64_t> last_serial = 0;

[[nodiscard]] std::uint64_t next_serial() noexcept {
  return last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
}

Shared::Shared() : serial_(next_serial()) {
  static const bool told = os::at_fork(Fork::before, Fork::after, Fork::in_child);
  (void)told;
  const std::lock_guard lock(registry().list);
  older_ = std::exchange(registry().newest, this);
  if (older_ != nullptr)
    older_->newer_ = this;
}

Shared::~Shared() {
  const std::lock_guard lock(registry().list);
  (newer_ != nullptr ? newer_->older_ : registry().newest) = older_;
  if (older_ != nullptr)
    older_->newer_ = newer_;
}

ThreadPart* Shared::find_part() const noexcept {
  ThreadPart* part = search_table(serial_);
  if (part == nullptr && parts_lost && !thread_ended)
    part = this_thread.search_lost(serial_);
  if (part != nullptr)
    remember(serial_, part);
  return part;
}

bool Shared::thread_has_parts() noexcept {
  return !thread_ended;
}

void Shared::add(ThreadPart& part) noexcept {
  part.next_of_shared = std::exchange(parts_, &part);
  make_idle(part);
}

ThreadPart* Shared::take_idle() noexcept {
  ThreadPart* const part = idle_;
  if (part != nullptr)
    idle_ = part->next_left;
  return part;
}

void Shared::attach(ThreadPart& part) noexcept {
  const std::lock_guard lock(registry().parts);
  this_thread.insert(part);
  remember(serial_, &part);
}

bool Shared::close_parts() noexcept {
  for (ThreadPart* part = parts_; part != nullptr; part = part->next_of_shared)
    (void)part->lock.shut();
  if (os::can_fence_threads() && !Atomics::fence_threads()) {
    open_parts();
    return false;
  }
  for (const ThreadPart* part = parts_; part != nullptr; part = part->next_of_shared)
    part->lock.wait();
  return true;
}

void Shared::open_parts() noexcept {
  for (ThreadPart* part = parts_; part != nullptr && os::can_fence_threads();
       part = part->next_of_shared)
    part->lock.open();
}

void Shared::forget_parts() noexcept {
  {
    const std::lock_guard lock(registry().parts);
    for (ThreadPart* part = parts_; part != nullptr; part = part->next_of_shared)
      if (part->thread != nullptr)
        unlink(*part);
  }
  const std::lock_guard lock(mutex);
  serial_ = next_serial();
  (void)left_.take_all();
  parts_ = idle_ = nullptr;
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
