// SharedObjectPool: objects that are reset, leases, and an upstream that has less than is wanted.
#include "torture.hpp"
#include "upstream.hpp"

#include <allot/threads/shared_object_pool.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>

namespace torture {

namespace {

class Objects {
public:
  explicit Objects(std::size_t most) : upstream_(most), pool_({this}, {}, 8, {&upstream_}) {}
  static std::uint32_t size(Random& random) { return 150 + random.below(51); }
  std::byte* allocate(std::uint32_t bytes) {
    try {
      if (bytes < 160) { // a lease, which ends before the object is taken
        const auto lease = pool_.lease();
        lease->take();
        write_stamps(lease->bytes.data(), {1, bytes, 0});
        read_stamps(lease->bytes.data(), 1);
      }
      return pool_.acquire().take();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  void deallocate(std::byte* p, std::uint32_t) { pool_.give_back(*reinterpret_cast<Object*>(p)); }
  void rest(std::uint64_t round) {
    expect(pool_.used() == 0 && pool_.empty(), "the pool counts objects in use that are not");
    expect(pool_.available() == made_ - destroyed_, "an object is lost");
    if (round % 3 == 1)
      pool_.trim();
    else if (round % 3 == 2)
      pool_.shrink();
  }
  void end() {
    pool_.release();
    expect(made_ == destroyed_, "an object was not destroyed, or twice");
    expect(upstream_.live == 0, "memory was not given back");
  }
  [[nodiscard]] std::size_t refused() const { return upstream_.refused; }

private:
  struct Object {
    explicit Object(Objects& of) : owner(of) { ++of.made_; }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    ~Object() { ++owner.destroyed_; }
    std::byte* take() {
      expect(ready, "an object was not reset");
      ready = false;
      return bytes.data();
    }
    std::array<std::byte, 200> bytes; // first, as it stands for the object
    bool ready = true;
    Objects& owner;
  };
  struct Make {
    Object operator()() const { return Object(*objects); }
    Objects* objects;
  };
  struct Reset {
    void operator()(Object& object) const {
      expect(!object.ready, "an object was reset twice");
      object.ready = true;
    }
  };

  Upstream upstream_;
  std::atomic<std::size_t> made_ = 0;
  std::atomic<std::size_t> destroyed_ = 0;
  allot::SharedObjectPool<Object, Make, Reset> pool_;
};

} // namespace

std::uint64_t object_pool(std::uint64_t operations) {
  Objects ample(SIZE_MAX / 2);
  Objects scarce(300'000);
  const std::uint64_t done = use(ample, 128, operations / 2) + use(scarce, 128, operations / 2);
  ample.end();
  scarce.end();
  expect(scarce.refused() != 0 || operations < many_operations,
         "the bounded upstream was never used up");
  return done;
}

} // namespace torture
