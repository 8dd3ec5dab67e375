// What the page of a report shows, as JSON: a program's trace in figures that do not grow with it.
//
// Counts, bytes and event numbers are integers, shares are numbers from 0 to 1, percentages are
// called so. Time in events counts the calls of malloc and its kin, free included, of all threads.
// An `entry` is an index in `entries`, a `site` one in `sites`; -1 is all that belongs to none.
// Texts are UTF-8; names longer than 300 bytes end with "...".
//
//   version        1
//   program        path, arguments (as far as they are shown), status ("exit 0", "signal 11", or
//                  empty: not known), cut_short (the trace has no end), processor_seconds and
//                  seconds (of the clock; each 0: not known), threads, events, calls (allocations,
//                  reallocations included), bytes (of those), calls_per_cpu_second (0: not known),
//                  malloc_at_most (percent of the processor time that malloc and free can be),
//                  pair_ns (nanoseconds of malloc and free on this machine), peak_bytes (live at
//                  once), peak_resident (bytes, 0: not known), releases, reallocations (of a block
//                  that there was), left_blocks and left_bytes (never given back), foreign
//                  (given back by another thread), unknown (given back, got unseen), without_names
//                  (paths of modules that have changed since)
//   memory         unit ("seconds" or "events" since the program began), at: up to 1000 points in
//                  that unit, not evenly apart; live: bytes at each; by_entry and by_site, whose
//                  sums are the same: [{entry or site, live: bytes at each point}], the largest
//                  first and -1 last. Each point is the moment with the most live bytes in its part
//                  of the run, so that the peak is one.
//   lifetimes      events, bytes: how long blocks lived, in events and in bytes that were allocated
//                  meanwhile: [{entry, blocks, bytes: by bins; left_blocks, left_bytes: never given
//                  back}]; all bins have the same number, and bin i has ages from 2^(i-1) up to,
//                  but without, 2^i (bin 0: age 0). scopes: the innermost functions that were there
//                  from birth to death of a block, the largest 30: [{function, location, blocks}];
//                  other_scopes: blocks of all others; no_scope: blocks that outlived all
//                  functions, died in another thread, or never; an inlined function counts as the
//                  one that it is in
//   flame          names: texts; and of each node, in columns: parent (index; -1: the root, node
//                  0, and parents come before children), name (index in names), location (index
//                  in names of "file:line" where the function starts; -1: not known), calls, bytes
//                  (both with all that is below), entry (that has over half of its calls, or -1).
//                  A function that calls itself, through others too, stands only where it was
//                  first; functions of the standard library and those that only pass on calls of
//                  malloc are left out. What is too small stands as "(other)" below its caller.
//   sites          places that allocate, the largest 60 by calls and by bytes:
//                  [{function, location ("file:line", or empty), module, entry (a place whose
//                  blocks belong to two is there twice), calls, bytes, min_size, max_size,
//                  most_live_bytes (sum over its callers of each one's peak), mean_age (events, of
//                  those given back), left (never given back), moves (ended by a reallocation),
//                  growths (got for the content of a smaller block), foreign (given back by another
//                  thread), escapes (outlived the function of its entry; 0 if that has no scope),
//                  threads (that allocate or free there; 64: that many and more)}]
//   more_sites     how many others there are; of these calls and bytes: more_calls, more_bytes
//   entries        the advice, best first; one of kind "leave" if nothing is worth doing:
//                  [{kind (region, pool, object_pool, stack, reserve, other_malloc, leave),
//                  function, location, module, calls, bytes, share_of_calls, share_of_bytes,
//                  epochs, max_bytes, max_live (of a scope: how many, bytes of the largest, live
//                  at once; 0: no scope), block_bytes, most_blocks (of a pool), escapes, threads,
//                  allocated_in (names of the largest places), more_places (beside those), sites
//                  (those of `sites`, the largest first), lines (what to write, with newlines),
//                  epoch (null where it has no scope), trial (index in trial.advice, or -1)}]
//   epoch          the typical one, with the median number of blocks: number (from 1 on, of
//                  `epochs`), thread, begin (event number), span (events until its last block is
//                  gone), blocks, bytes (of all its blocks), others (blocks that the same thread
//                  got meanwhile inside of the function, and that are not the entry's),
//                  other_bytes, outliving (of the others: live on after it); and up to 400 of both,
//                  evenly drawn, in columns by birth: birth, death (events since its begin; of what
//                  lives on: span), size (bytes), site, own (1: the entry's), outlives (1: lives
//                  on)
//   trial          null, or what `allot trial --json` or `allot advise --json` wrote, as far as it
//                  is about the trial: rounds, trial (the whole plan), advice ([{.., trial}]),
//                  alternatives. See docs/advisor.md.
#pragma once

#include <string>

#include "../advise/advice.hpp"
#include "trial.hpp"

namespace report {

/// The data as JSON in one line that may stand inside of a script element. Passes over the trace a
/// few times.
std::string data_json(const advise::Inputs& inputs, const advise::Advice& advice,
                      const Trial& trial);

} // namespace report
