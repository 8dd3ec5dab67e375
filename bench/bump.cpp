// Bump allocation: many requests, then everything back at once.
#include "bump_runs.hpp"

namespace bench {

namespace bump {

template <class A>
using Run16 = FixedRun<A, 16, 8>;
template <class A>
using Run64 = FixedRun<A, 64, 8>;
template <class A>
using RunListed = ListedRun<A, 8>;
template <class A>
using Bumpalo16 = BumpaloFixedRun<A, bumpalo_16, 16, 8>;
template <class A>
using Bumpalo64 = BumpaloFixedRun<A, bumpalo_64, 64, 8>;
template <class A>
using BumpaloListed = BumpaloListedRun<A, bumpalo_listed, 8>;

struct RegisterIdeal : Ideal {
  static constexpr const char* name = "ideal, in registers";
  using Ideal::Ideal;
};

// What is left of the ideal's cost when nobody else can see it: its pointers stay in registers.
template <class A>
class RegisterRun final : public Runner {
public:
  RegisterRun() { RegisterRun::round(); }
  void round() override {
    A local(std::move(allocator_));
    for (std::size_t i = 0; i != allocations; ++i)
      touch(local.allocate(16), i);
    local.reset();
    allocator_ = std::move(local);
  }

private:
  A allocator_{need(allocations, 16, 8)};
};

template <template <class> class Run, template <class> class BumpaloRun>
Workload workload(const char* name, const char* text) {
  Workload result{.name = name, .text = text, .operation = "allocation", .operations = allocations};
  const std::vector<Bound> tight{{Ideal::name, 1.05}, {"bumpalo", 1.05, true}, {every_peer, 1.0}};
  const std::vector<Bound> loose{{Ideal::name, 1.15}};
  result.add<Run, Nothing>(Role::loop, {});
  result.add<Run, Ideal>(Role::floor, {});
  result.add<Run, NotZeroing<allot::Bump>>(Role::ours, tight);
  result.add<Run, NotZeroing<allot::Arena>>(Role::ours, tight);
  result.add<Run, NotZeroing<allot::Region>>(Role::ours, loose);
  result.add<Run, NotZeroing<allot::Scratch>>(Role::ours, loose);
  result.add<Run, NotZeroing<allot::MappedArena>>(Role::ours, loose);
  result.add<BumpaloRun, Bumpalo>(Role::peer, {});
  add_bump_peers<Run>(result);
  return result;
}

template <template <class> class Run>
Workload zeroing_workload(const char* name, const char* text) {
  Workload result{.name = name,
                  .text = text,
                  .operation = "allocation",
                  .operations = allocations,
                  .counted = false};
  result.add<Run, ZeroingIdeal>(Role::floor, {});
  result.add<Run, Zeroing<allot::Bump>>(Role::ours, {});
  result.add<Run, Zeroing<allot::Arena>>(Role::ours, {});
  result.add<Run, Zeroing<allot::Region>>(Role::ours, {});
  result.add<Run, Zeroing<allot::Scratch>>(Role::ours, {});
  result.add<Run, Zeroing<allot::MappedArena>>(Role::ours, {});
  return result;
}

} // namespace bump

std::vector<Workload> bump_workloads() {
  using namespace bump;
  std::vector<Workload> result;
  result.push_back(
      workload<Run16, Bumpalo16>("bump 16 B", "4096 allocations of 16 bytes, then a reset"));
  result.back().add<RegisterRun, RegisterIdeal>(Role::reference, {});
  result.push_back(
      workload<Run64, Bumpalo64>("bump 64 B", "4096 allocations of 64 bytes, then a reset"));
  result.push_back(workload<RunListed, BumpaloListed>(
      "bump 1-256 B", "4096 allocations of 1 to 256 bytes, then a reset"));
  result.push_back(zeroing_workload<Run16>(
      "bump 16 B, zeroing", "4096 allocations of 16 bytes, then a reset that zeroes them"));
  result.push_back(zeroing_workload<Run64>(
      "bump 64 B, zeroing", "4096 allocations of 64 bytes, then a reset that zeroes them"));
  result.push_back(zeroing_workload<RunListed>(
      "bump 1-256 B, zeroing",
      "4096 allocations of 1 to 256 bytes, then a reset that zeroes them"));
  return result;
}

} // namespace bench
