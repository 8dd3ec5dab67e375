// What pictures say in words of strategies of all kinds.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/base/errc.hpp>
#include <allot/draw/picture.hpp>
#include <allot/stats.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// `arena "request": `
[[nodiscard]] std::string who(Label label);
/// `448 of 1,024`
[[nodiscard]] std::string out_of(std::size_t part, std::size_t all);
/// `arena: 448 of 1,024 bytes used, 576 left, peak 512`
[[nodiscard]] std::string title_of(Label label, const Stats& stats);
/// `of 48 bytes`
[[nodiscard]] std::string of_bytes(std::size_t bytes);
/// Of what has no memory.
[[nodiscard]] Picture released(Label label);

/// A checkpoint; without a number, a scope.
[[nodiscard]] std::string record_name(std::size_t number);
void note_objects(Picture& picture, std::size_t objects);
/// A strip for each size of which there are blocks.
void add_classes(Picture& picture, std::span<const ClassStats> classes);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
