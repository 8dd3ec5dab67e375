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
  if (to > max_capacity || !enlarge(frames_, capacity_, to) || !enlarge(new_frames_, capacity_, to))
    return false;
  capacity_ = to;
  return true;
}

// How many of the outermost frames have been called as they were.
std::uint32_t ShadowStack::intact(std::uint32_t count) const {
  const auto difference = [this](std::uint32_t i) {
    return *word(frames_[i].cfa - 8) ^ frames_[i - 1].ip;
  };
  std::uint32_t i = 1;
  for (; i + 4 <= count; i += 4)
    if ((difference(i) | difference(i + 1) | difference(i + 2) | difference(i + 3)) != 0)
      break;
  while (i < count && difference(i) == 0)
    ++i;
  return i;
}

std::uint64_t ShadowStack::highest(std::uint64_t sp) const {
  return home_.has(sp) ? home_.high : sp + max_frame;
}

// The CFA of a frame that is not as most are, and where it leads; 0 where there is no way on.
[[gnu::cold]] std::uint64_t ShadowStack::leave_seldom(std::uint64_t packed, Cursor& at) const {
  const Rule rule = Rule::unpacked(packed);
  const auto offset = static_cast<std::uint64_t>(std::int64_t{rule.offset} * 8);
  if (rule.kind == Rule::own_sp || rule.kind == Rule::own_bp || rule.kind == Rule::through) {
    std::uint64_t cfa = (rule.kind == Rule::own_sp ? at.sp : at.bp) + offset;
    if (rule.kind == Rule::through)
      cfa = at.bp > at.sp && at.bp < at.high ? *word(cfa) : 0;
    if (cfa <= at.sp || cfa > at.high)
      return 0;
    at.bp = rule.saved_bp == Rule::bp_same      ? at.bp
            : rule.saved_bp == Rule::bp_lost    ? 0
            : rule.saved_bp == Rule::bp_pointed ? *word(at.bp)
                                                : *word(cfa - 8 * std::uint64_t{rule.saved_bp});
    at.ip = *word(cfa - 8);
    at.sp = cfa;
    at.exact = false;
    return cfa;
  }
  if (rule.kind != Rule::signal)
    return 0;
  const std::uint64_t context = at.sp;
  at.ip = *word(context + saved(REG_RIP));
  at.bp = *word(context + saved(REG_RBP));
  at.sp = *word(context + saved(REG_RSP));
  at.exact = true;
  at.high = highest(at.sp);
  return context + saved(REG_RIP) + 8; // as if the handler had been called from there
}

inline ShadowStack::Walk ShadowStack::walk(Places& places, Registers r) {
  Walk walk;
  std::uint32_t known = depth_; // frames that may be the same
  bool compared = false;
  Cursor at{r, false, highest(r.sp)};
  for (bool more = true; more;) {
    if (walk.found == capacity_ && !grow())
      return walk;
    const std::uint64_t packed = places.rule(at.ip, at.exact);
    const Rule rule = Rule::unpacked(packed);
    const std::uint64_t ip = at.ip;
    std::uint64_t cfa = (rule.kind == Rule::bp ? at.bp : at.sp) +
                        static_cast<std::uint64_t>(std::int64_t{rule.offset} * 8);
    if (rule.kind != Rule::sp && rule.kind != Rule::bp) {
      const std::uint64_t end = at.sp | 1;
      Cursor next = at;
      cfa = leave_seldom(packed, next);
      at = next;
      more = cfa != 0;
      cfa = more ? cfa : end;
    } else if (cfa > at.sp && cfa <= at.high) {
      if (rule.saved_bp != Rule::bp_same)
        at.bp = rule.saved_bp == Rule::bp_lost ? 0 : *word(cfa - 8 * std::uint64_t{rule.saved_bp});
      at.ip = *word(cfa - 8);
      at.sp = cfa;
      at.exact = false;
      more = at.ip != 0;
    } else {
      cfa = at.sp | 1;
      more = false;
    }
    if (rule.kind == Rule::own_sp || rule.kind == Rule::own_bp)
      continue;
    new_frames_[walk.found++] = {cfa, ip, rule.into, 0};
    if (!home_.has(cfa)) {
      walk.foreign = walk.found;
      continue;
    }
    while (known != 0 && frames_[known - 1].cfa < cfa)
      --known;
    if (known == 0 || frames_[known - 1].cfa != cfa ||
        frames_[known - 1].function() != ip - rule.into)
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
    --walk.found;
    walk.kept = known;
    walk.ip = ip;
    walk.into = rule.into;
    return walk;
  }
  return walk;
}

ShadowStack::Step ShadowStack::step(Places& places, Registers r) {
  const Walk walk = this->walk(places, r);
  while (walk.kept + walk.found > capacity_)
    if (!grow())
      return {0, 0, 0};

  // Frames further in than max_depth are in the context of the last one that isn't.
  const auto context_of = [&places](std::uint32_t depth, std::uint32_t parent, const Frame& frame) {
    return depth < trace::max_depth ? places.context(parent, frame.ip, frame.into) : parent;
  };
  std::uint32_t depth = walk.kept;
  std::uint32_t context = 0;
  if (depth != 0) {
    Frame& last = frames_[depth - 1];
    if (last.ip != walk.ip) {
      last.ip = walk.ip;
      last.into = walk.into;
      last.context = context_of(depth - 1, depth > 1 ? frames_[depth - 2].context : 0, last);
    }
    context = last.context;
  }
  depth_ = depth;
  for (std::uint32_t i = walk.found; i-- != 0; ++depth) {
    Frame frame = new_frames_[i];
    context = frame.context = context_of(depth, context, frame);
    if (i >= walk.foreign) {
      frames_[depth] = frame;
      depth_ = depth + 1;
    }
  }
  const bool same = walk.found == 0 && walk.kept == seen_ && context == context_;
  seen_ = depth;
  context_ = context;
  return {walk.kept < trace::max_depth ? walk.kept : trace::max_depth, context, same};
}

} // namespace record
