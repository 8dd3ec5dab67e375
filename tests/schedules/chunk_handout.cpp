// ChunkHandout: what is handed out is nobody else's, lies inside, and is all that is taken.
#include "model.hpp"
#include "protocols.hpp"

#include <allot/threads/chunk_handout.hpp>

#include <algorithm>
#include <memory>

namespace schedules {
namespace {

using allot::detail::ChunkHandout;

template <class Atomics>
struct Range {
  using Handout = ChunkHandout<Atomics>;
  using Piece = typename Handout::Piece;
  static constexpr std::size_t size = 176;
  static constexpr std::size_t least = 32;

  Handout handout{size};
  std::vector<Piece> pieces[2]; // a thread's

  void chunk(int thread) { pieces[thread].push_back(handout.take_chunk(least, least)); }
  void exactly(int thread, std::size_t bytes, std::size_t alignment) {
    const Piece piece = handout.take_exactly(bytes, alignment);
    expect(piece.bytes == 0 || (piece.begin + piece.bytes) % alignment == bytes % alignment,
           "a piece is not aligned");
    pieces[thread].push_back(piece);
  }

  void check(bool used_up) {
    std::vector<Piece> all = pieces[0];
    all.insert(all.end(), pieces[1].begin(), pieces[1].end());
    std::sort(all.begin(), all.end(),
              [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
    std::size_t end = 0;
    for (const Piece& piece : all) {
      if (piece.bytes == 0)
        continue;
      expect(piece.begin >= end, "pieces overlap");
      expect(piece.begin <= end, "bytes between pieces were lost");
      end = piece.begin + piece.bytes;
    }
    expect(end <= size, "a piece lies outside");
    expect(end == handout.taken(), "something was taken by nobody");
    expect(end == size || !used_up, "something is left");
  }
};

template <class Atomics>
Program with_chunks() {
  const auto range = std::make_shared<Range<Atomics>>();
  const auto take = [=](int thread) {
    for (int i = 0; i != 4; ++i)
      range->chunk(thread);
  };
  return {{[=] { take(0); }, [=] { take(1); }}, [=] { range->check(true); }};
}

template <class Atomics>
Program with_both() {
  const auto range = std::make_shared<Range<Atomics>>();
  return {{[=] {
             range->chunk(0);
             range->exactly(0, 40, 16);
             range->chunk(0);
             range->exactly(0, 8, 64);
           },
           [=] {
             range->exactly(1, 24, 32);
             range->chunk(1);
             range->exactly(1, 88, 8);
             range->chunk(1);
           }},
          [=] { range->check(false); }};
}

} // namespace

Cases chunk_handout_cases() {
  return {
      {"chunk hand-out", [] { return with_chunks<Model>(); }, nullptr},
      {"chunk hand-out, and exactly", [] { return with_both<Model>(); }, nullptr},
      {"chunk hand-out in two steps", [] { return with_chunks<Torn>(); }, ""},
      {"chunk hand-out, and exactly, in two steps", [] { return with_both<Torn>(); }, ""},
  };
}

} // namespace schedules
