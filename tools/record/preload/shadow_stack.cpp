#include "shadow_stack.hpp"

#include <cstddef>
#include <cstring>

#include <sys/mman.h>
#include <ucontext.h>

namespace record {
namespace {

constexpr std::uint32_t first_capacity = 1024;
constexpr std::uint32_t max_capacity = std::uint32_t{1} << 21;
constexpr std::uint64_t max_frame = std::uint64_t{1} << 20; // on a stack whose bounds aren't known

const std::uint64_t* word(std::uint64_t address) {
  return reinterpret_cast<const std::uint64_t*>(address); // NOLINT(performance-no-int-to-ptr)
}

// What a signal handler returns to has the ucontext_t above it.
constexpr std::uint64_t saved(int reg) {
  return offsetof(ucontext_t, uc_mcontext.gregs) + static_cast<std::uint64_t>(reg) * 8;
}

template <class T>
bool enlarge(T*& array, std::uint32_t from, std::uint32_t to) {
  auto* const larger = static_cast<T*>(fresh_memory(to * sizeof(T)));
  if (!larger)
    return false;
  if (array) {
    std::memcpy(larger, array, from * sizeof(T));
    ::munmap(array, from * sizeof(T));
  }
  array = larger;
  return true;
}

} // namespace

bool ShadowStack::start(Range home) {
  home_ = home;
  depth_ = seen_ = context_ = 0;
  return capacity_ != 0 || grow();
}

bool ShadowStack::grow() {
  const std::uint32_t to = capacity_ == 0 ? first_capacity : 2 * capacity_;
  if (to > max_capacity || !enlarge(frames_, capacity_, to) || !enlarge(links_, capacity_, to) ||
      !enlarge(new_frames_, capacity_, to) || !enlarge(new_links_, capacity_, to))
    return false;
  capacity_ = to;
  return true;
}

// How many of the outermost frames have been called as they were.
std::uint32_t ShadowStack::intact(std::uint32_t count) const {
  std::uint32_t i = 1;
  for (; i + 4 <= count; i += 4) {
    const Link* const l = links_ + i;
    if (((*l[0].slot ^ l[0].value) | (*l[1].slot ^ l[1].value) | (*l[2].slot ^ l[2].value) |
         (*l[3].slot ^ l[3].value)) != 0)
      break;
  }
  while (i < count && *links_[i].slot == links_[i].value)
    ++i;
  return i;
}

bool ShadowStack::leave(const Rule& rule, Registers& r, bool& exact, Frame& frame,
                        Link& link) const {
  frame.cfa = r.sp | 1;
  link = {nullptr, 0};
  const bool at_home = home_.has(r.sp);
  const auto plausible = [&](std::uint64_t a) {
    return a > r.sp && a % 8 == 0 && (at_home ? a <= home_.high : a - r.sp < max_frame);
  };
  const auto offset = static_cast<std::uint64_t>(std::int64_t{rule.offset} * 8);
  std::uint64_t cfa = 0;
  switch (rule.kind) {
  case Rule::signal:
    link = {word(r.sp + saved(REG_RIP)), *word(r.sp + saved(REG_RIP))};
    r = {link.value, *word(r.sp + saved(REG_RSP)), *word(r.sp + saved(REG_RBP))};
    exact = true;
    return true;
  case Rule::sp:
    cfa = r.sp + offset;
    break;
  case Rule::bp:
    cfa = r.bp + offset;
    break;
  case Rule::through:
    cfa = plausible(r.bp) ? *word(r.bp + offset) : 0;
    break;
  default:
    return false;
  }
  if (!plausible(cfa))
    return false;
  frame.cfa = cfa;
  link = {word(cfa - 8), *word(cfa - 8)};
  switch (rule.saved_bp) {
  case Rule::bp_same:
    break;
  case Rule::bp_pointed:
    r.bp = *word(r.bp);
    break;
  case Rule::bp_lost:
    r.bp = 0;
    break;
  default:
    r.bp = *word(cfa - 8 * std::uint64_t{rule.saved_bp});
  }
  r.ip = link.value;
  r.sp = cfa;
  exact = false;
  return r.ip != 0;
}

ShadowStack::Walk ShadowStack::walk(Places& places, Registers r) {
  Walk walk;
  std::uint32_t known = depth_; // frames that may be the same
  bool compared = false;
  bool exact = false;
  for (bool more = true; more; ++walk.found) {
    if (walk.found == capacity_ && !grow())
      return walk;
    Frame& frame = new_frames_[walk.found];
    const Rule rule = places.rule(r.ip, exact);
    frame.ip = r.ip;
    frame.function = r.ip - rule.into;
    more = leave(rule, r, exact, frame, new_links_[walk.found]);
    if (!home_.has(frame.cfa)) {
      walk.foreign = walk.found + 1;
      continue;
    }
    while (known != 0 && frames_[known - 1].cfa < frame.cfa)
      --known;
    if (known == 0 || frames_[known - 1].cfa != frame.cfa ||
        frames_[known - 1].function != frame.function)
      continue;
    if (!compared) {
      compared = true;
      // Beyond max_depth nobody asks which activation it is.
      const std::uint32_t count = known < trace::max_depth ? known : trace::max_depth;
      const std::uint32_t same = intact(count);
      if (same < count) {
        known = same;
        continue;
      }
    }
    walk.kept = known;
    walk.ip = frame.ip;
    return walk;
  }
  return walk;
}

std::uint32_t ShadowStack::context_of(Places& places, std::uint32_t depth, std::uint32_t parent,
                                      const Frame& frame) {
  if (depth >= trace::max_depth)
    return parent;
  return places.context(parent, frame.ip, static_cast<std::uint32_t>(frame.ip - frame.function));
}

ShadowStack::Step ShadowStack::step(Places& places, Registers r) {
  if (home_.has(r.sp))
    while (depth_ != 0 && frames_[depth_ - 1].cfa <= r.sp)
      --depth_;
  const Walk walk = this->walk(places, r);
  while (walk.kept + walk.found > capacity_)
    if (!grow())
      return {0, 0, false};

  depth_ = walk.kept;
  std::uint32_t context = 0;
  if (depth_ != 0) {
    Frame& last = frames_[depth_ - 1];
    if (last.ip != walk.ip) {
      last.ip = walk.ip;
      const std::uint32_t parent = depth_ > 1 ? frames_[depth_ - 2].context : 0;
      last.context = context_of(places, depth_ - 1, parent, last);
    }
    context = last.context;
  }
  std::uint32_t seen = depth_;
  for (std::uint32_t i = walk.found; i-- != 0; ++seen) {
    Frame& frame = new_frames_[i];
    context = frame.context = context_of(places, seen, context, frame);
    if (i >= walk.foreign) {
      frames_[seen] = frame;
      links_[seen] = new_links_[i];
      depth_ = seen + 1;
    }
  }
  const Step step{walk.kept < trace::max_depth ? walk.kept
                                               : static_cast<std::uint32_t>(trace::max_depth),
                  context, walk.found == 0 && walk.kept == seen_ && context == context_};
  seen_ = seen;
  context_ = context;
  return step;
}

} // namespace record
