#include <allot/draw.hpp>

#include <allot/draw/figures.hpp>
#include <allot/draw/svg.hpp>
#include <allot/draw/text.hpp>

#include <ostream>

namespace allot {
inline namespace ALLOT_ABI {

std::string Drawing::text() const {
  return detail::to_text(picture_, options_.width != 0 ? options_.width : detail::terminal_width());
}

std::string Drawing::svg() const {
  return detail::to_svg(picture_);
}

std::ostream& operator<<(std::ostream& out, const Drawing& drawing) {
  return out << drawing.text();
}

} // namespace ALLOT_ABI
} // namespace allot
