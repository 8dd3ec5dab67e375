#include "common.hpp"

#include <allot/threads/shared_object_pool.hpp>

#include <barrier>
#include <thread>

namespace misuse {

using allot::SharedObjectPool;

namespace {

// Of no alignment, so that a reference to its inside is one that a program can have.
struct Packed {
  char bytes[24];
};
using Pool = SharedObjectPool<Packed>;

constexpr const char* twice =
    "Misuse(double_free) shared_object_pool: the object at %p was given back already";
constexpr const char* released = "Misuse(released) shared_object_pool: used after release";

} // namespace

const Cases shared_object_pool_cases = {
    {"shared_object_pool.foreign", "giving back an object of others",
     "Misuse(foreign_pointer) shared_object_pool: %p is not one of its 1 objects",
     [] {
       Pool pool(10);
       (void)pool.acquire();
       Packed others{};
       pool.give_back(*about(&others));
     }},
    {"shared_object_pool.of_another_pool", "giving back another pool's object",
     "Misuse(foreign_pointer) shared_object_pool: %p is not one of its 1 objects",
     [] {
       Pool one(10);
       Pool other(10);
       (void)other.acquire();
       other.give_back(*about(&one.acquire()));
     }},
    {"shared_object_pool.never_handed_out", "giving back an object that was not made yet",
     "Misuse(foreign_pointer) shared_object_pool: %p is not one of its 1 objects",
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.give_back(*about(&object + 2));
     }},
    {"shared_object_pool.interior", "giving back a part of an object",
     "Misuse(misaligned_pointer) shared_object_pool: %p lies 8 bytes into an object",
     [] {
       Pool pool(10);
       char* const inside = pool.acquire().bytes + 8;
       pool.give_back(*about(reinterpret_cast<Packed*>(inside)));
     }},
    {"shared_object_pool.returned_twice", "giving an object back twice", twice,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.give_back(object);
       pool.give_back(*about(&object));
     }},
    {"shared_object_pool.returned_twice_elsewhere",
     "giving back an object that another thread has given back", twice,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       std::thread([&] { pool.give_back(object); }).join();
       pool.give_back(*about(&object));
     }},
    {"shared_object_pool.returned_after_shrink", "giving back an object that shrink destroyed",
     "Misuse(foreign_pointer) shared_object_pool: the object at %p was destroyed",
     [] {
       Pool pool(0);
       (void)pool.acquire();
       Packed& object = pool.acquire();
       pool.give_back(object);
       pool.shrink();
       pool.give_back(*about(&object));
     }},
    {"shared_object_pool.leased", "giving back by hand what is on a lease",
     "Misuse(busy) shared_object_pool: the object at %p is on a lease",
     [] {
       Pool pool(10);
       auto lease = pool.lease();
       pool.give_back(*about(&*lease));
     }},
    {"shared_object_pool.used_after_release", "getting an object after release", released,
     [] {
       Pool pool(10);
       pool.release();
       (void)pool.acquire();
     }},
    {"shared_object_pool.used_after_release_try", "the same of a call that does not throw",
     "refused",
     [] {
       Pool pool(10);
       pool.release();
       refused(pool.try_acquire() == nullptr);
     }},
    {"shared_object_pool.returned_after_release", "giving an object back after release", released,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.release();
       pool.give_back(object);
     }},
    {"shared_object_pool.shrink_after_release", "shrinking after release", released,
     [] {
       Pool pool(10);
       pool.release();
       pool.shrink();
     }},
    {"shared_object_pool.release_with_lease", "releasing while a lease is out",
     "reported(busy) shared_object_pool: released with 1 leases out",
     [] {
       Pool pool(10);
       const auto lease = pool.lease();
       pool.release();
     }},
    {"shared_object_pool.destroy_with_lease", "a pool that is destroyed while leases are out",
     "reported(busy) shared_object_pool: destroyed with 2 leases out",
     [] {
       Pool* volatile pool = new Pool(10); // GCC would see through a constant one, and warn
       const auto first = pool->lease();
       const auto second = pool->lease();
       delete pool;
     }},
    {"shared_object_pool.shrink_in_make", "shrinking in the constructor function",
     "Misuse(busy) shared_object_pool: used while one of its callables runs",
     [] {
       std::function<void()> in_make;
       SharedObjectPool pool([&] { return in_make(), 0; });
       in_make = [&] { pool.shrink(); };
       (void)pool.acquire();
     }},
    {"shared_object_pool.release_while_made", "releasing while another thread makes an object",
     "reported(busy) shared_object_pool: released with 0 leases out, while one of its callables "
     "runs",
     [] {
       static std::barrier step(2);
       static SharedObjectPool pool([] {
         step.arrive_and_wait();
         step.arrive_and_wait();
         return 0;
       });
       std::thread other([] { (void)pool.acquire(); });
       step.arrive_and_wait();
       pool.release();
       step.arrive_and_wait();
       other.join();
     }},
    {"shared_object_pool.release_in_reset", "releasing in the reset function",
     "reported(busy) shared_object_pool: released with 0 leases out, while one of its callables "
     "runs",
     [] {
       std::function<void()> in_reset;
       SharedObjectPool pool([] { return 0; }, [&](int&) { in_reset(); });
       pool.give_back(pool.acquire());
       in_reset = [&] { pool.release(); };
       (void)pool.acquire();
     }},
    {"shared_object_pool.write_past", "writing one byte past an object", poisoned,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       fill(&pool.acquire(), sizeof(Packed));
       touch(fill(&object, sizeof object) + sizeof object);
     }},
    {"shared_object_pool.write_after_return",
     "writing to an object that another thread has given back", poisoned,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       fill(&object, sizeof object);
       std::thread([&] { pool.give_back(object); }).join();
       touch(&object);
     }},
    {"shared_object_pool.write_after_lease", "writing to an object whose lease ended", poisoned,
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
    {"shared_object_pool.write_after_shrink", "writing to an object that shrink destroyed",
     poisoned,
     [] {
       Pool pool(0);
       (void)pool.acquire();
       Packed& object = pool.acquire();
       pool.give_back(object);
       pool.shrink();
       touch(&object);
     }},
    {"shared_object_pool.write_after_release", "writing to an object after release", freed,
     [] {
       Pool pool(10);
       Packed& object = pool.acquire();
       pool.release();
       touch(&object);
     }},
    {"shared_object_pool.right_use", "", "nothing",
     [] {
       SharedObjectPool pool([] { return std::string(); }, [](std::string& s) { s.clear(); }, 2);
       for (int round = 0; round != 3; ++round) {
         std::string* objects[40];
         for (std::string*& object : objects) {
           object = &pool.acquire();
           *object = "a text that is too long to be stored in the object";
         }
         std::thread([&] {
           pool.lease()->append("a text");
           for (std::string* object : objects)
             pool.give_back(*object);
         }).join();
         pool.shrink();
       }
       pool.acquire() = "a text that is too long to be stored in the object";
     }},
};

} // namespace misuse
