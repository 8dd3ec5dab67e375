#pragma once

namespace advise {

/// What a pair of malloc and free costs on this machine: nanoseconds, in a few milliseconds of
/// measuring.
double measure_pair_ns();

} // namespace advise
