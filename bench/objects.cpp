// Objects that are recycled: got, used, reset, returned.
#include "cells.hpp"
#include "ours.hpp"
#include "peers.hpp"

#include <allot/object_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#ifdef ALLOT_BENCH_BOOST
#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool.hpp>
#endif

namespace bench {

namespace objects {

// Made or reset, it takes one store to be as good as new, so that what is measured is the pool.
struct Object {
  Object() noexcept : length(0) {} // NOLINT(*-member-init): the text is what `length` says
  void clear() noexcept { length = 0; }
  std::size_t length;
  char text[192];
};
static_assert(sizeof(Object) == 200);

struct NoObjects {
  static constexpr const char* name = "loop";
  Object* get() { return &object; }
  void give_back(Object*) {}
  static inline Object object;
};

// A stack of pointers to what is available, and no check but whether there is one.
struct IdealObjects {
  static constexpr const char* name = "ideal: stack of pointers";
  Object* get() {
    if (count == 0) [[unlikely]]
      refill();
    Object* const object = available[--count];
    object->clear();
    return object;
  }
  void give_back(Object* object) { available[count++] = object; }

  [[gnu::cold, gnu::noinline]] void refill() {
    made.push_back(std::make_unique<Object>());
    available[count++] = made.back().get();
  }
  std::unique_ptr<Object*[]> available = std::make_unique<Object*[]>(64);
  std::size_t count = 0;
  std::vector<std::unique_ptr<Object>> made;
};

struct OurObjects {
  static constexpr const char* name = "allot::ObjectPool";
  struct Reset {
    void operator()(Object& object) const noexcept { object.clear(); }
  };
  Object* get() { return &pool.acquire(); }
  void give_back(Object* object) { pool.give_back(*object); }
  allot::ObjectPool<Object, allot::ValueInitialise<Object>, Reset> pool{64};
};

struct UniquePtrs {
  static constexpr const char* name = "vector of unique_ptr";
  Object* get() {
    if (available.empty())
      return new Object();
    Object* const object = available.back().release();
    available.pop_back();
    object->clear();
    return object;
  }
  void give_back(Object* object) { available.emplace_back(object); }
  std::vector<std::unique_ptr<Object>> available;
};

#ifdef ALLOT_BENCH_BOOST
// Its user makes and destroys the object in the pool's memory.
struct BoostPooled {
  static constexpr const char* name = "boost::pool";
  Object* get() { return new (pool.malloc()) Object(); }
  void give_back(Object* object) {
    object->~Object();
    pool.free(object);
  }
  boost::pool<> pool{sizeof(Object), 64};
};
struct BoostObjects {
  static constexpr const char* name = "boost::object_pool";
  Object* get() { return pool.construct(); }
  void give_back(Object* object) { pool.destroy(object); }
  boost::object_pool<Object> pool{64};
};
#else
struct BoostPooled : Absent {};
struct BoostObjects : Absent {};
#endif

template <class Malloc>
struct MallocObjects {
  static constexpr const char* name = Malloc::name;
  Object* get() { return new (Malloc::allocate(sizeof(Object))) Object(); }
  void give_back(Object* object) {
    object->~Object();
    Malloc::deallocate(object);
  }
};
template <std::derived_from<Absent> Malloc>
struct MallocObjects<Malloc> : Absent {};

template <class Pool, std::size_t batch>
class GetAndReturn final : public Runner {
public:
  static constexpr std::size_t operations = 4096;

  GetAndReturn() { GetAndReturn::round(); }
  void round() override {
    Object* objects[batch];
    for (std::size_t left = operations; left != 0; left -= batch) {
      for (Object*& object : objects) {
        object = pool_.get();
        touch(object->text, left);
      }
      for (std::size_t i = batch; i-- != 0;)
        pool_.give_back(objects[i]);
    }
  }

private:
  Pool pool_;
};
template <class Pool>
using One = GetAndReturn<Pool, 1>;
template <class Pool>
using Batch = GetAndReturn<Pool, 64>;

template <template <class> class Run>
Workload workload(const char* name, const char* text) {
  Workload result{.name = name,
                  .text = text,
                  .operation = "object got and returned",
                  .operations = One<NoObjects>::operations};
  result.add<Run, NoObjects>(Role::loop, {});
  result.add<Run, IdealObjects>(Role::floor, {});
  // BDE is not among Debian's packages: 0.95 of Boost's time is what was measured of it.
  result.add<Run, OurObjects>(Role::ours, {{"boost::pool", 0.95}, {UniquePtrs::name, 1.0}});
  result.add_peers<Run, UniquePtrs, BoostPooled, BoostObjects, MallocObjects<Glibc>,
                   MallocObjects<Mimalloc>, MallocObjects<Jemalloc>, MallocObjects<Tcmalloc>,
                   MallocObjects<TbbMalloc>>();
  return result;
}

} // namespace objects

std::vector<Workload> object_workloads() {
  using namespace objects;
  std::vector<Workload> result;
  result.push_back(workload<One>("objects, one", "an object of 200 bytes got, and returned"));
  result.push_back(workload<Batch>("objects, 64",
                                   "64 objects of 200 bytes got, and returned, the newest first"));
  return result;
}

} // namespace bench
