// Operations that several strategies have, each compared with the model: bytes, objects, and
// going back.
#pragma once

#include "span.hpp"

#include <allot/detail/cleanups.hpp>
#include <allot/detail/creating.hpp>
#include <allot/detail/rewinding.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace model {

/// A released strategy, or one that was moved from, refuses everything.
template <class S>
void check_released(S& s, std::size_t bytes) {
  for (const std::size_t n : {bytes, std::size_t{0}}) {
    check(s.try_allocate(n) == nullptr, "refused when released");
    check(refusal([&] { return s.allocate(n, 16); }) == Errc::released, "refused as released");
  }
  check(refusal([&] { s.reset(); }) == Errc::released, "not reset when released");
  check(s.capacity() == 0 && s.used() == 0 && s.available() == 0, "nothing is left");
}

/// allocate, try_allocate, try_resize, reallocate, copy, owns and the statistics.
template <class S, class M>
class ByteOperations {
public:
  ByteOperations(S& strategy, M& model, Input& input) : s(strategy), m(model), in(input) {}

  void allocate() {
    const std::size_t how = in.below(4);
    const bool plain = how < 2;
    const std::size_t bytes = in.size();
    const std::size_t alignment = plain ? allot::granule : in.alignment();
    operation("allocate", bytes, alignment);
    if (!knows(bytes, alignment))
      return;
    const std::optional<Errc> expected = m.refusal(bytes, alignment);
    void* p = nullptr;
    if (how % 2 == 0 && worth_throwing(in, expected.has_value())) {
      const auto call = [&] { p = plain ? s.allocate(bytes) : s.allocate(bytes, alignment); };
      check(expected == refusal(call), "refused exactly when there is no room, for that reason");
    } else {
      p = plain ? s.try_allocate(bytes) : s.try_allocate(bytes, alignment);
      check((p == nullptr) == expected.has_value(), "refused exactly when there is no room");
    }
    if (!expected)
      served(p, bytes, alignment);
  }

  void copy() {
    const std::size_t bytes = in.below(200);
    operation("copy", bytes);
    char text[200];
    std::fill_n(text, bytes, static_cast<char>(bytes + 1));
    const std::optional<Errc> expected = m.refusal(bytes, allot::granule);
    if (!knows(bytes, allot::granule) || !worth_throwing(in, expected.has_value()))
      return;
    std::string_view copied;
    check(expected == refusal([&] { copied = s.copy(std::string_view(text, bytes)); }),
          "a copy is refused as an allocation is");
    if (expected || bytes == 0)
      return;
    check(copied == std::string_view(text, bytes), "a copy");
    std::memset(const_cast<char*>(copied.data()), 0, bytes);
    served(const_cast<char*>(copied.data()), bytes, allot::granule);
  }

  void resize() {
    Piece* const piece = m.pieces.pick(in);
    const std::size_t bytes = in.size();
    piece == nullptr ? resize_foreign(bytes) : resize(*piece, bytes);
  }
  void resize(Piece& piece, std::size_t bytes) {
    operation("try_resize", piece.bytes, bytes);
    const bool expected = m.resizes(piece, bytes);
    check(piece.intact(), "contents kept");
    check(s.try_resize(piece.p, piece.bytes, bytes) == expected, "resized exactly when possible");
    if (expected)
      resized(piece, bytes);
  }
  /// The newest, one after the other, as long as each can be.
  void give_back(std::size_t count) {
    Piece* piece = m.pieces.newest();
    for (; count != 0 && piece != nullptr && m.resizes(*piece, 0); --count) {
      resize(*piece, 0);
      check_state();
      piece = m.pieces.newest();
    }
  }

  void reallocate() { reallocate(m.pieces.pick(in), in.size()); }
  void reallocate(Piece* piece, std::size_t bytes) {
    const std::size_t alignment = in.one_in(4) ? in.alignment() : allot::granule;
    void* const old = piece == nullptr ? nullptr : piece->p;
    const std::size_t old_bytes = piece == nullptr ? 0 : piece->bytes;
    operation("reallocate", old_bytes, bytes, alignment);
    const bool in_place = piece != nullptr && allot::is_power_of_two(alignment) &&
                          is_aligned(old, alignment) && m.resizes(*piece, bytes);
    const bool alone = !in_place && piece != nullptr && regrows(*piece, bytes, alignment);
    if (!in_place && !alone && !knows(bytes, alignment))
      return;
    const std::optional<Errc> expected =
        in_place || alone ? std::optional<Errc>() : m.refusal(bytes, alignment);
    check(piece == nullptr || piece->intact(), "contents kept");
    void* p = nullptr;
    if (in.one_in(2) && worth_throwing(in, expected.has_value())) {
      check(expected == refusal([&] { p = s.reallocate(old, old_bytes, bytes, alignment); }),
            "refused exactly when there is no room, for that reason");
    } else {
      p = s.try_reallocate(old, old_bytes, bytes, alignment);
      check((p == nullptr) == expected.has_value(), "refused exactly when there is no room");
    }
    if (expected)
      return;
    if (in_place) {
      check(p == old, "resized in place");
      return resized(*piece, bytes);
    }
    if (alone)
      return regrown(*piece, p, bytes, alignment);
    if (piece != nullptr) {
      const std::size_t kept = std::min(old_bytes, bytes);
      check(holds(static_cast<std::byte*>(p), kept, piece->value), "contents moved");
      if (kept != 0)
        std::memset(p, 0, kept);
      *piece = Piece{piece->p}; // taken until all is taken back, but nobody's to touch
    }
    served(p, bytes, alignment);
  }

  void refuse_foreign() {
    std::size_t other[8] = {};
    operation("foreign");
    check(!s.owns(other), "owns nothing foreign");
    check(refusal([&] { return s.reallocate(other, 64, 32); }) == Errc::foreign_pointer,
          "refused what is foreign");
    resize_foreign(in.size());
    if (const Piece* const piece = m.pieces.pick(in))
      check(!s.try_resize(piece->p, in.unservable(), in.size()), "refused a size that none has");
  }

  void reset_peak() {
    operation("reset_peak");
    s.reset_peak();
    m.reset_peak();
  }

  /// One of the above.
  void any() {
    switch (in.below(16)) {
    case 0:
      return in.one_in(4) ? reset_peak() : refuse_foreign();
    case 1:
    case 2:
      return reallocate();
    case 7:
      return give_back(1 + in.below(4) * in.below(8));
    case 3:
    case 4:
    case 5:
      return resize();
    case 6:
      return copy();
    default:
      return allocate();
    }
  }

  void check_state() {
    check(s.used() == m.used(), "used");
    check(s.available() == m.available(), "available");
    check(s.capacity() == m.capacity(), "capacity");
    check(s.peak() == m.peak, "peak");
  }
  void check_all() {
    m.pieces.check_contents();
    for (const Piece& piece : m.pieces.all)
      if (piece.bytes != 0)
        check(s.owns(piece.p) && s.owns(piece.p + piece.bytes - 1), "owns what is allocated");
  }

  S& s;
  M& m;
  Input& in;

protected:
  /// Whether it is certain what such a request meets.
  [[nodiscard]] bool knows(std::size_t bytes, std::size_t alignment) const {
    if constexpr (requires { m.knows(bytes, alignment); })
      return m.knows(bytes, alignment);
    else
      return true;
  }

private:
  void served(void* p, std::size_t bytes, std::size_t alignment) {
    check(p != nullptr && is_aligned(p, std::max(alignment, allot::granule)), "aligned");
    if (bytes == 0)
      return;
    m.served(p, bytes, alignment);
    const std::size_t dirty = s.dirty_bytes(p, bytes);
    check(dirty <= bytes && holds(bytes_of(p) + dirty, bytes - dirty, 0),
          "what is not dirty is zero");
    m.add(p, bytes);
  }
  void resized(Piece& piece, std::size_t bytes) {
    check(holds(piece.p, std::min(piece.bytes, bytes), piece.value), "contents kept in place");
    m.resized(piece, bytes);
    piece.fill();
    check(bytes != 0 || !s.owns(piece.p), "what was given back is gone");
    if constexpr (requires { m.lower_records(); })
      m.lower_records();
  }
  // A piece that is alone in its place, and moves as one.
  [[nodiscard]] bool regrows(const Piece& piece, std::size_t bytes, std::size_t alignment) const {
    if constexpr (requires { m.regrows(piece, bytes, alignment); })
      return m.regrows(piece, bytes, alignment);
    else
      return false;
  }
  void regrown(Piece& piece, void* p, std::size_t bytes, std::size_t alignment) {
    if constexpr (requires { m.regrown(piece, p, bytes, alignment); }) {
      check(p != nullptr && is_aligned(p, std::max(alignment, allot::granule)), "aligned");
      check(holds(bytes_of(p), piece.bytes, piece.value), "contents moved");
      check(!s.owns(piece.p), "the old place is gone");
      m.regrown(piece, p, bytes, alignment);
      piece.fill();
    }
  }
  void resize_foreign(std::size_t bytes) {
    static std::size_t other[8]; // of a local one GCC 12 fears that it is kept
    check(!s.try_resize(other, sizeof other, bytes), "not resized what is foreign");
    check(!s.try_resize(nullptr, 0, bytes), "not resized what is null");
  }
};

// ----------------------------------------------------------------------------------------- objects

/// Objects that were made, and when each is to end.
class Ends {
public:
  static std::vector<unsigned>& seen() {
    static std::vector<unsigned> all;
    return all;
  }
  /// What an object does when it is taken back.
  static std::function<void()>& hook() {
    static std::function<void()> call;
    return call;
  }
  std::vector<unsigned> made; // oldest first

  /// All but the first `count` must just have been destroyed, newest first.
  void expect_back_to(std::size_t count) {
    check(seen().size() == made.size() - count, "destroyed what was made, once");
    check(std::equal(seen().begin(), seen().end(), made.rbegin()), "newest first");
    seen().clear();
    made.resize(count);
  }
};

struct Failure {};

template <std::size_t alignment>
class alignas(alignment) Witness {
public:
  /// Calls `inside` with its address, which may throw.
  template <class Call>
  explicit Witness(unsigned number, Call&& inside) : number_(number) {
    inside(this);
    guard_ = ~number;
  }
  Witness() : number_(next()(this)), guard_(~number_) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() {
    check(guard_ == ~number_, "an object is destroyed once, and intact");
    guard_ = number_;
    Ends::seen().push_back(number_);
    if (Ends::hook() && !next()) // not when its array is not made after all
      Ends::hook()();
  }
  /// Gives a default constructed object its number, or throws.
  static std::function<unsigned(void*)>& next() {
    static std::function<unsigned(void*)> call;
    return call;
  }
  [[nodiscard]] unsigned number() const { return number_; }

private:
  unsigned number_;
  unsigned guard_ = 0;
};

/// create and create_array, with constructors that allocate, create and throw.
template <class S, class M>
class ObjectOperations : public ByteOperations<S, M> {
public:
  using Base = ByteOperations<S, M>;
  using Base::Base, Base::s, Base::m, Base::in;
  Ends ends;

  /// One of those that make objects.
  void any_object() {
    switch (in.below(4)) {
    case 0:
      return create_array();
    case 1:
      return create_plain();
    default:
      return create();
    }
  }

  void create() { in.one_in(4) ? create_one<64>() : create_one<8>(); }

  void create_array() {
    using T = Witness<16>;
    constexpr std::size_t offset = allot::Cleanups::array_offset<T>;
    const std::size_t count = in.one_in(16) ? in.unservable() : in.below(12);
    const std::size_t throws_at = in.one_in(6) ? in.below(12) : count;
    operation("create_array", count, throws_at);
    const std::size_t bytes =
        count == 0 ? 0
                   : allot::saturating_add(allot::saturating_multiply(count, sizeof(T)), offset);
    const std::size_t alignment = alignof(T);
    const std::optional<Errc> expected = m.refusal(bytes, alignment);
    if (!this->knows(bytes, alignment) || !worth_throwing(in, expected.has_value()))
      return;
    const auto before = m.position();
    std::vector<unsigned> numbers;
    T::next() = [&](void* p) {
      if (numbers.empty()) {
        m.served(static_cast<std::byte*>(p) - offset, bytes, alignment);
        m.add_object(static_cast<std::byte*>(p) - offset, bytes);
      }
      if (numbers.size() == throws_at)
        throw Failure();
      numbers.push_back(next_number());
      return numbers.back();
    };
    std::span<T> made;
    bool failed = false;
    try {
      check(expected == refusal([&] { made = s.template create_array<T>(count); }),
            "an array is refused as an allocation is");
    } catch (Failure) {
      failed = true;
    }
    T::next() = nullptr;
    if (failed) {
      check(std::equal(numbers.rbegin(), numbers.rend(), Ends::seen().begin(), Ends::seen().end()),
            "what was made of an array is destroyed, newest first");
      Ends::seen().clear();
      m.rewind(before);
      return;
    }
    if (expected)
      return;
    check(made.size() == count && is_aligned(made.data(), alignof(T)), "an array");
    ends.made.insert(ends.made.end(), numbers.begin(), numbers.end());
  }

  /// Without a destructor there is no record.
  void create_plain() {
    struct alignas(32) Plain {
      unsigned char bytes[32];
    };
    operation("create a plain object");
    const std::optional<Errc> expected = m.refusal(sizeof(Plain), alignof(Plain));
    if (!this->knows(sizeof(Plain), alignof(Plain)) || !worth_throwing(in, expected.has_value()))
      return;
    Plain* p = nullptr;
    check(expected == refusal([&] { p = s.template create<Plain>(); }), "refused as an allocation");
    if (expected)
      return;
    m.served(p, sizeof(Plain), alignof(Plain));
    m.add(p, sizeof(Plain));
  }

  void check_state() {
    Base::check_state();
    check(s.objects() == ends.made.size(), "objects");
  }

private:
  static unsigned next_number() {
    static unsigned number = 0;
    return number++;
  }

  template <std::size_t alignment>
  void create_one() {
    using T = Witness<alignment>;
    enum {
      plain,
      allocates,
      creates,
      throws,
      marks_and_throws,
      allocates_and_throws,
      creates_and_throws
    };
    constexpr std::size_t offset = allot::Cleanups::object_offset<T>;
    constexpr std::size_t bytes = offset + sizeof(T);
    const std::size_t how = in.one_in(3) ? in.below(7) : std::size_t{plain};
    const unsigned number = next_number();
    operation("create", alignment, how);
    const std::optional<Errc> expected = m.refusal(bytes, alignment);
    if (!this->knows(bytes, alignment) || !worth_throwing(in, expected.has_value()))
      return;
    const auto before = m.position();
    auto reserved = before;
    std::size_t made = ends.made.size();
    const auto inside = [&](T* object) {
      std::byte* const block = bytes_of(object) - offset;
      m.served(block, bytes, alignment);
      m.add_object(block, bytes);
      reserved = m.position();
      if (how == allocates || how == allocates_and_throws)
        this->allocate();
      if (how == creates || how == creates_and_throws)
        create_one<8>();
      if constexpr (requires { m.expect_another(); })
        if (how == marks_and_throws) // it goes with the object
          check(m.expect_another() == refusal([&] { s.checkpoint(); }), "room for a checkpoint");
      if (how >= throws)
        throw Failure();
    };
    T* object = nullptr;
    try {
      check(expected == refusal([&] { object = s.template create<T>(number, inside); }),
            "an object is refused as an allocation is");
    } catch (Failure) {
      check(Ends::seen().empty(), "what was not made is not destroyed");
      if (m.position() == reserved && ends.made.size() == made)
        m.rewind(before);
      return;
    }
    if (expected)
      return;
    check(object->number() == number && is_aligned(object, alignment), "an object");
    ends.made.push_back(number);
  }
};

// -------------------------------------------------------------------------------------- going back

/// Whether it resets, as it does unless a scope is open.
template <class S>
[[nodiscard]] bool resets(S& s, bool in_scope) {
  operation("reset", in_scope);
  if (in_scope)
    check(refusal([&] { s.reset(); }) == Errc::busy, "not reset under a scope");
  else
    s.reset();
  return !in_scope;
}
/// Whether it releases, likewise.
template <class S>
[[nodiscard]] bool releases(S& s, bool in_scope) {
  operation("release", in_scope);
  s.release();
  check(Reports::take() == (in_scope ? std::optional(Errc::busy) : std::nullopt),
        "not released under a scope");
  return !in_scope;
}
/// To another place, and back; its scopes are idle then.
template <class S, class Check>
void move_and_back(S& s, bool in_scope, Check check_moved_from) {
  operation("move", in_scope);
  S other(std::move(s));
  check(Reports::take() == (in_scope ? std::optional(Errc::busy) : std::nullopt),
        "moved under a scope is reported");
  check_moved_from(s);
  s = std::move(other);
  check_moved_from(other);
}

/// A model with checkpoints and scopes, which remember what `ends`, if there are any, had made.
template <class M>
class Rewound : public M {
public:
  using M::M;
  struct Record {
    typename M::Position position;
    std::size_t objects;
    std::size_t scope; // its number; 0: it is of a checkpoint
  };
  std::vector<Record> records; // oldest first

  [[nodiscard]] static bool is_scope(const Record& record) { return record.scope != 0; }
  [[nodiscard]] std::size_t scopes() const {
    return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), is_scope));
  }
  [[nodiscard]] std::size_t checkpoints() const { return records.size() - scopes(); }
  [[nodiscard]] bool can_restore() const { return !records.empty() && !is_scope(records.back()); }
  /// Why another checkpoint must be refused, if it must; it is about to be made.
  [[nodiscard]] std::optional<Errc> expect_another() {
    return this->has_room_for(checkpoints() + 1) ? std::optional<Errc>() : Errc::no_room;
  }

  void lower_records() {
    for (Record& record : records)
      this->lower(record.position);
  }
  void keep_records(std::size_t count) {
    records.resize(count);
    this->set_checkpoints(checkpoints());
  }
  void drop_scopes() { std::erase_if(records, is_scope); }
};

/// checkpoint, restore and scopes, which end in any order. `Operations` are those above.
template <class Operations>
class RewindOperations : public Operations {
public:
  using Operations::Operations, Operations::s, Operations::m, Operations::in;

  void checkpoint() {
    operation("checkpoint");
    const std::optional<Errc> expected = m.expect_another();
    if (!worth_throwing(in, expected.has_value()))
      return;
    std::size_t before = 0;
    check(expected == refusal([&] { before = s.checkpoint(); }),
          "a checkpoint is refused exactly when its record has no room");
    if (expected)
      return;
    check(before == m.checkpoints(), "the number of checkpoints before");
    add_record(0);
  }
  void restore() {
    operation("restore", m.records.size());
    if (!m.can_restore()) {
      if (worth_throwing(in, true))
        check(refusal([&] { s.restore(); }) == Errc::no_checkpoint,
              "no checkpoint is left in the innermost scope");
      return;
    }
    about_to_restore(m.records.back());
    s.restore();
    restored();
  }
  void open_scope() {
    if (open_.size() == 20)
      return;
    operation("scope", m.records.size());
    open_.push_back({std::make_unique<Scope>(s), ++last_});
    add_record(last_);
  }
  /// The innermost, mostly.
  void end_scope() {
    if (!open_.empty())
      end_scope(in.one_in(8) ? in.below(256) % open_.size() : open_.size() - 1);
  }
  void end_all_scopes() {
    while (!open_.empty())
      end_scope();
  }
  /// Takes everything back. False: a scope is open; else the model is to follow.
  [[nodiscard]] bool reset() {
    this->check_all();
    return resets(s, m.scopes() != 0) && forgot_records();
  }
  [[nodiscard]] bool release() {
    this->check_all();
    return releases(s, m.scopes() != 0) && forgot_records();
  }
  template <class Check>
  void move(Check check_moved_from) {
    move_and_back(s, m.scopes() != 0, check_moved_from);
    m.drop_scopes();
  }
  /// One of checkpoint, restore and scopes.
  void any_of_them() {
    switch (in.below(8)) {
    case 0:
      return open_scope();
    case 1:
      return end_scope();
    case 2:
    case 3:
      return restore();
    default:
      return checkpoint();
    }
  }

private:
  using Scope = typename std::remove_reference_t<decltype(std::declval<Operations&>().s)>::Scope;
  struct Open {
    std::unique_ptr<Scope> scope;
    std::size_t number;
  };

  void end_scope(std::size_t i) {
    Open open = std::move(open_[i]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    const auto record = std::find_if(m.records.begin(), m.records.end(),
                                     [&](const auto& other) { return other.scope == open.number; });
    operation("end of scope", static_cast<std::size_t>(record - m.records.begin()));
    if (record == m.records.end()) {
      open.scope.reset();
      check(!Reports::take(), "a scope of what was moved ends quietly");
    } else if (std::none_of(record + 1, m.records.end(), m.is_scope)) {
      about_to_restore(*record);
      open.scope.reset();
      check(!Reports::take(), "a scope ended in order");
      m.records.erase(record + 1, m.records.end());
      restored();
    } else {
      open.scope.reset();
      check(Reports::take() == Errc::no_checkpoint, "a scope that ends out of order is reported");
      m.records.erase(record);
    }
  }

  bool forgot_records() {
    if constexpr (requires { this->ends; })
      this->ends.expect_back_to(0);
    m.keep_records(0);
    return true;
  }
  [[nodiscard]] std::size_t objects() const {
    if constexpr (requires { this->ends; })
      return this->ends.made.size();
    else
      return 0;
  }
  void about_to_restore(const auto& record) const {
    m.pieces.check_contents(record.position.pieces);
  }
  void add_record(std::size_t scope) {
    m.records.push_back({m.position(), objects(), scope});
    m.set_checkpoints(m.checkpoints());
  }
  void restored() {
    const auto record = m.records.back();
    check_gone(record.position.pieces);
    m.keep_records(m.records.size() - 1);
    m.rewind(record.position);
    if constexpr (requires { this->ends; })
      this->ends.expect_back_to(record.objects);
  }
  void check_gone(std::size_t from) const {
    for (std::size_t i = from; i < m.pieces.all.size(); ++i)
      check(m.pieces.all[i].bytes == 0 || !s.owns(m.pieces.all[i].p), "what was restored is gone");
  }

  std::vector<Open> open_;
  std::size_t last_ = 0;
};

} // namespace model
