// The misuse that strategies have in common, as rows for each.
#pragma once

#include "misuse.hpp"

#include <cstdint>
#include <memory>

namespace misuse {

template <class S>
S make() {
  if constexpr (std::is_same_v<S, allot::Region>)
    return S();
  else
    return S(4096);
}

/// Of every strategy that gives out bytes.
template <class S>
Cases of_bytes(const std::string& name) {
  const std::string released = "Misuse(released) " + name + ": used after release";
  const std::string not_from_here =
      "Misuse(foreign_pointer) " + name + ": %p cannot be reallocated: not from here";
  return {
      {name + ".used_after_move", "allocating from what was moved from", released,
       [] {
         S from = make<S>();
         const S to = std::move(from);
         (void)from.allocate(8);
       }},
      {name + ".reset_after_move", "resetting what was moved from", released,
       [] {
         S from = make<S>();
         const S to = std::move(from);
         from.reset();
       }},
      {name + ".alignment_24", "an alignment that is no power of two",
       "Misuse(bad_alignment) " + name + ": alignment 24 is not a power of two",
       [] { (void)make<S>().allocate(8, 24); }},
      {name + ".alignment_0", "an alignment of 0",
       "Misuse(bad_alignment) " + name + ": alignment 0 is not a power of two",
       [] { (void)make<S>().allocate(8, 0); }},
      {name + ".alignment_24_try", "the same of a call that does not throw", "refused",
       [] { refused(make<S>().try_allocate(8, 24) == nullptr); }},
      {name + ".reallocate_foreign", "reallocating memory of others", not_from_here,
       [] {
         S s = make<S>();
         (void)s.allocate(64);
         const auto others = std::make_unique<char[]>(64);
         (void)s.reallocate(about(others.get()), 64, 128);
       }},
      {name + ".reallocate_before", "reallocating what lies before an allocation", not_from_here,
       [] {
         S s = make<S>();
         (void)s.reallocate(about(static_cast<char*>(s.allocate(64)) - 8), 64, 128);
       }},
      {name + ".reallocate_more_than_there_is", "reallocating more bytes than were allocated",
       not_from_here,
       [] {
         S s = make<S>();
         (void)s.reallocate(about(s.allocate(64)), 4096, 8192);
       }},
      {name + ".reallocate_after_reset", "reallocating what a reset took back", not_from_here,
       [] {
         S s = make<S>();
         void* const p = s.allocate(64);
         s.reset();
         (void)s.reallocate(about(p), 64, 128);
       }},
      {name + ".resize_foreign", "resizing memory of others in place", "refused",
       [] {
         S s = make<S>();
         (void)s.allocate(64);
         const auto others = std::make_unique<char[]>(64);
         refused(!s.try_resize(others.get(), 64, 32));
       }},
      {name + ".resize_after_reset", "resizing what a reset took back in place", "refused",
       [] {
         S s = make<S>();
         void* const p = s.allocate(64);
         s.reset();
         refused(!s.try_resize(p, 64, 32));
       }},

      {name + ".write_past", "writing one byte past an allocation", poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(16), 16);
         fill(s.allocate(16), 16);
         touch(p + 16);
       }},
      {name + ".write_past_odd_size", "the same where its size was rounded up", poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(13), 13);
         fill(s.allocate(13), 13);
         touch(p + 13);
       }},
      {name + ".write_past_newest", "writing one byte past the newest allocation", poisoned,
       [] {
         S s = make<S>();
         touch(fill(s.allocate(16), 16) + 16);
       }},
      {name + ".write_before", "writing one byte before an allocation", poisoned,
       [] {
         S s = make<S>();
         fill(s.allocate(16), 16);
         touch(fill(s.allocate(16), 16) - 1);
       }},
      {name + ".write_to_nothing", "writing to an allocation of 0 bytes", poisoned,
       [] {
         S s = make<S>();
         fill(s.allocate(16), 16);
         touch(s.allocate(0));
       }},
      {name + ".write_past_aligned", "writing one byte past an allocation aligned to 256", poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(24, 256), 24);
         fill(s.allocate(24, 256), 24);
         touch(p + 24);
       }},
      {name + ".write_before_aligned", "writing one byte before an allocation aligned to 256",
       poisoned,
       [] {
         S s = make<S>();
         fill(s.allocate(24), 24);
         touch(fill(s.allocate(24, 256), 24) - 1);
       }},
      {name + ".write_after_shrink", "writing to what a resize in place took back", poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(64), 64);
         if (s.try_resize(p, 64, 20))
           touch(fill(p, 20) + 20);
       }},
      {name + ".write_after_reallocate", "writing to the old place of what was reallocated",
       poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(64), 64);
         fill(s.allocate(8), 8);
         fill(s.reallocate(p, 64, 128), 128);
         touch(p);
       }},
      {name + ".write_past_copy", "writing one byte past a copied text", poisoned,
       [] {
         S s = make<S>();
         touch(const_cast<char*>(s.copy("eleven long").data()) + 11);
       }},
      {name + ".write_after_reset", "writing to what a reset took back", poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(64), 64);
         s.reset();
         touch(p);
       }},
      {name + ".write_after_reset_and_reuse", "writing behind what was allocated after a reset",
       poisoned,
       [] {
         S s = make<S>();
         char* const p = fill(s.allocate(64), 64);
         s.reset();
         fill(s.allocate(16), 16);
         touch(p + 63);
       }},
      {name + ".right_use", "", "nothing",
       [] {
         S s = make<S>();
         for (int round = 0; round != 3; ++round) {
           for (std::size_t bytes : Sizes{1, 8, 13, 64, 100})
             fill(s.allocate(bytes), bytes);
           fill(s.allocate(100, 128), 100);
           fill(s.reallocate(fill(s.allocate(40), 40), 40, 70), 70);
           char* const p = fill(s.allocate(40), 40);
           fill(s.allocate(8), 8);
           fill(s.reallocate(p, 40, 80), 80);
           fill(const_cast<char*>(s.copy("text").data()), 4);
           s.reset();
         }
         S moved = std::move(s);
         fill(moved.allocate(100), 100);
         moved.release();
         moved.release();
       }},
  };
}

/// And of those whose memory is one buffer.
template <class S>
Cases of_buffer(const std::string& name) {
  const std::string released = "Misuse(released) " + name + ": used after release";
  return {
      {name + ".used_after_release", "allocating after release", released,
       [] {
         S s = make<S>();
         s.release();
         (void)s.allocate(8);
       }},
      {name + ".used_after_release_try", "the same of a call that does not throw", "refused",
       [] {
         S s = make<S>();
         s.release();
         refused(s.try_allocate(8) == nullptr);
       }},
      {name + ".nothing_after_release", "allocating 0 bytes after release", released,
       [] {
         S s = make<S>();
         s.release();
         (void)s.allocate(0);
       }},
      {name + ".reset_after_release", "resetting after release", released,
       [] {
         S s = make<S>();
         s.release();
         s.reset();
       }},
      {name + ".size_0", "a size of 0 bytes",
       "Misuse(bad_size) " + name + ": a size of 0 bytes was asked for", [] { (void)S(0); }},
      {name + ".wrapping_size", "a size that would wrap",
       "Exhausted(no_room) " + name + ": 18446744073709551615 bytes asked, 4096 of 4096 left",
       [] { (void)make<S>().allocate(SIZE_MAX); }},
      {name + ".negative_size", "a negative size that was converted",
       "Exhausted(no_room) " + name + ": 18446744073709551608 bytes asked, 4096 of 4096 left",
       [] { (void)make<S>().allocate(static_cast<std::size_t>(-8)); }},
  };
}

/// And of those that make objects.
template <class S>
Cases of_objects(const std::string& name) {
  const std::string busy = "Misuse(busy) " + name + ": used while its own destructors run";
  const std::string reported = "reported(busy) " + name + ": ";
  return {
      {name + ".allocate_in_destructor", "allocating from a destructor that a reset runs", busy,
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { (void)s.allocate(8); });
         s.reset();
         AtTheEnd::rethrow();
       }},
      {name + ".allocate_in_destructor_try", "the same of a call that does not throw", "refused",
       [] {
         S s = make<S>();
         bool null = false;
         s.template create<AtTheEnd>([&] { null = s.try_allocate(8) == nullptr; });
         s.reset();
         refused(null);
       }},
      {name + ".allocate_nothing_in_destructor", "allocating 0 bytes there", busy,
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { (void)s.allocate(0); });
         s.reset();
         AtTheEnd::rethrow();
       }},
      {name + ".create_in_destructor", "making an object there", busy,
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { s.template create<std::string>(); });
         s.reset();
         AtTheEnd::rethrow();
       }},
      {name + ".allocate_in_destructor_of_release",
       "allocating from a destructor that a release "
       "runs",
       busy,
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { (void)s.allocate(8); });
         s.release();
         AtTheEnd::rethrow();
       }},
      {name + ".resize_in_destructor", "resizing in place there", "refused",
       [] {
         S s = make<S>();
         bool resized = true;
         char* const p = fill(s.allocate(64), 64);
         s.template create<AtTheEnd>([&] { resized = s.try_resize(p, 64, 8); });
         s.reset();
         refused(!resized);
       }},
      {name + ".reset_in_destructor", "resetting there", busy,
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { s.reset(); });
         s.reset();
         AtTheEnd::rethrow();
       }},
      {name + ".release_in_destructor", "releasing there",
       reported + "released while its own destructors run",
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { s.release(); });
         s.reset();
       }},
      {name + ".assign_in_destructor", "assigning to the strategy there",
       reported + "assigned to while its own destructors run",
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { s = make<S>(); });
         s.reset();
       }},
      {name + ".destroy_in_destructor", "destroying the strategy there",
       reported + "released while its own destructors run",
       [] {
         std::optional<S> s = make<S>();
         s->template create<AtTheEnd>([&] { s.reset(); });
         s->reset();
       }},
      {name + ".move_in_destructor", "moving the strategy there",
       reported + "moved while its own destructors run",
       [] {
         S s = make<S>();
         s.template create<AtTheEnd>([&] { const S to = std::move(s); });
         s.reset();
       }},
      {name + ".reset_in_constructor", "a constructor that resets what it is made in",
       "Misuse(busy) " + name + ": a constructor took back its object's memory",
       [] {
         struct Resets {
           explicit Resets(S& s) { s.reset(); }
         };
         S s = make<S>();
         s.template create<Resets>(s);
       }},
      {name + ".write_past_object", "writing one byte past an object", poisoned,
       [] {
         S s = make<S>();
         auto* const object = s.template create<std::string>("text");
         s.template create<std::string>("text");
         touch(object + 1);
       }},
      {name + ".write_before_object",
       "writing one byte before an object, in what it is destroyed "
       "by",
       poisoned,
       [] {
         S s = make<S>();
         s.template create<std::string>("text");
         touch(reinterpret_cast<char*>(s.template create<std::string>("text")) - 1);
       }},
      {name + ".write_past_array", "writing one byte past an array of objects", poisoned,
       [] {
         S s = make<S>();
         const auto array = s.template create_array<std::string>(3);
         s.template create_array<std::string>(3);
         touch(array.data() + 3);
       }},
      {name + ".write_to_destroyed", "writing to an object that a reset destroyed", poisoned,
       [] {
         S s = make<S>();
         auto* const object = s.template create<std::string>("text");
         s.reset();
         touch(object);
       }},
      {name + ".right_use_of_objects", "", "nothing",
       [] {
         S s = make<S>();
         for (int round = 0; round != 3; ++round) {
           s.template create<std::string>("a text that is too long to be stored in the object");
           auto array = s.template create_array<std::string>(5);
           array.back() = "a text that is too long to be stored in the object";
           *s.template create<int>() = 1;
           s.reset();
         }
         s.template create<std::string>("a text that is too long to be stored in the object");
       }},
  };
}

/// And of those that go back to checkpoints.
template <class S>
Cases of_checkpoints(const std::string& name) {
  const std::string reported = "reported(busy) " + name + ": ";
  const std::string out_of_order = "reported(no_checkpoint) " + name + ": a scope ended out of ";
  const std::string no_checkpoint =
      "Misuse(no_checkpoint) " + name + ": restore without a checkpoint";
  using Scope = allot::Scope<S>;
  return {
      {name + ".restore_without_checkpoint", "restoring without a checkpoint", no_checkpoint,
       [] { make<S>().restore(); }},
      {name + ".restore_too_often", "restoring once more than there are checkpoints", no_checkpoint,
       [] {
         S s = make<S>();
         s.checkpoint();
         s.checkpoint();
         s.restore();
         s.restore();
         s.restore();
       }},
      {name + ".restore_after_reset", "restoring a checkpoint that a reset dropped", no_checkpoint,
       [] {
         S s = make<S>();
         s.checkpoint();
         s.reset();
         s.restore();
       }},
      {name + ".restore_after_move", "restoring what was moved from",
       "Misuse(released) " + name + ": used after release",
       [] {
         S from = make<S>();
         from.checkpoint();
         const S to = std::move(from);
         from.restore();
       }},
      {name + ".checkpoint_after_move", "a checkpoint of what was moved from",
       "Misuse(released) " + name + ": used after release",
       [] {
         S from = make<S>();
         const S to = std::move(from);
         from.checkpoint();
       }},
      {name + ".scopes_out_of_order", "an outer scope that ends before an inner one",
       out_of_order + "order: one that was opened in it is still open",
       [] {
         S s = make<S>();
         std::optional<Scope> outer(std::in_place, s);
         std::optional<Scope> inner(std::in_place, s);
         outer.reset();
       }},
      {name + ".restore_behind_scope", "restoring behind the innermost scope",
       "Misuse(no_checkpoint) " + name +
           ": restore without a checkpoint made in the innermost scope",
       [] {
         S s = make<S>();
         s.checkpoint();
         const Scope scope(s);
         s.restore();
       }},
      {name + ".reset_in_scope", "a reset while a scope is open",
       "Misuse(busy) " + name + ": reset with 1 scopes open",
       [] {
         S s = make<S>();
         const Scope scope(s);
         s.reset();
       }},
      {name + ".release_in_scope", "a release while a scope is open",
       reported + "released with 1 scopes open",
       [] {
         S s = make<S>();
         const Scope scope(s);
         s.release();
       }},
      {name + ".destroy_in_scope", "a strategy that is destroyed while a scope is open",
       reported + "destroyed with 2 scopes open",
       [] {
         std::optional<S> s = make<S>();
         const Scope outer(*s);
         const Scope inner(*s);
         s.reset();
       }},
      {name + ".assign_in_scope", "assigning to a strategy while a scope is open",
       reported + "assigned to with 1 scopes open",
       [] {
         S s = make<S>();
         const Scope scope(s);
         s = make<S>();
       }},
      {name + ".move_in_scope", "moving a strategy while a scope is open",
       reported + "moved with 1 scopes open",
       [] {
         S s = make<S>();
         const Scope scope(s);
         const S to = std::move(s);
       }},
      {name + ".write_after_restore", "writing to what a restore took back", poisoned,
       [] {
         S s = make<S>();
         fill(s.allocate(24), 24);
         s.checkpoint();
         char* const p = fill(s.allocate(64), 64);
         s.restore();
         touch(p);
       }},
      {name + ".write_after_scope", "writing to what a scope's end took back", poisoned,
       [] {
         S s = make<S>();
         char* p = nullptr;
         {
           const Scope scope(s);
           p = fill(s.allocate(64), 64);
         }
         touch(p);
       }},
      {name + ".write_after_restore_and_reuse", "writing behind what was allocated after a restore",
       poisoned,
       [] {
         S s = make<S>();
         s.checkpoint();
         char* const p = fill(s.allocate(64), 64);
         s.restore();
         fill(s.allocate(16), 16);
         touch(p + 63);
       }},
      {name + ".right_use_of_checkpoints", "", "nothing",
       [] {
         S s = make<S>();
         char* const kept = fill(s.allocate(24), 24);
         for (int round = 0; round != 3; ++round) {
           const Scope scope(s);
           fill(s.allocate(64), 64);
           s.checkpoint();
           char* const p = fill(s.allocate(64), 64);
           s.checkpoint();
           if (s.try_resize(p, 64, 200))
             fill(p, 200);
           s.restore();
           fill(p, 64);
           s.restore();
           fill(s.allocate(100), 100);
         }
         fill(kept, 24);
         s.reset();
         fill(s.allocate(100), 100);
       }},
  };
}

} // namespace misuse
