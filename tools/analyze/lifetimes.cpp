#include "lifetimes.hpp"

#include "cuts.hpp"
#include "replay.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace analyze {
namespace {

/// The blocks of a site that one slot of threads has now.
struct Living {
  std::uint32_t slot;
  bool ordered = true; // as long as `births` is kept
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t since = 0;     // when the first came
  std::uint64_t allocated = 0; // bytes since then
  std::vector<std::uint64_t> births;
};

class Measuring {
public:
  Measuring(const trace::Trace& trace, const Stacks& stacks)
      : stacks_(stacks), living_(stacks.sites().size()), threads_(trace.threads()) {
    out.sites.resize(stacks.sites().size());
  }

  void event(const trace::Event& e, std::uint64_t number) {
    now_ = e.order;
    threads_[e.thread].cuts.add(number, e.kept);
  }

  void gone(const Block& block, const trace::Event& e, std::uint64_t number) {
    const std::uint32_t site = stacks_.site_of(block.context);
    Lives& lives = out.sites[site];
    ++lives.deaths;
    lives.ages += e.order - block.order;
    lives.threads |= std::uint64_t{1} << (e.thread % thread_slots);
    Thread& thread = threads_[e.thread];
    if (e.thread != block.thread) {
      ++lives.foreign;
      ++out.foreign;
      survive(lives, 0);
    } else {
      survive(lives, stacks_.folded_depth(block.context, thread.cuts.kept_since(block.number)));
      if (thread.grown.number + 1 == number && grows(block, e, thread.grown))
        ++out.sites[thread.grown.site].growths;
    }
    if (thread.died.number + 1 == number && born_together(block, thread.died))
      accompany(lives, thread.died.site);
    thread.died = {number, block.order, site};
    remove(lives, living(site, block.thread), block);
    if (e.operation == trace::Operation::reallocate) {
      ++out.reallocations;
      ++lives.moves;
      if (e.size > block.size)
        ++out.sites[stacks_.site_of(e.context)].growths;
    } else {
      ++out.releases;
    }
    bytes_ -= block.size;
  }

  void unknown(const trace::Event&) { ++out.unknown; }

  void lost(const Block& block) {
    const std::uint32_t site = stacks_.site_of(block.context);
    remove(out.sites[site], living(site, block.thread), block);
    bytes_ -= block.size;
  }

  void got(const Block& block, const trace::Event& e) {
    const std::uint32_t site = stacks_.site_of(block.context);
    Lives& lives = out.sites[site];
    ++lives.calls;
    lives.objects +=
        e.operation == trace::Operation::new_object || e.operation == trace::Operation::new_array
            ? 1
            : 0;
    ++out.calls;
    lives.bytes += block.size;
    out.bytes += block.size;
    bytes_ += block.size;
    out.peak_bytes = std::max(out.peak_bytes, bytes_);
    lives.min_size = std::min(lives.min_size, block.size);
    lives.max_size = std::max(lives.max_size, block.size);
    lives.threads |= std::uint64_t{1} << (block.thread % thread_slots);

    Living& now = living(site, block.thread);
    if (now.blocks++ == 0) {
      now.since = block.order;
      now.allocated = 0;
    }
    now.bytes += block.size;
    now.allocated += block.size;
    lives.most_live = std::max(lives.most_live, now.blocks);
    lives.most_live_bytes = std::max(lives.most_live_bytes, now.bytes);
    lives.most_bytes = std::max(lives.most_bytes, now.allocated);
    if (now.ordered)
      now.births.push_back(block.order);
    if (e.operation != trace::Operation::reallocate)
      threads_[block.thread].grown = {block.number, block.size, block.context, site};
  }

  void left(const Block& block) {
    const std::uint32_t site = stacks_.site_of(block.context);
    ++out.left;
    out.left_bytes += block.size;
    Lives& lives = out.sites[site];
    lives.longest = std::max(lives.longest, now_ - living(site, block.thread).since);
  }

  void finish() {
    for (const Thread& thread : threads_)
      out.threads += thread.cuts.any() ? 1 : 0;
  }

  Lifetimes out;

private:
  /// The last block that a thread got.
  struct Grown {
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::uint32_t context = 0;
    std::uint32_t site = 0;
  };
  /// The last block that a thread gave back.
  struct Died {
    std::uint64_t number = 0;
    std::uint64_t born = 0;
    std::uint32_t site = 0;
  };
  struct Thread {
    Cuts cuts;
    Grown grown;
    Died died;
  };

  /// Allocate, move the content, free: the activation that got a larger block gives back a smaller
  /// one.
  bool grows(const Block& block, const trace::Event& e, const Grown& to) const {
    return to.size >= block.size + block.size / 3 && to.size / 4 <= block.size &&
           e.kept >= stacks_.depth(to.context) && e.operation != trace::Operation::reallocate;
  }

  static bool born_together(const Block& block, const Died& before) {
    constexpr std::uint64_t near = 8;                    // events
    return block.order - before.born + near <= 2 * near; // modulo 2^64
  }

  /// Finds the most frequent one, if it has a majority.
  static void accompany(Lives& lives, std::uint32_t site) {
    if (lives.companion == site)
      ++lives.accompanied;
    else if (lives.accompanied != 0)
      --lives.accompanied;
    else
      lives.companion = site, lives.accompanied = 1;
  }

  static void survive(Lives& lives, std::uint32_t depth) {
    for (auto& [at, count] : lives.survived) {
      if (at == depth) {
        ++count;
        return;
      }
    }
    lives.survived.emplace_back(depth, 1);
  }

  Living& living(std::uint32_t site, std::uint32_t thread) {
    const std::uint32_t slot = thread % thread_slots;
    for (Living& living : living_[site])
      if (living.slot == slot)
        return living;
    living_[site].push_back({.slot = slot, .births = {}});
    return living_[site].back();
  }

  void remove(Lives& lives, Living& now, const Block& block) const {
    now.bytes -= block.size;
    if (now.ordered)
      take_newest(lives, now, block.order);
    if (--now.blocks == 0)
      lives.longest = std::max(lives.longest, now_ - now.since);
  }

  static void take_newest(Lives& lives, Living& now, std::uint64_t birth) {
    constexpr std::size_t far = 64; // from the end, beyond which nothing is in order
    auto& births = now.births;
    const auto end = births.rbegin() + static_cast<std::ptrdiff_t>(std::min(far, births.size()));
    const auto found = std::find(births.rbegin(), end, birth);
    if (found != births.rbegin())
      ++lives.breaks;
    if (found != end) {
      births.erase(found.base() - 1);
    }
    if (found == end || lives.breaks > 64 + lives.calls / 500) {
      lives.breaks = lives.calls + (std::uint64_t{1} << 40); // no order at all
      now.ordered = false;
      births = {};
    }
  }

  const Stacks& stacks_;
  std::vector<std::vector<Living>> living_; // by site; few have more than one
  std::vector<Thread> threads_;
  std::uint64_t now_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace

std::uint64_t Lives::deaths_within(std::uint32_t depth) const {
  std::uint64_t n = 0;
  for (const auto& [at, count] : survived)
    n += at >= depth ? count : 0;
  return n;
}

std::uint32_t Lives::scope_depth() const {
  std::uint32_t deepest = 0;
  for (const auto& [at, count] : survived)
    if (at > deepest && deaths_within(at) * 1000 >= calls * 999)
      deepest = at;
  return deepest;
}

Lifetimes measure_lifetimes(const trace::Trace& trace, const Stacks& stacks) {
  Measuring measuring(trace, stacks);
  replay(trace, measuring);
  measuring.finish();
  return std::move(measuring.out);
}

} // namespace analyze
