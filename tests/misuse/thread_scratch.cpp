#include "misuse.hpp"

#include <allot/threads/thread_scratch.hpp>

#include <optional>
#include <thread>

namespace misuse {

using allot::thread_scratch;
using Scope = allot::Scope<allot::ThreadScratch>;

const Cases thread_scratch_cases = {
    {"thread_scratch.avoids_all", "avoiding all of a thread's",
     "Misuse(busy) thread_scratch: all 4 that a thread has are avoided, or run destructors",
     [] {
       auto& first = thread_scratch();
       auto& second = thread_scratch(first);
       auto& third = thread_scratch(first, second);
       (void)thread_scratch(first, second, third, thread_scratch(first, second, third));
     }},
    {"thread_scratch.scopes_out_of_order", "an outer scope that ends before an inner one",
     "reported(no_checkpoint) region \"thread_scratch\": a scope ended out of order: one that was "
     "opened in it is still open",
     [] {
       std::optional<Scope> outer(std::in_place, thread_scratch());
       std::optional<Scope> inner(std::in_place, thread_scratch());
       outer.reset();
     }},
    {"thread_scratch.scope_ended_elsewhere", "a scope that another thread ends",
     "reported(no_checkpoint) region \"thread_scratch\": a scope ended in another thread than it "
     "began in",
     [] {
       std::optional<Scope> scope(std::in_place, thread_scratch());
       std::thread([&] { scope.reset(); }).join();
     }},
    {"thread_scratch.scope_outlives_thread", "a scope that is open when its thread ends",
     "reported(busy) region \"thread_scratch\": its thread ended with 1 scopes open",
     [] {
       std::optional<Scope> scope;
       std::thread([&] { scope.emplace(thread_scratch()); }).join();
     }},
    {"thread_scratch.reset_in_scope", "a reset of what callers use",
     "Misuse(busy) region \"thread_scratch\": reset with 1 scopes open",
     [] {
       const auto scope = thread_scratch().scope();
       thread_scratch().reset();
     }},
    {"thread_scratch.write_past", "writing past an allocation", poisoned,
     [] {
       const auto scope = thread_scratch().scope();
       touch(fill(thread_scratch().allocate(13), 13) + 13);
     }},
    {"thread_scratch.write_after_scope", "writing to what a scope took back", poisoned,
     [] {
       char* p = nullptr;
       {
         const auto scope = thread_scratch().scope();
         p = fill(thread_scratch().allocate(64), 64);
       }
       touch(p);
     }},
    {"thread_scratch.write_after_thread", "writing to what went with its thread", freed,
     [] {
       char* p = nullptr;
       std::thread([&] { p = fill(thread_scratch().allocate(64), 64); }).join();
       touch(p);
     }},
    {"thread_scratch.right_use", "", "nothing",
     [] {
       const auto work = [] {
         auto& outer = thread_scratch();
         const auto scope = outer.scope();
         for (int i = 0; i != 3; ++i) {
           auto& inner = thread_scratch(outer);
           const auto inner_scope = inner.scope();
           fill(inner.allocate(2000000), 2000000);
           fill(outer.allocate(1000), 1000);
         }
       };
       std::thread other(work);
       work();
       other.join();
     }},
};

} // namespace misuse
