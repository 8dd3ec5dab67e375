#include "memory.hpp"
#include "operations.hpp"

#include <allot/typed_arena.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace {

using namespace model;

template <class T>
class TypedArenaDriver {
public:
  explicit TypedArenaDriver(Input& input) : in_(input) {
    Ends::hook() = [this] {
      check(arena_.available() == 0, "closed while destructors run");
      if (++ended_ % 64 == 0)
        check(refusal([&] { return arena_.create(0U, [](T*) {}); }) == Errc::busy, "closed");
    };
  }

  void run() {
    for (; !in_.empty(); check_state()) {
      switch (in_.below(128)) {
      case 0:
        reset();
        break;
      case 1:
        in_.one_in(4) ? release() : move();
        break;
      case 2:
        look_past_the_end();
        break;
      default:
        in_.one_in(3) ? look() : create();
      }
    }
    release();
  }

private:
  struct Object {
    T* p = nullptr; // null: its constructor failed
    unsigned number = 0;
  };

  allot::TypedArena<T> make() {
    const std::size_t bytes = 2 * sizeof(T) + in_.below(8192);
    allot::Buffer buffer = memory_.draw(in_, bytes, false);
    const std::size_t scale = buffer.gap().stretch(1);
    begin_ =
        buffer.data() + allot::padding(reinterpret_cast<std::uintptr_t>(buffer.data()), alignof(T));
    stride_ = sizeof(T) * scale;
    capacity_ = (buffer.extent() - static_cast<std::size_t>(begin_ - buffer.data())) / stride_;
    peak_ = 0;
    return allot::TypedArena<T>(std::move(buffer));
  }

  /// An object whose constructor may create others, and may fail.
  void create() {
    enum { plain, creates, throws, creates_and_throws };
    const std::size_t how = in_.one_in(3) ? in_.below(4) : std::size_t{plain};
    const unsigned number = next_++;
    const std::size_t index = objects_.size();
    const bool expected = index < capacity_;
    operation("create", index, how);
    if (!worth_throwing(in_, !expected))
      return;
    typename allot::TypedArena<T>::Slot slot{};
    bool failed = false;
    const auto inside = [&](T* p) {
      check(bytes_of(p) == begin_ + index * stride_, "the next slot");
      objects_.push_back({p, number});
      peak_ = std::max(peak_, objects_.size());
      for (std::size_t i = how % 2 == 0 ? 0 : 1 + in_.below(2); i != 0; --i)
        create();
      if (how >= throws)
        throw Failure();
    };
    try {
      const auto refused = refusal([&] { slot = arena_.create(number, inside); });
      check(expected ? !refused : refused == Errc::no_room, "refused exactly when full");
    } catch (Failure) {
      failed = true;
    }
    if (failed) {
      check(Ends::seen().empty(), "what was not made is not destroyed");
      if (objects_.size() == index + 1)
        objects_.pop_back();
      else
        objects_[index].p = nullptr; // others were made since
    } else if (expected) {
      check(slot.index == index && slot.ptr == objects_[index].p, "the object");
    }
  }
  void look() {
    if (objects_.empty())
      return;
    const std::size_t index = in_.below(65536) % objects_.size();
    operation("at", index);
    const Object& object = objects_[index];
    if (object.p == nullptr) {
      if (worth_throwing(in_, true))
        check(refusal([&] { return arena_.at(index).number(); }) == Errc::out_of_bounds, "a hole");
      return;
    }
    check(&arena_[index] == object.p && object.p->number() == object.number, "an object");
    check(arena_.owns(object.p), "owns it");
  }
  void look_past_the_end() {
    const std::size_t index = allot::saturating_add(objects_.size(), in_.size());
    operation("at", index);
    check(refusal([&] { return arena_.at(index).number(); }) == Errc::out_of_bounds,
          "out of bounds");
  }

  void reset() {
    operation("reset");
    arena_.reset();
    expect_all_destroyed();
  }
  void release() {
    operation("release");
    arena_.release();
    expect_all_destroyed();
    arena_.release();
    check_released(arena_);
    memory_.check_surroundings();
    arena_ = make();
  }
  void move() {
    operation("move");
    allot::TypedArena<T> other(std::move(arena_));
    check_released(arena_);
    arena_ = std::move(other);
    check_released(other);
  }
  void expect_all_destroyed() {
    Ends ends;
    for (const Object& object : objects_)
      if (object.p != nullptr)
        ends.made.push_back(object.number);
    ends.expect_back_to(0);
    objects_.clear();
  }
  void check_released(allot::TypedArena<T>& arena) {
    check(refusal([&] { return arena.create(0U, [](T*) {}); }) == Errc::released, "released");
    check(refusal([&] { return arena.at(0).number(); }) == Errc::released, "released");
    check(refusal([&] { arena.reset(); }) == Errc::released, "released");
    check(arena.capacity() == 0 && arena.used() == 0 && arena.available() == 0, "nothing is left");
  }
  void check_state() const {
    check(arena_.capacity() == capacity_, "capacity");
    check(arena_.used() == objects_.size(), "used");
    check(arena_.available() == capacity_ - objects_.size(), "available");
    check(arena_.peak() == peak_, "peak");
  }

  Input& in_;
  Memory memory_;
  std::size_t stride_ = 0, capacity_ = 0, peak_ = 0;
  std::byte* begin_ = nullptr;
  unsigned next_ = 0, ended_ = 0;
  std::vector<Object> objects_;
  allot::TypedArena<T> arena_ = make();
};

const Driver driver("typed_arena", [](Input& input) {
  if (input.one_in(2))
    TypedArenaDriver<Witness<8>>(input).run();
  else
    TypedArenaDriver<Witness<64>>(input).run();
});

} // namespace
