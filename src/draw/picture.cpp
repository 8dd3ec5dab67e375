#include <allot/draw/picture.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace allot {
inline namespace ALLOT_ABI {

void Strip::add(Fill fill, std::size_t bytes, std::size_t block) {
  if (bytes == 0)
    return;
  if (!segments.empty() && segments.back().fill == fill && segments.back().block == block)
    segments.back().bytes += bytes;
  else
    segments.push_back({fill, bytes, block});
}

void Strip::mark(std::size_t offset, std::string text) {
  const auto above =
      std::upper_bound(marks.begin(), marks.end(), offset,
                       [](std::size_t value, const Mark& other) { return value < other.offset; });
  marks.insert(above, {offset, std::move(text)});
}

std::size_t Strip::bytes() const noexcept {
  std::size_t sum = 0;
  for (const Segment& segment : segments)
    sum += segment.bytes;
  return sum;
}

namespace detail {

bool is_used(Fill fill) noexcept {
  return fill == Fill::used || fill == Fill::lent;
}
bool is_idle(Fill fill) noexcept {
  return fill == Fill::free || fill == Fill::held || fill == Fill::hole;
}

// `end(i)` is where cell i ends, in bytes.
template <class End>
std::vector<Cell> cells_up_to(const Strip& strip, std::size_t count, End end) {
  std::vector<Cell> result(count);
  std::size_t segment = 0;
  std::size_t segment_end = strip.segments.empty() ? 0 : strip.segments[0].bytes;
  std::size_t at = 0;
  for (std::size_t i = 0; i != count; ++i) {
    std::size_t bytes[fills] = {};
    bool used = false;
    bool idle = false;
    while (at < end(i)) {
      const Fill fill = strip.segments[segment].fill;
      const std::size_t to = std::min(end(i), segment_end);
      bytes[static_cast<std::size_t>(fill)] += to - at;
      used |= is_used(fill);
      idle |= is_idle(fill);
      at = to;
      if (at == segment_end && ++segment != strip.segments.size())
        segment_end += strip.segments[segment].bytes;
    }
    const auto* const most = std::max_element(std::begin(bytes), std::end(bytes));
    result[i] = {static_cast<Fill>(most - std::begin(bytes)), used && idle};
  }
  return result;
}

std::vector<Cell> cells(const Strip& strip, std::size_t count) {
  const std::size_t bytes = strip.bytes();
  return cells_up_to(strip, count, [=](std::size_t i) {
    return bytes / count * (i + 1) + bytes % count * (i + 1) / count;
  });
}

std::vector<Cell> cells_of(const Strip& strip, std::size_t step) {
  const std::size_t bytes = strip.bytes();
  return cells_up_to(strip, bytes / step + (bytes % step != 0 ? 1 : 0),
                     [=](std::size_t i) { return std::min(bytes, step * (i + 1)); });
}

std::size_t longest(const Picture& picture) noexcept {
  std::size_t most = 0;
  for (const Strip& strip : picture.strips)
    most = std::max(most, strip.bytes());
  return most;
}

std::size_t to_scale(std::size_t bytes, std::size_t longest, std::size_t most) noexcept {
  if (bytes == 0)
    return 0;
  const double share = static_cast<double>(bytes) / static_cast<double>(longest);
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::llround(share * static_cast<double>(most))));
}

Grid grid(std::size_t units, std::size_t most_in_row) noexcept {
  constexpr std::size_t rows = 16;
  const std::size_t in_row = std::bit_floor(std::clamp<std::size_t>(most_in_row, 8, 64));
  const std::size_t cells = rows * in_row;
  return {std::bit_ceil(std::max<std::size_t>(1, units / cells + (units % cells != 0 ? 1 : 0))),
          in_row};
}

const char* words(Fill fill) noexcept {
  constexpr const char* all[fills] = {"free",
                                      "used",
                                      "used, leased",
                                      "skipped to align",
                                      "hole: a constructor failed",
                                      "held, not in use",
                                      "records"};
  return all[static_cast<std::size_t>(fill)];
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
