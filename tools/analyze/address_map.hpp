// A map from addresses, such as of live blocks: open addressing, whose gaps close at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace analyze {

template <class T>
class AddressMap {
public:
  std::size_t size() const { return size_; }

  /// The value at an address, made if there is none; valid until the next insert or erase.
  std::pair<T*, bool> insert(std::uint64_t address) {
    if (size_ * 2 >= slots_.size())
      grow();
    std::size_t i = find_slot(address);
    const bool made = !slots_[i].used;
    if (made) {
      slots_[i] = {address, true, T{}};
      ++size_;
    }
    return {&slots_[i].value, made};
  }

  /// Null if there is none.
  T* find(std::uint64_t address) {
    if (size_ == 0)
      return nullptr;
    Slot& slot = slots_[find_slot(address)];
    return slot.used ? &slot.value : nullptr;
  }

  void erase(std::uint64_t address) {
    std::size_t gap = find_slot(address);
    if (!slots_[gap].used)
      return;
    // What was displaced beyond the gap moves into it.
    for (std::size_t i = (gap + 1) & mask(); slots_[i].used; i = (i + 1) & mask()) {
      if (((i - home(slots_[i].address)) & mask()) >= ((i - gap) & mask())) {
        slots_[gap] = slots_[i];
        gap = i;
      }
    }
    slots_[gap].used = false;
    --size_;
  }

  void for_each(auto&& visit) const {
    for (const Slot& slot : slots_)
      if (slot.used)
        visit(slot.address, slot.value);
  }

private:
  struct Slot {
    std::uint64_t address = 0;
    bool used = false;
    T value{};
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t home(std::uint64_t address) const {
    return static_cast<std::size_t>((address * 0x9E3779B97F4A7C15u) >> 20) & mask();
  }
  std::size_t find_slot(std::uint64_t address) const {
    std::size_t i = home(address);
    while (slots_[i].used && slots_[i].address != address)
      i = (i + 1) & mask();
    return i;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 1024 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.used)
        slots_[find_slot(slot.address)] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

} // namespace analyze
