#include "common.hpp"

namespace misuse {

using allot::ObjectPool;

namespace {

// Of no alignment, so that a reference to its inside is one that a program can have.
struct Packed {
  char bytes[24];
};
using Pool = ObjectPool<Packed>;

// A pool of numbers whose callables call back.
std::function<void()> in_make;
std::function<void()> in_reset;
auto calling_pool() {
  return ObjectPool(
      [] {
        if (in_make)
          in_make();
        return 0;
      },
      [](int&) {
        if (in_reset)
          in_reset();
      },
      10);
}

constexpr const char* busy = "Misuse(busy) object_pool: used while one of its callables runs";
constexpr const char* by_callable =
    "reported(busy) object_pool: released with 0 leases out, by one of its callables";

} // namespace

const Cases object_pool_cases = {
    {"object_pool.foreign", "giving back an object of others",
     "Misuse(foreign_pointer) object_pool: %p is not one of its 1 objects",
     [] {
       Pool pool(10);
       (void)pool.acquire();
       Packed others{};
       pool.give_back(*about(&others));
     }},
    {"object_pool.of_another_pool", "giving back another pool's object",
     "Misuse(foreign_pointer) object_pool: %p is not one of its 1 objects",
     [] {
       Pool one(10);
       Pool other(10);
       (void)other.acquire();
       other.give_back(*about(&one.acquire()));
     }},
    {"object_pool.never_handed_out", "giving back an object that was not made yet",
     "Misuse(foreign_pointer) object_pool: %p is not one of its 1 objects",
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.give_back(*about(&object + 2));
     }},
    {"object_pool.interior", "giving back a part of an object",
     "Misuse(misaligned_pointer) object_pool: %p lies 8 bytes into an object",
     [] {
       Pool pool(10);
       char* const inside = pool.acquire().bytes + 8;
       pool.give_back(*about(reinterpret_cast<Packed*>(inside)));
     }},
    {"object_pool.interior_odd", "the same one byte in",
     "Misuse(misaligned_pointer) object_pool: %p lies 1 bytes into an object",
     [] {
       Pool pool(10);
       char* const inside = pool.acquire().bytes + 1;
       pool.give_back(*about(reinterpret_cast<Packed*>(inside)));
     }},
    {"object_pool.returned_twice", "giving an object back twice",
     "Misuse(double_free) object_pool: the object at %p was given back already",
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.give_back(object);
       pool.give_back(*about(&object));
     }},
    {"object_pool.returned_twice_later", "the same with others between",
     "Misuse(double_free) object_pool: the object at %p was given back already",
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       Packed& second = pool.acquire();
       Packed& third = pool.acquire();
       pool.give_back(object);
       pool.give_back(second);
       pool.give_back(third);
       (void)pool.acquire();
       pool.give_back(*about(&object));
     }},
    {"object_pool.returned_after_shrink", "giving back an object that shrink destroyed",
     "Misuse(foreign_pointer) object_pool: the object at %p was destroyed",
     [] {
       Pool pool(1);
       Packed& kept = pool.acquire();
       Packed& object = pool.acquire();
       Packed& last = pool.acquire();
       pool.give_back(object);
       pool.give_back(last);
       pool.shrink(); // destroys the one returned first
       pool.give_back(*about(&object));
       pool.give_back(kept);
     }},
    {"object_pool.leased", "giving back by hand what is on a lease",
     "Misuse(busy) object_pool: the object at %p is on a lease",
     [] {
       Pool pool(10);
       auto lease = pool.lease();
       pool.give_back(*about(&*lease));
     }},
    {"object_pool.used_after_release", "getting an object after release",
     "Misuse(released) object_pool: used after release",
     [] {
       Pool pool(10);
       pool.release();
       (void)pool.acquire();
     }},
    {"object_pool.returned_after_release", "giving an object back after release",
     "Misuse(released) object_pool: used after release",
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.release();
       pool.give_back(object);
     }},
    {"object_pool.shrink_after_release", "shrinking after release",
     "Misuse(released) object_pool: used after release",
     [] {
       Pool pool(10);
       pool.release();
       pool.shrink();
     }},
    {"object_pool.lease_after_release", "a lease after release",
     "Misuse(released) object_pool: used after release",
     [] {
       Pool pool(10);
       pool.release();
       (void)pool.lease();
     }},
    {"object_pool.used_after_move", "getting an object from what was moved from",
     "Misuse(released) object_pool: used after release",
     [] {
       Pool from(10);
       const Pool to = std::move(from);
       (void)from.acquire();
     }},
    {"object_pool.acquire_in_make", "getting an object in the constructor function", busy,
     [] {
       auto pool = calling_pool();
       in_make = [&] { (void)pool.acquire(); };
       (void)pool.acquire();
     }},
    {"object_pool.acquire_in_reset", "getting an object in the reset function", busy,
     [] {
       auto pool = calling_pool();
       pool.give_back(pool.acquire());
       in_reset = [&] { (void)pool.acquire(); };
       (void)pool.acquire();
     }},
    {"object_pool.return_in_reset", "giving an object back in the reset function", busy,
     [] {
       auto pool = calling_pool();
       int& other = pool.acquire();
       pool.give_back(pool.acquire());
       in_reset = [&] { pool.give_back(other); };
       (void)pool.acquire();
     }},
    {"object_pool.shrink_in_reset", "shrinking in the reset function", busy,
     [] {
       auto pool = calling_pool();
       pool.give_back(pool.acquire());
       in_reset = [&] { pool.shrink(); };
       (void)pool.acquire();
     }},
    {"object_pool.lease_in_reset", "a lease in the reset function", busy,
     [] {
       auto pool = calling_pool();
       pool.give_back(pool.acquire());
       in_reset = [&] { (void)pool.lease(); };
       (void)pool.acquire();
     }},
    {"object_pool.acquire_in_destructor", "getting an object in a destructor that shrink runs",
     busy,
     [] {
       using Ends = std::unique_ptr<AtTheEnd>;
       ObjectPool<Ends> pool(0);
       Ends& object = pool.acquire();
       object = std::make_unique<AtTheEnd>([&] { (void)pool.acquire(); });
       pool.give_back(object);
       pool.shrink();
       AtTheEnd::rethrow();
     }},
    {"object_pool.release_in_reset", "releasing in the reset function", by_callable,
     [] {
       auto pool = calling_pool();
       pool.give_back(pool.acquire());
       in_reset = [&] { pool.release(); };
       (void)pool.acquire();
     }},
    {"object_pool.destroy_in_make", "destroying the pool in the constructor function", by_callable,
     [] {
       std::optional pool = calling_pool();
       in_make = [&] { pool.reset(); };
       (void)pool->acquire();
     }},
    {"object_pool.assign_in_make", "assigning to the pool in the constructor function",
     "reported(busy) object_pool: assigned to with 0 leases out, by one of its callables",
     [] {
       auto pool = calling_pool();
       in_make = [&] { pool = calling_pool(); };
       (void)pool.acquire();
     }},
    {"object_pool.move_in_reset", "moving the pool in the reset function",
     "reported(busy) object_pool: moved with 0 leases out, by one of its callables",
     [] {
       auto pool = calling_pool();
       pool.give_back(pool.acquire());
       in_reset = [&] { const auto to = std::move(pool); };
       (void)pool.acquire();
     }},
    {"object_pool.release_with_lease", "releasing while a lease is out",
     "reported(busy) object_pool: released with 1 leases out",
     [] {
       Pool pool(10);
       const auto lease = pool.lease();
       pool.release();
     }},
    {"object_pool.destroy_with_lease", "a pool that is destroyed while leases are out",
     "reported(busy) object_pool: destroyed with 2 leases out",
     [] {
       Pool* volatile pool = new Pool(10); // GCC would see through a constant one, and warn
       const auto first = pool->lease();
       const auto second = pool->lease();
       delete pool;
     }},
    {"object_pool.assign_with_lease", "assigning to a pool while a lease is out",
     "reported(busy) object_pool: assigned to with 1 leases out",
     [] {
       Pool pool(10);
       const auto lease = pool.lease();
       pool = Pool(10);
     }},
    {"object_pool.move_with_lease", "moving a pool while a lease is out",
     "reported(busy) object_pool: moved with 1 leases out",
     [] {
       Pool pool(10);
       const auto lease = pool.lease();
       const Pool to = std::move(pool);
     }},
    {"object_pool.lease_ends_in_reset", "a lease that ends in the reset function",
     "reported(busy) object_pool: a lease ended in one of the callables",
     [] {
       auto pool = calling_pool();
       std::optional lease = pool.lease();
       pool.give_back(pool.acquire());
       in_reset = [&] { lease.reset(); };
       (void)pool.acquire();
     }},

    {"object_pool.write_past", "writing one byte past an object", poisoned,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       fill(&pool.acquire(), sizeof(Packed));
       touch(fill(&object, sizeof object) + sizeof object);
     }},
    {"object_pool.write_before", "writing one byte before an object", poisoned,
     [] {
       Pool pool(10);
       (void)pool.acquire();
       touch(fill(&pool.acquire(), sizeof(Packed)) - 1);
     }},
    {"object_pool.write_after_return", "writing to an object that was given back", poisoned,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       fill(&object, sizeof object);
       pool.give_back(object);
       touch(&object);
     }},
    {"object_pool.write_after_lease", "writing to an object whose lease ended", poisoned,
     [] {
       Pool pool(10);
       Packed* object = nullptr;
       {
         auto lease = pool.lease();
         object = &*lease;
         fill(object, sizeof *object);
       }
       touch(object);
     }},
    {"object_pool.write_after_shrink", "writing to an object that shrink destroyed", poisoned,
     [] {
       Pool pool(0);
       (void)pool.acquire();
       Packed& object = pool.acquire();
       pool.give_back(object);
       pool.shrink();
       touch(&object);
     }},
    {"object_pool.write_after_release", "writing to an object after release", freed,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.release();
       touch(&object);
     }},
    {"object_pool.right_use", "", "nothing",
     [] {
       ObjectPool pool([] { return std::string(); }, [](std::string& s) { s.clear(); }, 2);
       for (int round = 0; round != 3; ++round) {
         std::string* objects[40];
         for (std::string*& object : objects) {
           object = &pool.acquire();
           *object = "a text that is too long to be stored in the object";
         }
         pool.lease()->append("a text");
         for (std::string* object : objects)
           pool.give_back(*object);
         pool.shrink();
       }
       auto moved = std::move(pool);
       moved.acquire() = "a text that is too long to be stored in the object";
     }},
};

} // namespace misuse
