#include <allot/draw.hpp>

#include "support.hpp"

#include <allot/allocator.hpp>
#include <allot/allot.hpp>
#include <allot/draw/figures.hpp>
#include <allot/pmr.hpp>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace allot;

namespace {

template <class S>
std::string drawn(const S& strategy, std::size_t width = 60) {
  return "\n" + draw(strategy, {.width = width}).text();
}

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);)
    most = std::max(most, detail::columns(line));
  return most;
}

TEST(Draw, OfBumpIsWhatIsUsedAndWhatIsFree) {
  Bump bump(64);
  (void)bump.allocate(16);
  EXPECT_EQ(drawn(bump, 40), R"(
bump: 16 of 64 bytes used, 48 left, peak
  16
  |#########.......... 48 B ...........|
            ^ peak: 16
  # used  . free
)");
}

// draw.hpp shows this one.
TEST(Draw, OfArenaShowsWhatWasSkippedAndItsCheckpointsAndPeak) {
  alignas(64) std::byte memory[512];
  Arena arena(Buffer::borrowed(memory), {.name = "request"});
  (void)arena.allocate(40);
  (void)arena.allocate(64, 64);
  (void)arena.checkpoint();
  (void)arena.allocate(32);
  EXPECT_EQ(drawn(arena), R"(
arena "request": 160 of 512 bytes used, 352 left, peak 160
  |####///## 96 B ##+............... 352 B ................|
                 ^ checkpoint 0: 128
                    ^ peak: 160
  # used  . free  / skipped to align  + partly used
)");
}

TEST(Draw, OfArenaOnABufferShowsTheRoomOfManyCheckpoints) {
  alignas(64) std::byte memory[512];
  Arena arena(Buffer::borrowed(memory));
  (void)arena.allocate(64);
  for (int i = 0; i != 5; ++i)
    (void)arena.checkpoint();
  const Strip strip = draw(arena).picture().strips.at(0);
  EXPECT_EQ(strip.segments.back().fill, Fill::records);
  EXPECT_EQ(strip.bytes(), sizeof memory);
  EXPECT_EQ(strip.marks.size(), 6u);
}

TEST(Draw, CountsTheObjectsThatArenasMustDestroy) {
  Arena arena(1024);
  (void)arena.create<std::string>();
  EXPECT_EQ(draw(arena).picture().notes, std::vector<std::string>{"1 object to destroy"});
}

TEST(Draw, OfAnArenaThatRewoundShowsNoPaddingAboveItsHead) {
  Arena arena(1024);
  (void)arena.allocate(8);
  (void)arena.checkpoint();
  (void)arena.allocate(8, 64);
  arena.restore();
  const Strip strip = draw(arena).picture().strips.at(0);
  ASSERT_EQ(strip.segments.size(), 2u);
  EXPECT_EQ(strip.segments[0].bytes, 8u);
  EXPECT_EQ(strip.segments[1].fill, Fill::free);
}

TEST(Draw, ShowsSkipsOfEverySize) {
  MappedArena arena(64_MiB);
  (void)arena.allocate(8);
  (void)arena.allocate(8, 64);
  (void)arena.allocate(8, 16_MiB); // so many bytes that they do not fit into one word
  std::size_t skipped = 0;
  const Strip strip = draw(arena).picture().strips.at(0);
  for (const Segment& segment : strip.segments)
    skipped += segment.fill == Fill::padding ? segment.bytes : 0;
  EXPECT_EQ(skipped, arena.used() - 3 * 8);
}

TEST(Draw, KnowsWhatWasSkippedWhateverWasGivenBack) {
  Arena arena(64_KiB);
  std::uint32_t random = 1;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  struct Block {
    void* p;
    std::size_t bytes;
    std::size_t used_before;
  };
  std::vector<Block> blocks;
  std::vector<std::size_t> checkpoints;
  for (int i = 0; i != 5000; ++i) {
    const std::uint32_t what = next(10);
    const std::size_t bytes = 1 + next(100);
    const std::size_t before = arena.used();
    if (what < 6) {
      if (void* const p = arena.try_allocate(bytes, std::size_t{8} << next(6)))
        blocks.push_back({p, bytes, before});
    } else if (what == 6 && !blocks.empty() &&
               (checkpoints.empty() || checkpoints.back() < blocks.size())) {
      EXPECT_TRUE(arena.try_resize(blocks.back().p, blocks.back().bytes, 0));
      EXPECT_EQ(arena.used(), blocks.back().used_before);
      blocks.pop_back();
    } else if (what == 7) {
      (void)arena.checkpoint();
      checkpoints.push_back(blocks.size());
    } else if (what == 8 && !checkpoints.empty()) {
      arena.restore();
      blocks.resize(checkpoints.back());
      checkpoints.pop_back();
    }
    std::size_t handed_out = 0;
    for (const Block& block : blocks)
      handed_out += round_up(block.bytes);
    const Strip strip = draw(arena).picture().strips.at(0);
    std::size_t used = 0;
    for (const Segment& segment : strip.segments)
      used += segment.fill == Fill::used ? segment.bytes : 0;
    ASSERT_EQ(used, handed_out) << "after " << i;
    ASSERT_EQ(strip.bytes(), arena.capacity());
  }
}

TEST(Draw, OfScratchShowsScopesBesideCheckpoints) {
  Scratch scratch(1024);
  (void)scratch.allocate(200);
  (void)scratch.checkpoint();
  (void)scratch.allocate(200);
  const auto scope = scratch.scope();
  (void)scratch.allocate(200);
  (void)scratch.checkpoint();
  (void)scratch.allocate(200);
  scratch.restore();
  EXPECT_EQ(drawn(scratch, 80), R"(
scratch: 600 of 1,024 bytes used, 424 left, peak 800
  |################## 600 B ###################+........... 424 B .............|
                 ^ checkpoint 0: 200                          ^ peak: 800
                                ^ scope: 400
  # used  . free  + partly used
)");
}

TEST(Draw, OfRegionIsItsArenasToOneScale) {
  Region region({.arena_size = 64, .max_arena_size = 128});
  for (int i = 0; i != 5; ++i)
    (void)region.allocate(24);
  (void)region.allocate(200);
  (void)region.checkpoint();
  EXPECT_EQ(drawn(region), R"(
region: 320 of 392 bytes used, 56 left, peak 320
  arena 1   |########+..| 48 of 64
  current 2 |### 72 B ###+. 56 B ..| 72 of 128
                         ^ checkpoint 0: 72
  large 1   |############## 200 B ##############| 200 of 200
  # used  . free  + partly used
)");
  region.restore();
  region.reset();
  EXPECT_EQ(drawn(region), R"(
region: 0 of 392 bytes used, 0 left, peak 320
  spare       |--- 64 B ----| 64
  spare       |--------- 128 B ----------| 128
  large spare |---------------- 200 B -----------------| 200
  - held, not in use
)");
}

TEST(Draw, OfALongRegionLeavesOutTheOldestArenas) {
  Region region({.arena_size = 1024, .max_arena_size = 1024});
  (void)region.checkpoint();
  for (int i = 0; i != 20; ++i)
    (void)region.allocate(1024);
  (void)region.checkpoint();
  const Picture picture = draw(region).picture();
  EXPECT_EQ(picture.strips.size(), 8u);
  EXPECT_EQ(picture.strips.front().label, "arena 13");
  EXPECT_EQ(picture.strips.back().label, "current 20");
  EXPECT_EQ(picture.strips.back().marks.at(0).text, "checkpoint 1");
  EXPECT_EQ(picture.notes,
            (std::vector<std::string>{"12 older arenas of 12 KiB together, not shown",
                                      "1 checkpoint not shown"}));
}

TEST(Draw, OfMappedArenaTellsWhatIsReservedBesideTheScale) {
  MappedArena arena(1_MiB);
  (void)arena.allocate(5000);
  EXPECT_EQ(drawn(arena), R"(
mapped_arena: 5,000 of 1,048,576 bytes used, 1,043,576 left,
  peak 5,000
  |#### 4.9 KiB #####+-----------| ... 1016 KiB of addresses
                     ^ peak: 5,000
  # used  - held, not in use  + partly used
)");
}

TEST(Draw, OfStackShowsItsMarksAndScopes) {
  Stack stack(64);
  (void)stack.push(1);
  (void)stack.mark();
  (void)stack.push(2);
  const auto scope = stack.scope();
  (void)stack.push(3);
  EXPECT_EQ(drawn(stack, 40), R"(
stack: 24 of 64 bytes used, 40 left,
  peak 24
  |### 24 B #####....... 40 B .........|
       ^ mark 0: 8
            ^ scope: 16
                ^ peak: 24
  # used  . free
)");
}

TEST(Draw, OfAFewBlocksIsABoxForEach) {
  BlockPool pool(16, 5);
  void* const first = pool.allocate();
  (void)pool.allocate();
  pool.deallocate(first);
  EXPECT_EQ(drawn(pool), R"(
block_pool: 1 of 5 blocks of 16 bytes used, peak 2
  |.......|#######|.......|.......|.......|
  # used  . free
)");
}

TEST(Draw, OfManyBlocksIsARowOfThemOnEachLine) {
  for (const Order order : {Order::first_free, Order::any}) {
    BlockPool pool(16, 200, {.order = order});
    std::vector<void*> blocks(70);
    pool.allocate_many(blocks);
    for (const std::size_t i : {1u, 2u, 3u, 64u})
      pool.deallocate(blocks[i]);
    EXPECT_EQ(drawn(pool, 80), R"(
block_pool: 66 of 200 blocks of 16 bytes used, peak 70
    0 |#...############################################################|
   64 |.#####..........................................................|
  128 |................................................................|
  192 |........|
  # used  . free
)");
  }
}

TEST(Draw, OfMoreBlocksThanThereIsRoomForHasSeveralInOneColumn) {
  BlockPool pool(16, 100'000);
  std::vector<void*> blocks(10'000);
  pool.allocate_many(blocks);
  pool.deallocate(blocks[5000]);
  EXPECT_EQ(drawn(pool, 80), R"(
block_pool: 9,999 of 100,000 blocks of 16 bytes used, peak 10,000
       0 |#######################################+########################|
   8,192 |##############+.................................................|
  16,384 |................................................................|
       *
  98,304 |..............|
  each is 128 of them
  # used  . free  + partly used
)");
}

TEST(Draw, OfSlotsShowsWhichAreInUse) {
  SlotArena arena(8, 4);
  (void)arena.allocate();
  EXPECT_EQ(drawn(arena, 40), R"(
slot_arena: 1 of 4 slots of 8 bytes
  used, peak 1
  |#######|.......|.......|.......|
  # used  . free
)");
}

struct Node {
  Node() = default;
  Node(TypedArena<Node>& arena, bool fails) {
    arena.create();
    if (fails)
      throw 1; // NOLINT(hicpp-exception-baseclass)
  }
  long long values[2] = {};
};

TEST(Draw, OfTypedArenaShowsItsHoles) {
  TypedArena<Node> arena(5);
  arena.create();
  EXPECT_THROW(arena.create(arena, true), int);
  EXPECT_EQ(drawn(arena, 40), R"(
typed_arena: 3 of 5 objects of 16 bytes
  used, peak 3
  |######|oooooo|######|......|......|
  # used  . free
  o hole: a constructor failed
  1 hole
)");
}

TEST(Draw, OfObjectPoolTellsWhatIsLentAndWhatIsAvailable) {
  ObjectPool<long long> pool(0);
  long long& first = pool.acquire();
  long long& second = pool.acquire();
  (void)pool.acquire();
  pool.give_back(first);
  pool.give_back(second);
  const auto lease = pool.lease();
  EXPECT_EQ(drawn(pool), R"(
object_pool: 2 objects of 8 bytes in use, 1 available, peak
  3
  |--|LL|##|..|..|..|..|..|..|..|..|..|..|..|..|..|
  # used  L used, leased  - held, not in use  . free
)");
}

TEST(Draw, OfObjectPoolNamesItsChunksWhereTheyAreSeveral) {
  ObjectPool<long long> pool(0);
  for (int i = 0; i != 20; ++i)
    (void)pool.acquire();
  EXPECT_EQ(drawn(pool), R"(
object_pool: 20 objects of 8 bytes in use, 0 available, peak
  20
  chunk 1 |##|##|##|##|##|##|##|##|##|##|##|##|##|##|##|##|
  chunk 2  0 |####............................|
  # used  . free
)");
}

TEST(Draw, OfMultipoolIsItsSlabsAndEachSizeOfBlocks) {
  Multipool pool({.reserve = 1_MiB});
  for (int i = 0; i != 500; ++i)
    (void)pool.allocate(64);
  (void)pool.allocate(32_KiB);
  (void)pool.allocate(200'000);
  EXPECT_EQ(drawn(pool, 100), R"(
multipool: 265,472 of 1,048,576 bytes used, 655,360 left, peak 393,216
  slabs         |###+...+###+...+###### 196 KiB #######+.......| ... 640 KiB of addresses
  64 B blocks   |#####+.....| 500 of 992
  32 KiB blocks |######......| 1 of 2
  # used  . free  + partly used
  1 large object
)");
}

TEST(Draw, OfAResourceOrAllocatorIsItsStrategy) {
  Arena arena(1024, {.name = "request"});
  (void)arena.allocate(100);
  EXPECT_EQ(drawn(Resource(arena)), drawn(arena));
  EXPECT_EQ(drawn(Allocator<int, Arena>(arena)), drawn(arena));
}

TEST(Draw, OfPoolResourcesIsEachSizeOfBlocks) {
  pmr::unsynchronized_pool_resource resource;
  (void)resource.allocate(64, 8);
  const Picture picture = draw(resource).picture();
  ASSERT_EQ(picture.strips.size(), 2u);
  EXPECT_EQ(picture.strips[1].label, "64 B blocks");
  EXPECT_TRUE(picture.strips[1].caption.starts_with("1 of "));
  resource.release();
  EXPECT_EQ(draw(pmr::synchronized_pool_resource()).picture().strips.size(), 1u);
  EXPECT_EQ(draw(pmr::monotonic_buffer_resource()).picture().strips.size(), 1u);
}

TEST(Draw, KeepsToItsWidthAndFillsIt) {
  Scratch scratch(10'000, {.name = "some name that is rather long"});
  for (int i = 0; i != 30; ++i) {
    (void)scratch.allocate(static_cast<std::size_t>(i) * 10);
    (void)scratch.checkpoint();
  }
  for (const std::size_t width : {40u, 80u, 200u}) {
    const std::string text = draw(scratch, {.width = width}).text();
    EXPECT_EQ(longest_line(text), width) << text;
  }
  EXPECT_EQ(drawn(scratch, 1), drawn(scratch, 40));
}

TEST(Draw, IsToScale) {
  Region region({.arena_size = 1000, .max_arena_size = 8000});
  for (int i = 0; i != 8; ++i)
    (void)region.allocate(992);
  const Picture picture = draw(region).picture();
  for (const std::size_t width : {40u, 80u, 200u}) {
    std::istringstream lines(draw(region, {.width = width}).text());
    std::size_t strip = 0;
    std::size_t longest = 0;
    std::vector<std::size_t> cells;
    for (std::string line; std::getline(lines, line);) {
      if (const std::size_t begin = line.find('|'); begin != std::string::npos) {
        cells.push_back(line.find('|', begin + 1) - begin - 1);
        longest = std::max(longest, cells.back());
      }
    }
    ASSERT_EQ(cells.size(), picture.strips.size());
    const std::size_t most = detail::longest(picture);
    for (const Strip& one : picture.strips)
      EXPECT_EQ(cells[strip++], detail::to_scale(one.bytes(), most, longest));
  }
}

#if !defined(_WIN32) // which has no setenv
TEST(Draw, GoesByColumnsWhereNoWidthIsGiven) {
  Bump bump(1024, {.name = "a name that is not short"});
  ASSERT_EQ(setenv("COLUMNS", "64", 1), 0);
  std::ostringstream out;
  out << draw(bump);
  EXPECT_EQ(out.str(), draw(bump, {.width = 64}).text());
  ASSERT_EQ(setenv("COLUMNS", "none", 1), 0);
  EXPECT_EQ(draw(bump).text(), draw(bump, {.width = 80}).text());
  ASSERT_EQ(unsetenv("COLUMNS"), 0);
  EXPECT_EQ(draw(bump).text(), draw(bump, {.width = 80}).text());
}
#endif

// ------------------------------------------------------------------------------------------- SVG

/// What is wrong with an XML text that has neither comments nor sections; empty: nothing.
std::string fault_of_xml(std::string_view xml) {
  std::vector<std::string> open;
  bool seen = false;
  while (!xml.empty()) {
    const std::size_t at = xml.find_first_of("<>&");
    if (at == std::string_view::npos)
      break;
    xml.remove_prefix(at);
    if (xml.front() == '&') {
      const std::size_t end = xml.find(';');
      const std::string_view entity = xml.substr(0, end);
      if (entity != "&amp" && entity != "&lt" && entity != "&gt")
        return "an entity: " + std::string(entity.substr(0, 10));
      xml.remove_prefix(end);
      continue;
    }
    const std::size_t end = xml.find('>');
    if (xml.front() == '>' || end == std::string_view::npos)
      return "a bracket that is not a tag's";
    const std::string tag(xml.substr(1, end - 1));
    xml.remove_prefix(end + 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0)
      return "quotes in " + tag;
    const std::string name = tag.substr(0, tag.find(' '));
    if (tag.back() == '/')
      continue;
    if (tag.front() != '/') {
      if (open.empty() && seen)
        return "a second root: " + name;
      seen = true;
      open.push_back(name);
    } else if (open.empty() || "/" + open.back() != name) {
      return "the end of " + name;
    } else {
      open.pop_back();
    }
  }
  return !seen ? "no element" : open.empty() ? "" : "no end of " + open.back();
}

TEST(Draw, SvgIsOneElementWithATitleAndADescription) {
  alignas(256) std::byte memory[4096];
  Scratch scratch(Buffer::borrowed(memory), {.name = R"(a < b & "c" > d)"});
  (void)scratch.allocate(100);
  (void)scratch.checkpoint();
  (void)scratch.allocate(100, 256);
  const std::string svg = draw(scratch).svg();
  EXPECT_EQ(fault_of_xml(svg), "") << svg;
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""));
  EXPECT_NE(svg.find("<title>scratch \"a &lt; b &amp; \"c\" &gt; d\": 3"), std::string::npos)
      << svg;
  EXPECT_NE(svg.find("checkpoint 0 at 104; peak at "), std::string::npos) << svg;
  EXPECT_NE(svg.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
}

TEST(Draw, SvgOfABitmapHasASquareForEachBlock) {
  BlockPool pool(16, 100);
  (void)pool.allocate();
  const std::string svg = draw(pool).svg();
  EXPECT_EQ(fault_of_xml(svg), "") << svg;
  std::size_t squares = 0;
  for (std::size_t at = 0; (at = svg.find("width=\"12\"", at)) != std::string::npos; ++at)
    ++squares;
  EXPECT_EQ(squares, 100u);
  EXPECT_NE(svg.find("<title>0: used</title>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<title>99: free</title>"), std::string::npos) << svg;
}

// --------------------------------------------------------------------------------- figures, names

TEST(Draw, FiguresForPeopleTellWhetherTheyAreExact) {
  using detail::in_units;
  EXPECT_EQ(in_units(0), "0 B");
  EXPECT_EQ(in_units(1023), "1023 B");
  EXPECT_EQ(in_units(1024), "1 KiB");
  EXPECT_EQ(in_units(1025), "1.0 KiB");
  EXPECT_EQ(in_units(65'088), "63.6 KiB");
  EXPECT_EQ(in_units(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(in_units(std::uint64_t{1} << 40), "1 TiB");
  EXPECT_EQ(in_units(~std::uint64_t{0}), "16.0 EiB");
  EXPECT_EQ(detail::grouped(1'234'567), "1,234,567");
  EXPECT_EQ(detail::grouped(999), "999");
}

TEST(Draw, NamesAreShownWithoutWhatATerminalWouldObey) {
  using detail::shown;
  EXPECT_EQ(shown("plain"), "plain");
  EXPECT_EQ(shown("a\x1B[2J\nb\x7F"), "a?[2J?b?");
  EXPECT_EQ(shown("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(shown("\xC0\x80 \xED\xA0\x80 \xF5\x80 \xE4\xBD"), "?? ??? ?? ??");
  EXPECT_EQ(shown("\xC2\x9B"), "?"); // which begins a command, too
}

TEST(Draw, NamesTakeTheColumnsThatATerminalGivesThem) {
  using detail::columns;
  EXPECT_EQ(columns("plain"), 5u);
  EXPECT_EQ(columns("gr\xC3\xBC\xC3\x9F"), 4u);
  EXPECT_EQ(columns("\xE4\xBD\xA0\xE5\xA5\xBD"), 4u); // two ideographs
  EXPECT_EQ(columns("\xF0\x9F\x98\x80"), 2u);         // a face
  EXPECT_EQ(columns("e\xCC\x81"), 1u);                // an accent of its own
}

TEST(Draw, LongTextIsWrappedBetweenWords) {
  using detail::wrapped;
  EXPECT_EQ(wrapped("one two three", 20, "  "), std::vector<std::string>{"one two three"});
  EXPECT_EQ(wrapped("one two three", 8, "  "), (std::vector<std::string>{"one two", "  three"}));
  EXPECT_EQ(wrapped("immeasurable", 8, "  "), std::vector<std::string>{"immeasurable"});
  EXPECT_EQ(wrapped("immeasurable a", 8, "  "), (std::vector<std::string>{"immeasurable", "  a"}));
}

} // namespace
