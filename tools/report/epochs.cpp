#include "epochs.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>
#include <utility>

#include "../analyze/replay.hpp"

namespace report {
namespace {

using analyze::Block;

constexpr std::uint32_t no_function = 0;

/// Follows the epochs of an entry, each slot of threads by itself, as advice counts them. Epochs
/// are numbered from 1 on as they begin.
class Epochs {
public:
  struct Running {
    std::uint64_t number = 0;
    std::uint64_t blocks = 0; // of the entry
    std::uint64_t live = 0;
  };

  /// The one that the block belongs to; `live` is 1 if it just began.
  Running& got(const Block& block) {
    Running& running = of(block);
    if (running.live++ == 0)
      running = {++begun_, 0, 1};
    ++running.blocks;
    return running;
  }
  /// `live` is 0 if it is over.
  const Running& gone(const Block& block) {
    Running& running = of(block);
    --running.live;
    return running;
  }

private:
  Running& of(const Block& block) {
    const std::size_t slot = block.thread % analyze::thread_slots;
    if (slot >= running_.size())
      running_.resize(slot + 1);
    return running_[slot];
  }

  std::vector<Running> running_;
  std::uint64_t begun_ = 0;
};

/// A visitor that takes a block that is moved away from as gone only once the new one is there.
template <class Own>
class AfterMoves {
public:
  void event(const trace::Event& e, std::uint64_t) { now_ = e.order; }
  void unknown(const trace::Event&) {}
  void left(const Block&) {}
  void lost(const Block& block) { own().went(block, now_); }
  void gone(const Block& block, const trace::Event& e, std::uint64_t) {
    if (e.operation == trace::Operation::reallocate && e.address != 0)
      moved_ = block;
    else
      own().went(block, e.order);
  }
  void got(const Block& block, const trace::Event& e) {
    own().came(block);
    if (moved_)
      own().went(*moved_, e.order);
    moved_.reset();
  }

private:
  Own& own() { return static_cast<Own&>(*this); }
  std::optional<Block> moved_;
  std::uint64_t now_ = 0;
};

/// How many blocks epochs have.
class Counting : public AfterMoves<Counting> {
public:
  Counting(const advise::Inputs& in, const Places& places)
      : in_(in), places_(places), epochs_(places.entries()), counts_(places.entries()) {}

  void came(const Block& block) {
    if (const int entry = entry_of(block); entry != none)
      epochs_[static_cast<std::size_t>(entry)].got(block);
  }
  void went(const Block& block, std::uint64_t) {
    const int entry = entry_of(block);
    if (entry == none)
      return;
    const Epochs::Running& running = epochs_[static_cast<std::size_t>(entry)].gone(block);
    if (running.live != 0)
      return;
    auto& [epochs, number] = counts_[static_cast<std::size_t>(entry)][running.blocks];
    if (std::has_single_bit(++epochs)) // so that it is none of the first half
      number = running.number;
  }

  /// Number and blocks of the median one; 0 if none came to its end.
  std::pair<std::uint64_t, std::uint64_t> median(std::size_t entry) const {
    std::uint64_t all = 0;
    for (const auto& [blocks, epochs] : counts_[entry])
      all += epochs.first;
    for (const auto& [blocks, epochs] : counts_[entry]) {
      if (epochs.first * 2 >= all)
        return {epochs.second, blocks};
      all -= std::min(all, 2 * epochs.first);
    }
    return {0, 0};
  }

private:
  int entry_of(const Block& block) const {
    return places_.entry_of(in_.stacks.site_of(block.context));
  }

  const advise::Inputs& in_;
  const Places& places_;
  std::vector<Epochs> epochs_;
  /// By entry, by blocks: how many epochs have so many, and the number of one of them.
  std::vector<std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>>> counts_;
};

/// Some of many, evenly: every n-th, where n doubles as they get more.
class Draw {
public:
  explicit Draw(std::size_t most) : most_(most) {}

  void put(const Block& block, EpochBlock drawn) {
    if (count_++ % step_ != 0)
      return;
    at_[block.order] = drawn;
    if (at_.size() <= most_)
      return;
    step_ *= 2;
    bool odd = false;
    for (auto each = at_.begin(); each != at_.end(); odd = !odd)
      each = odd ? at_.erase(each) : std::next(each);
  }
  EpochBlock* find(const Block& block) {
    const auto found = at_.find(block.order);
    return found == at_.end() ? nullptr : &found->second;
  }
  const std::map<std::uint64_t, EpochBlock>& drawn() const { return at_; }

private:
  std::size_t most_;
  std::uint64_t count_ = 0;
  std::uint64_t step_ = 1;
  std::map<std::uint64_t, EpochBlock> at_; // by the number of the event
};

/// Takes down the blocks of one epoch of each entry.
class Drawing : public AfterMoves<Drawing> {
public:
  Drawing(const advise::Inputs& in, const advise::Advice& advice, const Places& places,
          const Counting& counts, std::size_t most)
      : in_(in), places_(places), epochs_(places.entries()) {
    for (std::size_t i = 0; i < places.entries(); ++i) {
      const auto [number, blocks] = counts.median(i);
      const std::uint32_t function = advice.entries[i].scope_function;
      pictures_.push_back(
          {function, function == no_function ? 0 : number, most - most / 4, most / 4});
    }
  }

  void came(const Block& block) {
    const int entry = places_.entry_of(in_.stacks.site_of(block.context));
    if (entry != none) {
      const Epochs::Running& running = epochs_[static_cast<std::size_t>(entry)].got(block);
      Picture& picture = pictures_[static_cast<std::size_t>(entry)];
      if (running.number == picture.wanted && picture.wanted != 0) {
        if (running.blocks == 1)
          picture.begin(block);
        ++picture.epoch.blocks;
        picture.epoch.bytes += block.size;
        picture.own.put(block, drawn(block, picture, true));
      }
    }
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      Picture& picture = pictures_[i];
      if (!picture.open || static_cast<int>(i) == entry || block.thread != picture.epoch.thread ||
          !within(block.context, picture.function))
        continue;
      ++picture.epoch.others;
      picture.epoch.other_bytes += block.size;
      ++picture.epoch.outliving;
      picture.others.put(block, drawn(block, picture, false));
    }
  }

  void went(const Block& block, std::uint64_t order) {
    const int entry = places_.entry_of(in_.stacks.site_of(block.context));
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      Picture& picture = pictures_[i];
      if (!picture.open || block.order < picture.epoch.begin)
        continue;
      const bool own = static_cast<int>(i) == entry;
      if (!own && block.thread == picture.epoch.thread && within(block.context, picture.function))
        --picture.epoch.outliving;
      if (EpochBlock* const at = (own ? picture.own : picture.others).find(block)) {
        at->death = order - picture.epoch.begin;
        at->outlives = false;
      }
    }
    if (entry == none)
      return;
    const Epochs::Running& running = epochs_[static_cast<std::size_t>(entry)].gone(block);
    Picture& picture = pictures_[static_cast<std::size_t>(entry)];
    if (picture.open && running.live == 0 && running.number == picture.wanted)
      picture.end(order);
  }

  std::vector<std::optional<Epoch>> finish() {
    std::vector<std::optional<Epoch>> epochs;
    for (Picture& picture : pictures_) {
      epochs.emplace_back();
      if (picture.done)
        epochs.back() = std::move(picture.epoch);
    }
    return epochs;
  }

private:
  struct Picture {
    Picture(std::uint32_t scope, std::uint64_t number, std::size_t most_own,
            std::size_t most_others)
        : function(scope), wanted(number), own(most_own), others(most_others) {}

    void begin(const Block& block) {
      open = true;
      epoch.number = wanted;
      epoch.thread = block.thread;
      epoch.begin = block.order;
    }
    void end(std::uint64_t order) {
      open = false;
      done = true;
      epoch.span = order - epoch.begin;
      for (const Draw* const from : {&own, &others})
        for (const auto& [birth, block] : from->drawn())
          epoch.drawn.push_back(block);
      for (EpochBlock& block : epoch.drawn)
        if (block.outlives)
          block.death = epoch.span;
      std::stable_sort(epoch.drawn.begin(), epoch.drawn.end(),
                       [](const auto& a, const auto& b) { return a.birth < b.birth; });
    }

    std::uint32_t function;
    std::uint64_t wanted; // the epoch's number; 0: none
    bool open = false;
    bool done = false;
    Epoch epoch;
    Draw own;
    Draw others;
  };

  EpochBlock drawn(const Block& block, const Picture& picture, bool own) const {
    return {block.order - picture.epoch.begin,
            0,
            block.size,
            places_.place_of(in_.stacks.site_of(block.context)),
            own,
            true};
  }

  bool within(std::uint32_t context, std::uint32_t function) const {
    const auto& paths = in_.stacks.paths();
    std::uint32_t path = in_.stacks.path_of(context);
    while (path != 0 && paths[path].function != function)
      path = paths[path].parent;
    return path != 0;
  }

  const advise::Inputs& in_;
  const Places& places_;
  std::vector<Epochs> epochs_;
  std::vector<Picture> pictures_;
};

} // namespace

std::vector<std::optional<Epoch>> find_epochs(const advise::Inputs& in,
                                              const advise::Advice& advice, const Places& places,
                                              std::size_t most) {
  Counting counts(in, places);
  analyze::replay(in.trace, counts);
  Drawing drawing(in, advice, places, counts, most);
  analyze::replay(in.trace, drawing);
  return drawing.finish();
}

} // namespace report
