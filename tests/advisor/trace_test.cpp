// What a trace's reader gives back, and what it refuses.
#include "recording.hpp"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

/// Two threads' events, which alternate in frames of many.
void record_some(const std::string& path, bool finished = true) {
  Recording r(path);
  for (std::uint32_t t = 0; t < 2; ++t) {
    r.on_thread(t);
    r.enter(1);
  }
  std::vector<Recording::Address> blocks;
  for (int i = 0; i < 20000; ++i) {
    r.on_thread(static_cast<std::uint32_t>(i) / 7 % 2);
    const Call call(r, 2 + static_cast<std::uint32_t>(i) % 5);
    blocks.push_back(r.allocate(static_cast<std::uint64_t>(i) + 1));
    if (i % 3 == 0) {
      r.free(blocks.back());
      blocks.pop_back();
    }
    if (i % 11 == 10 && !blocks.empty())
      blocks.back() = r.reallocate(blocks.back(), static_cast<std::uint64_t>(i) * 2 + 1);
  }
  if (finished)
    r.finish(0.5);
  else
    r.flush_all();
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::uint64_t count_events(const trace::Trace& trace) {
  trace::Events events(trace);
  std::uint64_t n = 0;
  for (trace::Event e; events.next(e);)
    ++n;
  return n;
}

/// What the reader says of a file with this content; empty if it reads it to the end.
std::string refusal_of(const std::string& content) {
  const TemporaryFile file;
  write(file.path(), content);
  try {
    count_events(trace::Trace::open(file.path()));
    return {};
  } catch (const trace::Error& error) {
    return error.what();
  }
}

TEST(Trace, GivesTheEventsOfAllThreadsInTheirOrder) {
  const TemporaryFile file;
  record_some(file.path());
  const trace::Trace trace = trace::Trace::open(file.path());
  trace::Events events(trace);
  std::uint64_t order = 0;
  std::uint64_t n = 0;
  std::uint64_t sizes = 0;
  for (trace::Event e; events.next(e);) {
    ASSERT_EQ(e.order, ++order);
    if (e.operation == trace::Operation::reallocate)
      ++order;
    ASSERT_EQ(e.got, order);
    ++n;
    sizes += e.operation == trace::Operation::malloc ? e.size : 0;
  }
  EXPECT_EQ(n, trace.events());
  EXPECT_EQ(sizes, 20000u * 20001u / 2);
  EXPECT_EQ(trace.threads(), 2u);
  ASSERT_TRUE(trace.footer());
  EXPECT_EQ(trace.footer()->events, n);
  EXPECT_EQ(trace.footer()->processor_ns, 500000000u);
}

TEST(Trace, CanBeReadMoreThanOnce) {
  const TemporaryFile file;
  record_some(file.path());
  const trace::Trace trace = trace::Trace::open(file.path());
  EXPECT_EQ(count_events(trace), trace.events());
  EXPECT_EQ(count_events(trace), trace.events());
}

TEST(Trace, WithoutAFooterWasCutShortAndIsReadUpToThere) {
  const TemporaryFile file;
  record_some(file.path(), false);
  const trace::Trace trace = trace::Trace::open(file.path());
  EXPECT_FALSE(trace.footer());
  EXPECT_GT(trace.events(), 20000u);
  EXPECT_EQ(count_events(trace), trace.events());
}

TEST(Trace, CutAnywhereIsReadUpToItsLastWholeFrame) {
  const TemporaryFile file;
  record_some(file.path());
  const std::string whole = content(file.path());
  for (std::size_t length = 16; length < whole.size(); length += whole.size() / 97 + 1)
    EXPECT_EQ(refusal_of(whole.substr(0, length)), "") << length;
}

TEST(Trace, RefusesWhatIsNone) {
  EXPECT_EQ(refusal_of(""), "not a trace");
  EXPECT_EQ(refusal_of("allot"), "not a trace");
  EXPECT_EQ(refusal_of("%PDF-1.7 and so on, for longer than a preamble"), "not a trace");
}

TEST(Trace, RefusesANewerVersion) {
  const TemporaryFile file;
  record_some(file.path());
  std::string newer = content(file.path());
  newer[8] = 3;
  EXPECT_EQ(refusal_of(newer), "a trace of a newer version of allot");
}

TEST(Trace, RefusesAnOlderVersion) {
  const TemporaryFile file;
  record_some(file.path());
  std::string older = content(file.path());
  older[8] = 1;
  EXPECT_EQ(refusal_of(older), "a trace of an older version of allot: record it again");
}

TEST(Trace, ASingleChangedByteIsFoundOrDoesNoHarm) {
  const TemporaryFile file;
  record_some(file.path());
  const std::string whole = content(file.path());
  std::minstd_rand random(1);
  int found = 0;
  for (int i = 0; i < 300; ++i) {
    std::string changed = whole;
    changed[16 + random() % (whole.size() - 16)] ^= static_cast<char>(1u << random() % 8);
    found += refusal_of(changed).empty() ? 0 : 1;
  }
  EXPECT_GT(found, 250); // the checksums
}

/// A file with one frame that is whole, but says what cannot be.
std::string with_frame(trace::FrameHeader header, const std::vector<std::uint8_t>& payload) {
  const TemporaryFile file;
  {
    trace::Writer writer(file.path());
    writer.put(header, payload);
  }
  return content(file.path());
}

trace::FrameHeader header_of(trace::FrameKind kind, std::uint64_t count) {
  trace::FrameHeader header{};
  header.kind = static_cast<std::uint32_t>(kind);
  header.count = count;
  header.first = 1;
  header.last = count;
  return header;
}

TEST(Trace, RefusesAContextWhoseCallerComesLater) {
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::contexts, 1), {5, 0, 0})), "");
}

TEST(Trace, RefusesMoreThanItsFrameHolds) {
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::contexts, 1u << 30), {0, 0, 0})), "");
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::events, 1u << 30), {0, 0, 0})), "");
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::events, 3), {0, 0, 0, 2, 1})), "");
}

TEST(Trace, RefusesAnEventWithAContextThatIsNotThere) {
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::events, 1), {0, 0, 9, 2, 1})), "");
}

TEST(Trace, RefusesAReallocationThatEndsBeyondItsFrame) {
  trace::FrameHeader header = header_of(trace::FrameKind::events, 1);
  header.last = 2;
  EXPECT_EQ(refusal_of(with_frame(header, {5, 0, 0, 2, 2, 1, 0})), "");
  EXPECT_EQ(refusal_of(with_frame(header, {5, 0, 0, 2, 2, 1, 1})),
            "damaged: an event that cannot be");
}

TEST(Trace, RefusesAnUnknownOperation) {
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::events, 1), {15, 0, 0, 2, 1})), "");
}

TEST(Trace, RefusesAFrameOfAnUnknownKind) {
  EXPECT_NE(refusal_of(with_frame(header_of(static_cast<trace::FrameKind>(77), 1), {0})), "");
}

TEST(Trace, RefusesATextThatIsLongerThanItsFrame) {
  EXPECT_NE(refusal_of(with_frame(header_of(trace::FrameKind::program, 1), {1, 200, 'a'})), "");
}

TEST(Trace, RefusesFramesOfAThreadThatOverlap) {
  const TemporaryFile file;
  {
    trace::Writer writer(file.path());
    const std::vector<std::uint8_t> two = {0, 0, 0, 2, 1, 0, 0, 0, 2, 1};
    writer.put(header_of(trace::FrameKind::events, 2), two);
    writer.put(header_of(trace::FrameKind::events, 2), two);
  }
  EXPECT_NE(refusal_of(content(file.path())), "");
}

TEST(Trace, KnowsTheContextsOfManyFrames) {
  const TemporaryFile file;
  {
    Recording r(file.path());
    r.enter(1);
    for (std::uint32_t f = 2; f < 100002; ++f) {
      const Call call(r, f);
      r.free(r.allocate(16));
    }
    r.finish(1);
  }
  const trace::Trace trace = trace::Trace::open(file.path());
  EXPECT_GT(trace.contexts().size(), 200000u);
  EXPECT_EQ(count_events(trace), 200000u);
  EXPECT_EQ(trace.contexts()[2].depth, 2u);
}

} // namespace
