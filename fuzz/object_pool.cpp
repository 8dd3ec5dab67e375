#include "memory.hpp"

#include <allot/object_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace model;
using allot::Errc;

struct Failure {};

/// Counts what is alive, and knows whether it is intact.
class alignas(8) Object {
public:
  explicit Object(unsigned number) : number_(number), guards_{~number, ~number, ~number} {
    ++alive;
    if (number == lives.size())
      lives.push_back(true);
    lives[number] = true;
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() {
    check(intact(), "an object is destroyed once");
    guards_[2] = number_;
    --alive;
    lives[number_] = false;
  }
  [[nodiscard]] bool intact() const {
    return std::all_of(std::begin(guards_), std::end(guards_),
                       [this](unsigned guard) { return guard == ~number_; });
  }
  [[nodiscard]] unsigned number() const { return number_; }
  unsigned resets = 0;

  static inline std::size_t alive = 0;
  static inline std::vector<bool> lives; ///< by number

private:
  unsigned number_, guards_[3];
};

class ObjectPoolDriver {
public:
  explicit ObjectPoolDriver(Input& input) : in_(input) {}

  void run() {
    some();
    if (!in_.empty())
      run();
    release();
    check(Object::alive == 0, "all are destroyed");
  }

private:
  struct Make {
    ObjectPoolDriver* driver;
    Object operator()() const {
      if (driver->throws_)
        throw Failure();
      return Object(driver->next_++);
    }
  };
  struct Reset {
    ObjectPoolDriver* driver;
    void operator()(Object& object) const {
      check(object.intact(), "what was returned is kept");
      if (driver->throws_)
        throw Failure();
      ++object.resets;
    }
  };
  using Pool = allot::ObjectPool<Object, Make, Reset>;

  struct Known {
    Object* p;
    unsigned number, resets;
  };

  Pool make() {
    capacity_ = in_.one_in(2) ? in_.below(20) : in_.below(300);
    operation("pool", capacity_);
    total_ = 0;
    return Pool({this}, {this}, capacity_);
  }

  /// Until the end of a lease.
  void some() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(64)) {
      case 0:
        in_.one_in(4) ? release() : move();
        break;
      case 1:
        shrink();
        break;
      case 2:
        refuse_foreign();
        break;
      case 3:
        return;
      case 4:
        if (leases_ < 20)
          lease();
        break;
      case 5:
        give_back_many();
        break;
      default:
        in_.one_in(2) ? acquire() : give_back();
      }
    }
  }

  /// Puts what `call` gives among those in use.
  template <class Call>
  void acquired(Call&& call) {
    throws_ = in_.one_in(16);
    Object* p = nullptr;
    try {
      p = call();
    } catch (Failure) {
      check(throws_, "what a callable throws passes through");
    }
    check((p == nullptr) == throws_, "what a callable throws passes through");
    throws_ = false;
    if (p == nullptr)
      return;
    if (idle_.empty()) {
      check(p->number() + 1 == next_ && p->resets == 0, "a new one if none is available");
      ++total_;
      check(is_aligned(p, alignof(Object)), "aligned");
      in_use_.push_back({p, p->number(), 0});
    } else {
      Known& known = idle_.back();
      check(p == known.p, "the one that was returned last");
      check(p->intact() && p->number() == known.number && p->resets == ++known.resets, "reset");
      in_use_.push_back(known);
      idle_.pop_back();
    }
  }
  void acquire() {
    operation("acquire");
    acquired([&] { return &pool_.acquire(); });
  }
  void lease() {
    operation("lease", leases_);
    try {
      std::optional<Pool::Lease> lease;
      acquired([&] { return &*lease.emplace(pool_.lease()); });
      if (!lease)
        return;
      ++leases_;
      const Known known = in_use_.back();
      in_use_.pop_back(); // so that none but the lease gives it back
      leased_.push_back(known);
      some();
      operation("end of lease");
      check((*lease)->intact() && (*lease)->number() == known.number, "what is leased is kept");
      leased_.pop_back();
      idle_.push_back(known);
    } catch (Failure) {
      check(false, "a lease throws nothing");
    }
    --leases_;
    check(!Reports::take(), "a lease that ended in order");
  }
  void give_back() {
    if (in_use_.empty())
      return;
    const std::size_t last = in_use_.size() - 1; // in stack order half the time
    const std::size_t i = in_.one_in(2) ? last : in_.below(65536) % in_use_.size();
    operation("give_back", i);
    const Known known = std::exchange(in_use_[i], in_use_.back());
    in_use_.pop_back();
    check(known.p->intact() && known.p->number() == known.number, "what is in use is kept");
    check(pool_.owns(known.p), "owns what is in use");
    pool_.give_back(*known.p);
    check(!pool_.owns(known.p), "does not own what is available");
    if (known.number % 8 == 0)
      check(refusal([&] { pool_.give_back(*known.p); }) == Errc::double_free, "returned again");
    idle_.push_back(known);
  }
  void give_back_many() {
    for (std::size_t i = in_.below(64); i != 0; --i)
      give_back();
  }
  void refuse_foreign() {
    operation("foreign");
    alignas(Object) std::byte other[sizeof(Object)] = {};
    auto& foreign = reinterpret_cast<Object&>(other);
    check(!pool_.owns(other), "owns nothing foreign");
    check(refusal([&] { pool_.give_back(foreign); }) == Errc::foreign_pointer, "foreign");
    if (!idle_.empty()) {
      Object& idle = *idle_[in_.below(256) % idle_.size()].p;
      check(refusal([&] { pool_.give_back(idle); }) == Errc::double_free, "returned twice");
    }
    if (!leased_.empty()) {
      Object& leased = *leased_[in_.below(256) % leased_.size()].p;
      check(refusal([&] { pool_.give_back(leased); }) == Errc::busy, "on a lease");
    }
    if (!in_use_.empty()) {
      auto& inside = reinterpret_cast<Object&>(*(bytes_of(in_use_[0].p) + alignof(Object)));
      check(refusal([&] { pool_.give_back(inside); }) == Errc::misaligned_pointer, "inside");
    }
  }

  void shrink() {
    const std::size_t keep = in_.one_in(2) ? capacity_ : in_.below(64);
    operation("shrink", keep);
    const std::size_t left = std::min(idle_.size(), keep);
    const std::size_t held = pool_.stats().memory.committed;
    keep == capacity_ ? pool_.shrink() : pool_.trim(keep);
    // Which are left is the pool's choice; they stay in order.
    std::erase_if(idle_, [](const Known& known) { return !Object::lives[known.number]; });
    check(idle_.size() == left, "as many are left as are to be kept");
    check(pool_.stats().memory.committed <= held, "shrinking takes no memory");
    if (left + in_use_.size() + leased_.size() == 0)
      check(pool_.stats().memory.committed == 0, "no object, no memory");
  }
  void release() {
    operation("release", leases_);
    pool_.release();
    if (leases_ != 0) {
      check(Reports::take() == Errc::busy, "not released with a lease out");
      return;
    }
    check(Object::alive == 0, "all are destroyed");
    idle_.clear();
    in_use_.clear();
    pool_.release();
    check_released(pool_);
    pool_ = make();
  }
  void move() {
    if (leases_ != 0)
      return;
    operation("move");
    Pool other(std::move(pool_));
    check_released(pool_);
    pool_ = std::move(other);
    check_released(other);
  }
  void check_released(Pool& pool) {
    check(refusal([&] { (void)pool.acquire(); }) == Errc::released, "released");
    check(refusal([&] { pool.shrink(); }) == Errc::released, "released");
  }
  void check_state() {
    const Pool::Stats stats = pool_.stats();
    check(stats.available == idle_.size(), "available");
    check(stats.in_use == in_use_.size() + leased_.size(), "in_use");
    check(stats.total_allocated == total_, "total_allocated");
    check(stats.capacity == capacity_, "capacity");
    check(Object::alive == stats.available + stats.in_use, "destroyed are those that must be");
    if (!in_use_.empty()) {
      const Known& known = in_use_[(next_ * 7U) % in_use_.size()];
      check(known.p->intact() && known.p->number() == known.number, "objects do not overlap");
    }
  }

  Input& in_;
  Reports reports_;
  bool throws_ = false;
  unsigned next_ = 0;
  std::size_t capacity_ = 0, total_ = 0, leases_ = 0;
  std::vector<Known> idle_, in_use_, leased_; // idle: the one returned last is last
  Pool pool_ = make();
};

const Driver driver("object_pool", [](Input& input) { ObjectPoolDriver(input).run(); });

} // namespace
