// SharedPools: pools of blocks, one a size class, that many threads use at once: what
// pmr::synchronized_pool_resource and SharedMultipool are made of. Not for use on its own.
//
//   thread          loaded [ block block block ... ]   previous [ ... ]        a class
//                      ^ full ones                v empty ones, or the other way
//   depot, locked   full [ ... ] [ ... ] [ ... ]       empty [ ] [ ]
//                      ^ blocks where there is no full one
//   pools, locked   chunks from upstream, see pmr/pools.hpp
//
// A thread takes from its magazines and gives to them without the mutex, inside the lock of its
// part (OwnerLock). Each time that it has to meet the others it moves a sixteenth more blocks, one
// at first, 64 at last: so a thread that has little idles little, and one that has much meets the
// others once in 64 blocks. Magazines have room for 4, 16 or 64, and come as they are needed.
//
// Where upstream refuses, what lies in the depot and in the magazines of all threads, whose locks
// are closed meanwhile, goes back to the pools, where any class may use it.
//
// Where threads cannot be fenced (OwnerLock), all is done with the mutex held, without magazines.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/pools.hpp>
#include <allot/threads/magazines.hpp>
#include <allot/threads/slab_chunks.hpp>
#include <allot/threads/thread_parts.hpp>

#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <mutex>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// A thread's part: the lock of its shelves, which come next in memory.
struct PoolPart : ThreadPart {
  using ThreadPart::ThreadPart;
  [[nodiscard]] Shelf& shelf(std::size_t size_class) noexcept {
    return reinterpret_cast<Shelf*>(reinterpret_cast<std::byte*>(this) + sizeof(Shelf))[size_class];
  }
};
static_assert(sizeof(PoolPart) <= sizeof(Shelf));

/// Marks blocks in use whose size is not asked for when they are given back, and those that were
/// shrunk in place to a size of a smaller class.
inline constexpr BlockFlag marked_in_use = 0x8001;
inline constexpr BlockFlag marked_loose = 0x8002;

class SharedPools : public Shared {
public:
  using Block = Pools::Block;
  static constexpr std::size_t any_class = max_size;

  /// Misuse, naming `owner`: a null upstream.
  SharedPools(const std::pmr::pool_options& options, pmr::ChunkOptions chunks,
              std::pmr::memory_resource* upstream, const char* owner);
  /// Of blocks up to `largest` bytes in chunks of whole slabs.
  SharedPools(SlabChunks& slabs, std::size_t largest, const char* owner);
  SharedPools(const SharedPools&) = delete;
  SharedPools& operator=(const SharedPools&) = delete;
  ~SharedPools() { release(); }

  /// What upstream throws passes through; it is asked for what nobody has too. Misuse: an alignment
  /// that is no power of two.
  /// Exhausted: upstream gave null, misaligned memory or more than there can be.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) {
    return take<&SharedPools::allocate_marked>(*this, bytes, alignment, flag_of(bytes));
  }
  /// A block marked with `flag`, or what `owner.*slow(bytes, alignment)` gives where none is at
  /// hand.
  template <auto slow, class Owner>
  [[nodiscard, gnu::always_inline]] inline void* take(Owner& owner, std::size_t bytes,
                                                      std::size_t alignment, BlockFlag flag) {
    const std::size_t last = last_of(bytes, alignment);
    PoolPart* const mine = my_part();
    if (mine == nullptr || !pooled(last, alignment)) [[unlikely]]
      return (owner.*slow)(bytes, alignment);
    Shelf& shelf = mine->shelf(class_of(last));
    if (!mine->lock.enter()) [[unlikely]]
      return (owner.*slow)(bytes, alignment);
    if (shelf.loaded->count == 0) [[unlikely]] {
      mine->lock.leave();
      return (owner.*slow)(bytes, alignment);
    }
    const Block block = shelf.loaded->pop();
    mine->lock.leave();
    return Pools::hand_out(shelf.stride, block, bytes, flag);
  }
  /// What is not at hand. Null: chunks of slabs are used up, or the request is too large for them.
  [[nodiscard, gnu::cold]] void* allocate_slow(std::size_t bytes, std::size_t alignment,
                                               BlockFlag flag);
  /// Tells the misuse handler, and changes nothing, if that is no block in use, or of another size.
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t last = last_of(bytes, alignment);
    PoolPart* const mine = my_part();
    if (mine == nullptr || !pooled(last, alignment)) [[unlikely]]
      return deallocate_slow(p, bytes, alignment);
    Shelf& shelf = mine->shelf(class_of(last));
    if (!mine->lock.enter()) [[unlikely]]
      return deallocate_slow(p, bytes, alignment);
    PoolChunk& chunk = *shelf.recent;
    const std::size_t index = shelf.index_in(chunk, p);
    if (index >= chunk.count || chunk.live()[index] != flag_of(bytes)) [[unlikely]]
      return deallocate_elsewhere(*mine, p, bytes, alignment);
    chunk.live()[index] = 0;
    annotate::freed(&chunk, p, bytes);
    Magazine& magazine = *shelf.loaded;
    if (magazine.count == magazine.capacity) [[unlikely]]
      return put_slow(*mine, class_of(last), {&chunk, index});
    magazine.push({&chunk, index});
    mine->lock.leave();
  }

  /// Frees the block at `p` that is marked as in use, of one class or of any, where chunks are
  /// found by address. False, and nothing changed: it takes longer to find, or there is none.
  [[nodiscard]] bool give_back(const SlabChunks& slabs, void* p, std::size_t size_class) noexcept {
    PoolPart* const mine = my_part();
    if (mine == nullptr || !mine->lock.enter()) [[unlikely]]
      return false;
    PoolChunk* const chunk = slabs.chunk_at(p);
    if (chunk == nullptr || (size_class != any_class && size_class != chunk->size_class))
        [[unlikely]]
      return mine->lock.leave(), false;
    Shelf& shelf = mine->shelf(chunk->size_class);
    const std::size_t index = shelf.index_in(*chunk, p);
    if (index >= chunk->count || chunk->live()[index] != marked_in_use) [[unlikely]]
      return mine->lock.leave(), false;
    chunk->live()[index] = 0;
    if (slabs.zero())
      wipe(p, red_zones.shrink(shelf.stride));
    annotate::freed(chunk, p, red_zones.shrink(shelf.stride));
    Magazine& magazine = *shelf.loaded;
    if (magazine.count == magazine.capacity) [[unlikely]]
      return put_slow(*mine, chunk->size_class, {chunk, index}), true;
    magazine.push({chunk, index});
    mine->lock.leave();
    return true;
  }
  /// The bytes of the block at `p` that is marked as in use, found so; 0: as above.
  [[nodiscard]] std::size_t usable_size(const SlabChunks& slabs, const void* p) const noexcept {
    PoolPart* const mine = my_part();
    if (mine == nullptr || !mine->lock.enter()) [[unlikely]]
      return 0;
    std::size_t bytes = 0;
    if (PoolChunk* const chunk = slabs.chunk_at(p)) {
      const Shelf& shelf = mine->shelf(chunk->size_class);
      const std::size_t index = shelf.index_in(*chunk, p);
      if (index < chunk->count && chunk->live()[index] == marked_in_use)
        bytes = red_zones.shrink(shelf.stride);
    }
    mine->lock.leave();
    return bytes;
  }
  /// Frees a block that `pools` found in use. With the mutex held.
  void give_back(Block block, bool zero) noexcept;
  static void wipe(void* p, std::size_t bytes) noexcept {
    annotate::show(p, bytes);
    std::memset(p, 0, bytes);
  }

  /// Gives everything back to upstream, what is in use too, or, of chunks of slabs, forgets it. No
  /// other thread may be inside.
  void release() noexcept;
  /// Frees all blocks, and zeroes those in use if `zero`. No other thread may be inside.
  void reset(bool zero) noexcept;
  /// Whether another thread is seen to be inside.
  [[nodiscard]] bool is_busy() const noexcept;
  /// Free blocks of one class, or bytes of all, that lie in magazines. With the mutex held.
  [[nodiscard]] std::size_t idle(std::size_t size_class) noexcept;
  [[nodiscard]] Pools& pools() noexcept { return pools_; }
  /// Gives chunks in which nothing is in use back to upstream, as long as it holds `keep` bytes
  /// then. Other threads may go on.
  void trim(std::size_t keep) noexcept;
  /// Whether upstream has all but bookkeeping.
  [[nodiscard]] bool is_empty() const noexcept {
    const std::lock_guard lock(mutex);
    return pools_.is_empty();
  }

  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return pools_.upstream(); }
  [[nodiscard]] std::pmr::pool_options options() const noexcept { return pools_.options(); }
  [[nodiscard]] std::size_t classes() const noexcept { return pools_.classes(); }
  /// As those of Pools, with the mutex held.
  [[nodiscard]] Stats stats() const noexcept {
    const std::lock_guard lock(mutex);
    return pools_.stats();
  }
  [[nodiscard]] ClassStats class_stats(std::size_t index) const {
    const std::lock_guard lock(mutex);
    return pools_.class_stats(index);
  }
  void reset_peak() noexcept {
    const std::lock_guard lock(mutex);
    pools_.reset_peak();
  }

private:
  [[nodiscard]] bool pooled(std::size_t last, std::size_t alignment) const noexcept {
    return last < limit_ && (alignment & (alignment - 1)) == 0;
  }
  [[nodiscard]] PoolPart* my_part() const noexcept { return static_cast<PoolPart*>(part()); }
  [[nodiscard]] PoolPart* find_my_part() const noexcept {
    PoolPart* const mine = my_part();
    return mine != nullptr ? mine : static_cast<PoolPart*>(find_part());
  }
  [[nodiscard]] Pool& pool_of(std::size_t size_class) const noexcept {
    return pools_.pool(class_size(size_class) - 1);
  }

  [[nodiscard, gnu::cold]] void* allocate_marked(std::size_t bytes, std::size_t alignment) {
    return allocate_slow(bytes, alignment, flag_of(larger(bytes, 1)));
  }
  [[gnu::cold]] void deallocate_slow(void* p, std::size_t bytes, std::size_t alignment) noexcept;
  // These two are called inside the part's lock, and leave it.
  void deallocate_elsewhere(PoolPart& mine, void* p, std::size_t bytes,
                            std::size_t alignment) noexcept;
  [[gnu::cold]] void put_slow(PoolPart& mine, std::size_t size_class, Block block) noexcept;

  // With the mutex held, where a thread needs no lock of its part:
  [[nodiscard]] Block take_any(PoolPart* mine, std::size_t size_class) noexcept;
  [[nodiscard]] Block fetch(PoolPart& mine, std::size_t size_class) noexcept;
  [[nodiscard]] Block block_of(PoolPart* mine, Pool& pool) noexcept;
  void put(PoolPart& mine, std::size_t size_class, Block block) noexcept;
  void exchange(Shelf& shelf, std::size_t size_class) noexcept;

  void take_back(PoolPart* mine, Block block) noexcept;
  [[nodiscard]] PoolPart* attach();
  [[nodiscard]] PoolPart* attach_idle() noexcept;
  void add_part();
  void flush(PoolPart& part) noexcept;
  void collect() noexcept {
    Shared::collect([this](ThreadPart& part) { flush(static_cast<PoolPart&>(part)); });
  }

  [[nodiscard]] std::uint32_t ramp_up(Shelf& shelf, std::size_t size_class) noexcept;
  void make_magazines(Shelf& shelf, std::size_t size_class, std::uint32_t blocks) noexcept;
  [[nodiscard]] Magazine* new_magazine(std::size_t level) noexcept;
  void store(Magazine* magazine, std::size_t size_class) noexcept;
  void empty_depot() noexcept;
  void empty(PoolPart& part) noexcept;
  [[nodiscard]] bool empty_others() noexcept;
  void make_room(Shelf& shelf, const Pool& pool) noexcept;
  void update(Shelf& shelf, const Pool& pool) noexcept;

  Pools pools_;
  Magazine** full_ = nullptr; // a list a class: those with blocks
  Magazine* empty_[Magazine::levels] = {};
  std::size_t threads_ = 0; // that have parts
  bool on_slabs_ = false;
  alignas(64) std::size_t limit_; // largest_required_pool_block
};

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
