// ObjectPoolCore: what of an ObjectPool does not depend on the objects' type: chunks of slots,
// which of them are in use, and all that is refused. ObjectPool's. Not for use on its own.
//
//   chunk:      | header | slot | slot | slot | ... | slots that are fresh | places |
//   returned_:  | vacant ... | available ... <- the one returned last | taken ... |
//
// Which states an object can be in, and what finds it then, is the table in returned_stack.hpp.
// Only the newest chunk has fresh slots; a vacant slot is only taken when no object is available.
// There is room in `returned_` for every slot since it was first used, so that nothing is refused
// when an object comes back.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/annotate.hpp>
#include <allot/base/size.hpp>
#include <allot/buffer.hpp>
#include <allot/detail/returned_stack.hpp>
#include <allot/stats.hpp>
#include <allot/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace allot {
inline namespace ALLOT_ABI {

struct ObjectPoolOptions {
  /// Where the memory for objects comes from; null is the heap. It must outlive the pool and not
  /// use it.
  UpstreamRef upstream = {};
  const char* name = nullptr; ///< stands in messages and statistics; the caller keeps it alive
};

/// What the core must know of a type.
struct ObjectKind {
  template <class T>
  [[nodiscard]] static constexpr ObjectKind of() noexcept {
    constexpr std::size_t stride = red_zones.stretch(round_up(sizeof(T)));
    ObjectKind kind{sizeof(T), larger(alignof(T), buffer_alignment), stride, ExactDivisor(stride),
                    nullptr};
    if constexpr (!std::is_trivially_destructible_v<T>)
      kind.destroy = [](void* object) noexcept { std::launder(static_cast<T*>(object))->~T(); };
    return kind;
  }
  std::size_t size;
  std::size_t alignment; // of chunks
  std::size_t stride;    // from one slot to the next
  ExactDivisor by_stride;
  void (*destroy)(void* object) noexcept; // null: nothing is to be done
};

class ObjectPoolCore {
public:
  ObjectPoolCore(const ObjectPoolCore&) = delete;
  ObjectPoolCore& operator=(const ObjectPoolCore&) = delete;

  void shrink() { trim(capacity_); }
  void trim(std::size_t keep = 0);
  void release() noexcept;

  [[nodiscard]] ObjectPoolStats stats() const noexcept {
    const std::size_t bytes = red_zones.shrink(kind_->stride);
    return {available(),
            used(),
            made_,
            capacity_,
            {name(), objects_ * bytes, used() * bytes, available() * bytes, peak() * bytes, held_}};
  }
  [[nodiscard]] bool freed() const noexcept { return next_count_ == 0; }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t used() const noexcept { return objects_ - available(); }
  [[nodiscard]] std::size_t available() const noexcept { return returned_.available(); }
  [[nodiscard]] std::size_t peak() const noexcept { return larger(peak_, used()); }
  void reset_peak() noexcept { peak_ = used(); }
  [[nodiscard]] const char* name() const noexcept { return label().text(); }
  [[nodiscard]] Label label() const noexcept { return {"object_pool", options_.name}; }
  [[nodiscard]] bool owns(const void* p) const noexcept;

  static constexpr std::size_t least_count = 16; // slots of the first chunk
  [[nodiscard]] static std::size_t first_count(std::size_t capacity) noexcept;

protected:
  using Place = ReturnedStack::Place;
  using State = ReturnedStack::State;

  /// As if released.
  explicit ObjectPoolCore(const ObjectKind& kind) noexcept : kind_(&kind) {}
  ObjectPoolCore(const ObjectKind& kind, std::size_t capacity,
                 const ObjectPoolOptions& options) noexcept
      : kind_(&kind), capacity_(capacity), next_count_(first_count(capacity)), options_(options) {}
  ~ObjectPoolCore() = default; // released

  // Around a callable: the pool is closed.
  class Closed {
  public:
    explicit Closed(ObjectPoolCore& pool) noexcept : pool_(pool), end_(pool.returned_.close()) {}
    Closed(const Closed&) = delete;
    ~Closed() { pool_.returned_.open(end_); }

  private:
    ObjectPoolCore& pool_;
    ReturnedStack::Entry* end_;
  };
  // Around one that makes or resets an object, which is hidden again if it throws.
  class Call : Closed {
  public:
    Call(ObjectPoolCore& pool, void* object) noexcept
        : Closed(pool), object_(object), bytes_(pool.kind_->size) {
      annotate::show(object_, bytes_);
    }
    ~Call() {
      if (!done)
        annotate::hide(object_, bytes_);
    }
    bool done = false;

  private:
    void* object_;
    std::size_t bytes_;
  };

  /// Where the next object is to be made, if none is available, and that it was.
  [[nodiscard]] void* slot_to_make();
  void add_made(void* slot) noexcept;
  /// Any object, or refuses it. In the class, where `noinline` keeps it out of hot paths always.
  [[gnu::noinline]] void give_back_elsewhere(void* object) {
    Place* const place = place_of(object);
    if (place == nullptr || returned_.closed() || returned_.state(object, *place) != State::taken)
      refuse(object);
    returned_.put_back(object, place);
    annotate::hide(object, kind_->size);
  }
  void end_lease(void* object, Place* place) noexcept {
    if (returned_.put_back_newest_lent(object, place)) {
      annotate::hide(object, kind_->size);
      --leases_;
    } else {
      end_lease_elsewhere(object, place);
    }
  }
  /// Calls `visit(context, object)` for each object in use.
  void visit_used(void (*visit)(void* context, void* object), void* context);

  /// Whether a callable runs, which is reported then.
  [[nodiscard]] bool called_back(const char* done) const noexcept {
    if (!returned_.closed()) [[likely]]
      return false;
    report_misuse(label(), Errc::busy, "%s with %zu leases out, by one of its callables", done,
                  leases_);
    return true;
  }
  /// If leases are out, that is reported, and they are forgotten.
  void end_leases(const char* done) noexcept {
    if (leased_out(done))
      leases_ = 0;
  }
  /// Takes what `other` has, which is released then. Only if this is.
  void take_over(ObjectPoolCore& other) noexcept;

  ReturnedStack returned_; // closed while a callable runs
  std::size_t leases_ = 0;

private:
  friend struct Sketch;
  struct Chunk {
    Buffer buffer;
    Chunk* older;
    std::byte* begin;
    std::size_t count;
    Place* places;
    std::size_t fresh; // slots from here on never held an object
    bool leaves;       // its memory goes back, once its objects are destroyed

    [[nodiscard]] std::size_t offset(const void* p) const noexcept {
      return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin);
    }
  };
  [[nodiscard]] void* address(const Chunk& chunk, std::size_t index) const noexcept;
  [[nodiscard]] State state(const Chunk& chunk, std::size_t index) const noexcept;
  [[nodiscard]] bool is_in_use(const Chunk& chunk, std::size_t index) const noexcept;
  [[nodiscard]] Chunk* chunk_of(const void* p) const noexcept;
  // Of the object that starts at `p`, or null.
  [[nodiscard]] Place* place_of(const void* p) const noexcept {
    for (const Chunk* chunk = newest_; chunk != nullptr; chunk = chunk->older) {
      const std::size_t index = kind_->by_stride.quotient(chunk->offset(p));
      if (index < chunk->fresh)
        return chunk->places + index;
    }
    return nullptr;
  }
  [[nodiscard]] Buffer buffer_for(std::size_t count) const;
  void add_chunk();
  void destroy(void* object) const noexcept;
  void mark_leaving(std::size_t excess) noexcept;
  void free_leaving() noexcept;
  Chunk* free_chunk(Chunk& chunk) noexcept;
  void end_lease_elsewhere(void* object, Place* place) noexcept;
  [[nodiscard]] bool leased_out(const char* done) const noexcept {
    if (leases_ == 0) [[likely]]
      return false;
    report_misuse(label(), Errc::busy, "%s with %zu leases out", done, leases_);
    return true;
  }
  void check_usable() const;
  [[noreturn, gnu::cold]] void refuse(const void* object) const;

  const ObjectKind* kind_;
  Chunk* newest_ = nullptr;
  std::size_t objects_ = 0;
  std::size_t peak_ = 0; // of those in use, when an object was made
  std::size_t made_ = 0;
  std::size_t held_ = 0; // bytes of all chunks
  std::size_t capacity_ = 0;
  std::size_t next_count_ = 0; // slots of the next chunk; 0 when released
  ObjectPoolOptions options_;
};

} // namespace ALLOT_ABI
} // namespace allot

#endif
