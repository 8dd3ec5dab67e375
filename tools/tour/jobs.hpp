// The work of the tour: for each strategy what it is for, done twice, on the strategy and on new or
// malloc. Both sides know the same about the document, keep between turns what a program would that
// does the work again and again, and find the same values.
#pragma once

#include "input.hpp"
#include "values.hpp"

#include <array>
#include <functional>

namespace tour {

struct Job {
  /// A turn of the work.
  using Turn = std::function<void(Values&)>;
  /// What turns have in common is made once. Keeps a reference to the document.
  using Side = Turn (*)(const Input&);

  const char* strategy;
  const char* work;    ///< what both sides do
  const char* instead; ///< what the other side does it with
  Side with_strategy;
  Side with_malloc;
  const char* wins;    ///< why, where the strategy does
  const char* loses;   ///< why, where it does not
  const char* not_for; ///< what the strategy is bad at
};

extern const Job arena_job, typed_arena_job, bump_job, object_pool_job, block_pool_job, stack_job,
    mapped_arena_job, region_job, scratch_job;

/// In the order of the page.
inline std::array<Job, 9> all_jobs() {
  return {arena_job, typed_arena_job,  bump_job,   object_pool_job, block_pool_job,
          stack_job, mapped_arena_job, region_job, scratch_job};
}

} // namespace tour
