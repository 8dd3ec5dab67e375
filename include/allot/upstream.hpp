// UpstreamRef: where a strategy's memory comes from and goes back to, if not from the heap or the
// system: a std::pmr resource, another strategy, or whatever else has these two functions:
//
//   void* allocate(std::size_t bytes, std::size_t alignment);
//   void deallocate(void* p, std::size_t bytes, std::size_t alignment);
//
// It is two words, made from a pointer: `.upstream = &resource`. The resource must outlive the
// strategy, and must not use it.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>

#include <cstddef>

namespace allot {
inline namespace ALLOT_ABI {

/// What can stand behind an UpstreamRef.
template <class R>
concept UpstreamResource = requires(R& resource, void* p, std::size_t bytes) {
  static_cast<void*>(resource.allocate(bytes, bytes));
  resource.deallocate(p, bytes, bytes);
};

class UpstreamRef {
public:
  UpstreamRef() = default; ///< none
  UpstreamRef(std::nullptr_t) noexcept {}
  /// Null is none.
  template <UpstreamResource R>
  UpstreamRef(R* resource) noexcept : resource_(resource), calls_(&calls_of<R>) {}

  /// Whether both are the same resource, or none.
  bool operator==(const UpstreamRef& other) const noexcept { return resource_ == other.resource_; }
  [[nodiscard]] explicit operator bool() const noexcept { return resource_ != nullptr; }

  /// `bytes` aligned to `alignment`. What the resource throws passes through. Misuse: there is
  /// none. Exhausted: it gave null or a misaligned address (which it gets back), or the request is
  /// larger than any can be. `owner` is named in errors.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment, Label owner) const;
  /// The same, for who throws nothing of its own: what is larger than any can be is asked for too,
  /// as SIZE_MAX bytes aligned to the highest power of two where the next multiple of `alignment`
  /// is no std::size_t. Instrumented builds refuse at once: their heap would end the process.
  [[nodiscard]] void* ask(std::size_t bytes, std::size_t alignment, Label owner) const;
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) const {
    calls_->deallocate(resource_, p, bytes, alignment);
  }
  /// Misuse: there is none.
  void check(Label owner) const;

private:
  struct Calls {
    void* (*allocate)(void* resource, std::size_t bytes, std::size_t alignment);
    void (*deallocate)(void* resource, void* p, std::size_t bytes, std::size_t alignment);
  };

  // What the standard's declaration promises of a resource is checked all the same: volatile keeps
  // the compiler from believing it, the attribute keeps UBSan from reporting it first.
  template <class R>
  __attribute__((no_sanitize("alignment"))) static void* ask(void* resource, std::size_t bytes,
                                                             std::size_t alignment) {
    void* volatile given = static_cast<R*>(resource)->allocate(bytes, alignment);
    return given;
  }
  template <class R>
  static void give(void* resource, void* p, std::size_t bytes, std::size_t alignment) {
    static_cast<R*>(resource)->deallocate(p, bytes, alignment);
  }
  template <class R>
  static constexpr Calls calls_of{&ask<R>, &give<R>};

  void* resource_ = nullptr;
  const Calls* calls_ = nullptr;
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
