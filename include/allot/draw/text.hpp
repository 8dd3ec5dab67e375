// A picture as text: plain ASCII but for names, which every log and terminal can show.
//
//   |####### 448 B #####|.......... 576 B ..........|    a strip, a column a cell
//   |##|..|##|##|                                        a few blocks
//        0 |#.##....|                                    many: a cell each, or one for several
//      128 |........|                                    the number of the first one in the row
//      *                                                 rows as the one before
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/draw/picture.hpp>

#include <cstddef>
#include <string>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

/// In `width` columns, 40 at the least; every line is ended.
[[nodiscard]] std::string to_text(const Picture& picture, std::size_t width);

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot

#endif
