// thread_scratch: functions that call each other with the scratch that results are wanted in, in
// threads that soon end.
#include "torture.hpp"

#include <allot/threads/thread_scratch.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace torture {

namespace {

class Caller {
public:
  explicit Caller(std::uint32_t owner) : owner_(owner), random_(owner) {}

  void work(std::uint64_t operations) {
    while (done_ < operations) {
      auto& scratch = allot::thread_scratch();
      {
        const auto scope = scratch.scope();
        read_stamps(call(scratch, random_.below(6)), owner_);
      }
      expect(scratch.empty(), "something is left after the outermost scope");
      expect(scratch.capacity() <= allot::ThreadScratch::kept, "more is kept than should be");
    }
  }
  [[nodiscard]] std::uint64_t done() const { return done_; }

private:
  std::byte* make(allot::ThreadScratch& scratch) {
    const std::uint32_t bytes =
        random_.below(100) == 0 ? 1000 + random_.below(100'000) : 32 + random_.below(300);
    auto* const p = static_cast<std::byte*>(scratch.allocate(bytes));
    write_stamps(p, {owner_, bytes, done_++});
    return p;
  }
  /// Gives something in `results`.
  std::byte* call(allot::ThreadScratch& results, std::uint32_t depth) {
    auto& scratch = allot::thread_scratch(results);
    expect(&scratch != &results, "what was to be avoided was given");
    const auto scope = scratch.scope();
    std::array<std::byte*, 4> own{};
    std::byte* const result = make(results);
    for (std::byte*& p : own)
      p = depth == 0 || random_.below(2) == 0 ? make(scratch) : call(scratch, depth - 1);
    for (const std::byte* const p : own)
      read_stamps(p, owner_);
    read_stamps(result, owner_);
    return result;
  }

  std::uint32_t owner_;
  Random random_;
  std::uint64_t done_ = 0;
};

/// Uses scratch once more when its thread ends.
struct AtTheEnd {
  explicit AtTheEnd(std::uint32_t by) : owner(by) {}
  AtTheEnd(const AtTheEnd&) = delete;
  ~AtTheEnd() { Caller(owner).work(1); }
  std::uint32_t owner;
};

} // namespace

std::uint64_t scratch(std::uint64_t operations) {
  std::atomic<std::uint32_t> owners = 0;
  std::atomic<std::uint64_t> done = 0;
  const auto call = [&](std::uint64_t share) {
    Caller caller(++owners);
    thread_local const AtTheEnd at_the_end(owners);
    caller.work(share);
    done += caller.done();
  };
  run_threads(
      operations / operations_of_short_thread,
      [&](std::uint32_t) { call(operations / thread_count); }, [&] { call(16); });
  return done;
}

} // namespace torture
