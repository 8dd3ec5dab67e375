#include "common.hpp"

#include <array>

namespace misuse {

using allot::Marker;
using allot::Stack;

namespace {

constexpr const char* released = "Misuse(released) stack: used after release";
constexpr std::array<std::byte, 16> bytes{};

// What a marker that is not good is told, with so many others set.
std::string stale(int marker, int set) {
  return "Misuse(stale_marker) stack: marker " + std::to_string(marker) +
         " was popped or restored below, or is another stack's; " + std::to_string(set) +
         " are set";
}

} // namespace

const Cases stack_cases = {
    {"stack.size_0", "a size of 0 bytes", "Misuse(bad_size) stack: a size of 0 bytes was asked for",
     [] { Stack(0); }},
    {"stack.overflow", "pushing more than there is room for",
     "Exhausted(no_room) stack: 16 bytes asked, 8 of 24 left",
     [] {
       Stack stack(24);
       stack.push(bytes);
       stack.push(bytes);
     }},
    {"stack.underflow", "popping more than there is",
     "Misuse(underflow) stack: 17 bytes popped, 16 of 4096 are there",
     [] {
       Stack stack(4096);
       stack.push(bytes);
       stack.pop(17);
     }},
    {"stack.underflow_empty", "popping off an empty stack",
     "Misuse(underflow) stack: 1 bytes popped, 0 of 4096 are there", [] { Stack(4096).pop(1); }},
    {"stack.underflow_wrapping", "popping a size that would wrap",
     "Misuse(underflow) stack: 18446744073709551615 bytes popped, 16 of 4096 are there",
     [] {
       Stack stack(4096);
       stack.push(bytes);
       stack.pop(SIZE_MAX);
     }},
    {"stack.underflow_try", "the same of a call that does not throw", "refused",
     [] { refused(Stack(4096).try_pop(1).data() == nullptr); }},
    {"stack.value_underflow", "popping a value off a stack with less on it",
     "Misuse(underflow) stack: 16 bytes popped, 8 of 4096 are there",
     [] {
       Stack stack(4096);
       stack.push(1.5);
       stack.pop<std::array<double, 2>>();
     }},
    {"stack.value_underflow_try", "the same of a call that does not throw", "refused",
     [] {
       Stack stack(4096);
       stack.push(1.5);
       refused(!stack.try_pop<std::array<double, 2>>().has_value());
     }},
    {"stack.top_empty", "looking at the top of an empty stack",
     "Misuse(underflow) stack: 4 bytes read, 0 of 4096 are there",
     [] { (void)Stack(4096).top<int>(); }},
    {"stack.marker_null", "restoring a marker of no stack", stale(0, 1),
     [] {
       Stack stack(4096);
       (void)stack.mark();
       stack.restore(Marker());
     }},
    {"stack.marker_popped", "restoring a marker that a pop went below", stale(0, 0),
     [] {
       Stack stack(4096);
       stack.push(bytes);
       const Marker marker = stack.mark();
       stack.pop(8);
       stack.restore(marker);
     }},
    {"stack.marker_popped_and_pushed", "the same with the stack as high again", stale(0, 1),
     [] {
       Stack stack(4096);
       stack.push(bytes);
       const Marker marker = stack.mark();
       stack.pop(16);
       stack.push(bytes);
       (void)stack.mark();
       stack.restore(marker);
     }},
    {"stack.markers_out_of_order", "restoring a later marker after an earlier one", stale(1, 1),
     [] {
       Stack stack(4096);
       const Marker earlier = stack.mark();
       stack.push(bytes);
       const Marker later = stack.mark();
       stack.push(bytes);
       stack.restore(earlier);
       stack.restore(later);
     }},
    {"stack.markers_out_of_order_and_marked", "the same with another marker in its place",
     stale(1, 2),
     [] {
       Stack stack(4096);
       const Marker earlier = stack.mark();
       stack.push(bytes);
       const Marker later = stack.mark();
       stack.restore(earlier);
       stack.push(bytes);
       (void)stack.mark();
       stack.restore(later);
     }},
    {"stack.marker_after_reset", "restoring a marker from before a reset", stale(0, 1),
     [] {
       Stack stack(4096);
       const Marker marker = stack.mark();
       stack.reset();
       (void)stack.mark();
       stack.restore(marker);
     }},
    {"stack.marker_of_another", "restoring another stack's marker", stale(0, 1),
     [] {
       Stack one(4096);
       Stack other(4096);
       (void)other.mark();
       other.restore(one.mark());
     }},
    {"stack.marker_of_the_future", "restoring another stack's marker, higher than any here",
     stale(1, 1),
     [] {
       Stack one(4096);
       Stack other(4096);
       (void)other.mark();
       (void)one.mark();
       other.restore(one.mark());
     }},
    {"stack.marker_after_assignment", "restoring a marker of a stack that was assigned to",
     stale(0, 1),
     [] {
       Stack stack(4096);
       const Marker marker = stack.mark();
       stack = Stack(4096);
       (void)stack.mark();
       stack.restore(marker);
     }},
    {"stack.push_after_release", "pushing after release", released,
     [] {
       Stack stack(4096);
       stack.release();
       stack.push(bytes);
     }},
    {"stack.push_nothing_after_release", "pushing nothing after release", released,
     [] {
       Stack stack(4096);
       stack.release();
       stack.push("");
     }},
    {"stack.pop_after_release", "popping after release", released,
     [] {
       Stack stack(4096);
       stack.push(bytes);
       stack.release();
       stack.pop(16);
     }},
    {"stack.top_after_release", "looking at the top after release", released,
     [] {
       Stack stack(4096);
       stack.push(1.5);
       stack.release();
       (void)stack.top<double>();
     }},
    {"stack.mark_after_release", "setting a marker after release", released,
     [] {
       Stack stack(4096);
       (void)stack.mark();
       stack.release();
       (void)stack.mark();
     }},
    {"stack.restore_after_release", "restoring after release", released,
     [] {
       Stack stack(4096);
       const Marker marker = stack.mark();
       stack.release();
       stack.restore(marker);
     }},
    {"stack.reset_after_release", "resetting after release", released,
     [] {
       Stack stack(4096);
       stack.release();
       stack.reset();
     }},
    {"stack.push_after_move", "pushing on what was moved from", released,
     [] {
       Stack from(4096);
       const Stack to = std::move(from);
       from.push(bytes);
     }},
    {"stack.restore_after_move", "restoring at what was moved from", released,
     [] {
       Stack from(4096);
       const Marker marker = from.mark();
       const Stack to = std::move(from);
       from.restore(marker);
     }},
    {"stack.scopes_out_of_order", "an outer scope that ends before an inner one",
     "reported(stale_marker) stack: a scope ended below whose beginning the stack was popped or "
     "restored, or before one that was opened in it",
     [] {
       Stack stack(4096);
       std::optional<Stack::Scope> outer(std::in_place, stack);
       std::optional<Stack::Scope> inner(std::in_place, stack);
       outer.reset();
       inner.reset();
     }},
    {"stack.scope_popped", "a scope whose beginning a pop went below",
     "reported(stale_marker) stack: a scope ended below whose beginning the stack was popped or "
     "restored, or before one that was opened in it",
     [] {
       Stack stack(4096);
       stack.push(bytes);
       const auto scope = stack.scope();
       stack.pop(16);
     }},
    {"stack.reset_in_scope", "a reset while a scope is open",
     "Misuse(busy) stack: reset with 1 scopes open",
     [] {
       Stack stack(4096);
       const auto scope = stack.scope();
       stack.reset();
     }},
    {"stack.release_in_scope", "a release while a scope is open",
     "reported(busy) stack: released with 1 scopes open",
     [] {
       Stack stack(4096);
       const auto scope = stack.scope();
       stack.release();
     }},
    {"stack.destroy_in_scope", "a stack that is destroyed while scopes are open",
     "reported(busy) stack: destroyed with 2 scopes open",
     [] {
       std::optional<Stack> stack(std::in_place, 4096u);
       const Stack::Scope outer(*stack);
       const Stack::Scope inner(*stack);
       stack.reset();
     }},
    {"stack.assign_in_scope", "assigning to a stack while a scope is open",
     "reported(busy) stack: assigned to with 1 scopes open",
     [] {
       Stack stack(4096);
       const auto scope = stack.scope();
       stack = Stack(4096);
     }},
    {"stack.move_in_scope", "moving a stack while a scope is open",
     "reported(busy) stack: moved with 1 scopes open",
     [] {
       Stack stack(4096);
       const auto scope = stack.scope();
       const Stack to = std::move(stack);
     }},

    {"stack.write_above", "writing one byte above the top", poisoned,
     [] {
       Stack stack(4096);
       const auto top = stack.push(bytes);
       touch(fill(top.data(), 16) + 16);
     }},
    {"stack.write_above_odd_size", "the same where the size was rounded up", poisoned,
     [] {
       Stack stack(4096);
       const auto top = stack.push("eleven long");
       touch(fill(top.data(), 11) + 11);
     }},
    {"stack.write_popped", "writing to what was popped, after the next push", poisoned,
     [] {
       Stack stack(4096);
       stack.push(bytes);
       stack.push(bytes);
       const auto popped = stack.pop(32);
       fill(popped.data(), 32);
       stack.push("new");
       touch(popped.data() + 31);
     }},
    {"stack.write_popped_after_mark", "writing to what was popped, after a marker was set",
     poisoned,
     [] {
       Stack stack(4096);
       stack.push(bytes);
       const auto popped = stack.pop(16);
       fill(popped.data(), 16);
       (void)stack.mark();
       touch(popped.data());
     }},
    {"stack.write_after_restore", "writing to what a restore dropped", poisoned,
     [] {
       Stack stack(4096);
       const Marker marker = stack.mark();
       const auto pushed = stack.push(bytes);
       stack.restore(marker);
       touch(pushed.data());
     }},
    {"stack.write_after_scope", "writing to what a scope's end dropped", poisoned,
     [] {
       Stack stack(4096);
       void* p = nullptr;
       {
         const auto scope = stack.scope();
         p = fill(stack.push(bytes).data(), 16);
       }
       touch(p);
     }},
    {"stack.write_after_reset", "writing to what a reset took back", poisoned,
     [] {
       Stack stack(4096);
       const auto pushed = stack.push(bytes);
       stack.reset();
       touch(pushed.data());
     }},
    {"stack.write_after_release", "writing to what a release freed", freed,
     [] {
       Stack stack(4096);
       const auto pushed = stack.push(bytes);
       stack.release();
       touch(pushed.data());
     }},
    {"stack.right_use", "", "nothing",
     [] {
       Stack stack(4096);
       for (int round = 0; round != 3; ++round) {
         fill(stack.push(bytes).data(), 16);
         fill(stack.push("eleven long").data(), 11);
         const Marker marker = stack.mark();
         {
           const auto scope = stack.scope();
           fill(stack.push(bytes).data(), 16);
         }
         fill(stack.push(bytes).data(), 16);
         stack.restore(marker);
         fill(stack.push(bytes).data(), 16);
         fill(stack.pop(40).data(), 40);
         fill(stack.pop(8).data(), 8);
         stack.push(1.5);
         fill(&stack.top<double>(), 8);
         (void)stack.pop<double>();
         stack.reset();
       }
       Stack moved = std::move(stack);
       stack.release();
       fill(moved.push(bytes).data(), 16);
     }},
};

} // namespace misuse
