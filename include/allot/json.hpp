// Statistics as JSON: one object, its members named as in allot/stats.hpp; a name comes first.
//
//   {"name":"request","capacity":65536,"used":448,"available":65088,"peak":512,"committed":65536}
//
// The bytes of a name stand as they are, but for what JSON must escape.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/stats.hpp>

#include <string>

namespace allot {
inline namespace ALLOT_ABI {

[[nodiscard]] std::string to_json(const Stats& stats);
[[nodiscard]] std::string to_json(const BlockPoolStats& stats);
[[nodiscard]] std::string to_json(const ObjectPoolStats& stats);
[[nodiscard]] std::string to_json(const RegionStats& stats);
[[nodiscard]] std::string to_json(const ClassStats& stats);

} // namespace ALLOT_ABI
} // namespace allot

#endif
