// Upstream: a resource that counts what is out, refuses more than `most` bytes, and tells if two
// threads are in it at once.
#pragma once

#include "torture.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>

namespace torture {

class Upstream : public std::pmr::memory_resource {
public:
  explicit Upstream(std::size_t most = SIZE_MAX / 2) : most_(most) {}
  std::size_t live = 0;
  std::size_t refused = 0;

private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    enter();
    const bool fits = bytes <= most_ - held_;
    ++(fits ? live : refused);
    held_ += fits ? bytes : 0;
    void* const p = fits ? std::pmr::new_delete_resource()->allocate(bytes, alignment) : nullptr;
    inside_.store(false, std::memory_order_release);
    return fits ? p : throw std::bad_alloc();
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    enter();
    --live;
    held_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
    inside_.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  // Relaxed, so that the order between calls must come from who calls.
  void enter() {
    expect(!inside_.exchange(true, std::memory_order_relaxed), "two threads are in the upstream");
  }
  std::atomic<bool> inside_ = false;
  std::size_t most_;
  std::size_t held_ = 0;
};

} // namespace torture
