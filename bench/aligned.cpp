// Bump allocation above the alignment that every allocation has.
#include "bump_runs.hpp"

namespace bench {

namespace aligned {

template <class A>
using Run64 = FixedRun<A, 24, 64>;
template <class A>
using RunListed = ListedRun<A, 16>;
template <class A>
using Bumpalo64 = BumpaloFixedRun<A, bumpalo_24_aligned_64, 24, 64>;
template <class A>
using BumpaloListed = BumpaloListedRun<A, bumpalo_listed_aligned_16, 16>;

// protobuf's interface for its own use has alignments, CreateArray has not.
template <template <class> class Run, template <class> class BumpaloRun>
Workload workload(const char* name, const char* text) {
  Workload result{.name = name, .text = text, .operation = "allocation", .operations = allocations};
  result.add<Run, Nothing>(Role::loop, {});
  result.add<Run, Ideal>(Role::floor, {});
  result.add<Run, NotZeroing<allot::Bump>>(Role::ours, {});
  result.add<Run, NotZeroing<allot::Arena>>(Role::ours, {});
  result.add<Run, NotZeroing<allot::Region>>(Role::ours, {});
  result.add<Run, NotZeroing<allot::Scratch>>(Role::ours, {});
  result.add<Run, NotZeroing<allot::MappedArena>>(Role::ours, {});
  result.add<BumpaloRun, Bumpalo>(Role::peer, {});
  result.add_peers<Run, PmrMonotonic, PmrMonotonicBase, FoonathanStack, LlvmDefault, LlvmLarge,
                   OneByOne<Glibc>, OneByOne<Mimalloc>, MimallocHeap, OneByOne<Jemalloc>,
                   OneByOne<Tcmalloc>, OneByOne<TbbMalloc>>();
  return result;
}

} // namespace aligned

std::vector<Workload> aligned_workloads() {
  using namespace aligned;
  std::vector<Workload> result;
  result.push_back(workload<Run64, Bumpalo64>(
      "aligned 24 B at 64", "4096 allocations of 24 bytes aligned to 64, then a reset"));
  result.push_back(workload<RunListed, BumpaloListed>(
      "aligned 1-256 B at 16", "4096 allocations of 1 to 256 bytes aligned to 16, then a reset"));
  return result;
}

} // namespace bench
