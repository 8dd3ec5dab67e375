#include <allot/print.hpp>

#include <allot/base/size.hpp>
#include <allot/draw/figures.hpp>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

struct PrintedRow {
  static constexpr std::size_t cells = 4;
  std::string cell[cells];
};

void print_table(std::ostream& out, std::span<const Reported> rows) {
  std::vector<PrintedRow> lines{{{"", "used", "capacity", "peak"}}};
  std::size_t used = 0;
  std::size_t capacity = 0;
  for (const auto& [label, memory] : rows) {
    lines.push_back({{shown(label.text()), in_units(memory.used), in_units(memory.capacity),
                      in_units(memory.peak)}});
    used = saturating_add(used, memory.used);
    capacity = saturating_add(capacity, memory.capacity);
  }
  if (rows.size() > 1)
    lines.push_back({{"all", in_units(used), in_units(capacity), ""}});

  std::size_t widths[PrintedRow::cells] = {};
  for (const PrintedRow& line : lines)
    for (std::size_t i = 0; i != PrintedRow::cells; ++i)
      widths[i] = std::max(widths[i], columns(line.cell[i]));
  for (const PrintedRow& line : lines) {
    std::string text = line.cell[0];
    std::size_t blanks = widths[0] - columns(line.cell[0]);
    for (std::size_t i = 1; i != PrintedRow::cells; ++i) {
      blanks += 2 + widths[i] - line.cell[i].size();
      if (!line.cell[i].empty())
        text += std::string(std::exchange(blanks, 0), ' ') + line.cell[i];
    }
    out << text << '\n';
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
