#include "operations.hpp"
#include "region_model.hpp"

#include <allot/region.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace {

using namespace model;

class RegionDriver {
public:
  explicit RegionDriver(Input& input) : in_(input) {
    Ends::hook() = [this] {
      check(region_.try_allocate(8) == nullptr, "closed while destructors run");
    };
  }

  void run() {
    while (!in_.empty()) {
      one();
      check_state();
    }
    ops_.end_all_scopes();
    release();
    region_ = allot::Region();
    check(upstream_.blocks() == 0, "all is given back upstream");
    memory_.check_surroundings();
  }

private:
  void one() {
    switch (in_.below(64)) {
    case 0:
      return in_.one_in(4) ? release() : reset();
    case 1:
      return move();
    case 2:
      return trim(in_.one_in(4) ? 0 : in_.size());
    case 3:
      return ops_.check_all();
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return one_alone();
    default:
      if (in_.one_in(6))
        return ops_.any_of_them();
      in_.one_in(4) ? ops_.any_object() : ops_.any();
    }
  }

  allot::Region make() {
    allot::RegionOptions options;
    options.zero = !in_.one_in(4);
    options.arena_size = 1 + in_.below(in_.one_in(4) ? 8192 : 512);
    const bool limited = in_.one_in(2);
    options.limit = limited ? in_.below(in_.one_in(2) ? 4096 : 65536) : allot::max_size;
    const bool on_heap = limited && in_.one_in(2);
    options.upstream = on_heap ? nullptr : &upstream_;
    upstream_.bound(in_.one_in(2) ? allot::max_size : in_.below(in_.one_in(2) ? 8192 : 65536));
    if (!on_heap && in_.one_in(2))
      options.max_arena_size = options.arena_size * in_.below(20);
    else
      options.max_arena_size = options.arena_size;
    options.retain = in_.one_in(4) ? in_.below(16384) : 0;
    options.marks = in_.one_in(4) ? in_.below(12) : 0;
    operation("region", options.arena_size, options.max_arena_size, options.limit);
    if (in_.one_in(3))
      return make_on(memory_.draw(in_, 1 + in_.below(in_.one_in(2) ? 1024 : 16384), options.zero),
                     options);
    model_ = Model(options, region_, on_heap ? nullptr : &upstream_, Span());
    return allot::Region(options);
  }
  allot::Region make_on(allot::Buffer buffer, const allot::RegionOptions& options) {
    Span first{buffer.data(), buffer.size(), buffer.gap().stretch(1)};
    operation("first buffer", first.size, options.marks);
    first.used = header_bytes();
    const std::size_t front = header_bytes() + first.skip(start_alignment);
    const bool on_heap = buffer.is_from_heap(); // then room for records is not in it
    const std::size_t aside =
        on_heap ? 0 : bytes_at_end(options.marks, 0, sizeof(allot::detail::RegionPosition));
    if (first.size <= front + aside) {
      check(refusal([&] { allot::Region(std::move(buffer), options); }) == Errc::bad_size,
            "refused where the header leaves nothing");
      return make();
    }
    first = Span{first.at(front), first.size - front - aside, first.scale};
    model_ = Model(options, region_, !options.upstream ? nullptr : &upstream_, first, !on_heap);
    return allot::Region(std::move(buffer), options);
  }

  // Something with a piece in an arena of its own, and not only to the newest.
  void one_alone() {
    Piece* const piece = model_.pick_large(in_);
    if (piece == nullptr)
      return;
    switch (in_.below(4)) {
    case 0:
      return ops_.resize(*piece, 0);
    case 1:
      return ops_.resize(*piece, 1 + in_.below(65536) % piece->bytes);
    case 2:
      return ops_.resize(*piece, piece->bytes + in_.below(64));
    default:
      return ops_.reallocate(piece, piece->bytes + in_.below(in_.one_in(2) ? 64 : 2048));
    }
  }

  void reset() {
    const std::size_t before = region_.capacity();
    if (ops_.reset())
      model_.reset(before);
  }
  void release() {
    if (!ops_.release())
      return;
    model_.release();
    check_state();
    if (in_.one_in(4))
      return;
    region_ = allot::Region(); // what it lay on is free now
    check(upstream_.blocks() == 0, "all is given back upstream");
    region_ = make();
  }
  void move() {
    ops_.move([this](allot::Region& region) {
      check_released(region, in_.size());
      check(refusal([&] { region.checkpoint(); }) == Errc::released, "moved from");
      check(refusal([&] { region.trim(); }) == Errc::released, "moved from");
    });
  }
  void trim(std::size_t keep) {
    operation("trim", keep);
    const std::size_t before = region_.capacity();
    region_.trim(keep);
    model_.trim(keep, before);
  }
  void check_state() {
    if (!model_.options.upstream && model_.has_large_spares())
      trim(0);
    ops_.check_state();
    model_.check_state();
  }

  using Model = Rewound<RegionModel>;
  Input& in_;
  Reports reports_;
  BoundedUpstream upstream_;
  Memory memory_;
  Model model_;
  allot::Region region_ = make();
  RewindOperations<ObjectOperations<allot::Region, Model>> ops_{region_, model_, in_};
};

const Driver driver("region", [](Input& input) { RegionDriver(input).run(); });

} // namespace
