#include <allot/draw/text.hpp>

#include <allot/draw/figures.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

inline constexpr char partly_glyph = '+';
char glyph(Fill fill) noexcept {
  constexpr char all[fills + 1] = ".#L/o-=";
  return all[static_cast<std::size_t>(fill)];
}
char glyph(const Cell& cell) noexcept {
  return cell.partly ? partly_glyph : glyph(cell.fill);
}

std::string left_aligned(std::string text, std::size_t width) {
  const std::size_t taken = columns(text);
  return text.append(width - std::min(width, taken), ' ');
}
std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns(text)), ' ') + text;
}

class Text {
public:
  Text(const Picture& picture, std::size_t width)
      : picture_(picture), width_(std::clamp<std::size_t>(width, 40, 1000)) {}

  std::string draw() {
    wrap(picture_.title, margin);
    measure();
    for (const Strip& strip : picture_.strips)
      if (strip.unit == 0)
        draw_strip(strip);
      else
        draw_bitmap(strip);
    draw_legend();
    for (const std::string& note : picture_.notes)
      wrap(margin + note, "    ");
    return std::move(text_);
  }

private:
  static constexpr const char* margin = "  ";
  static constexpr std::size_t margins = 2;

  void line(std::string text) {
    while (!text.empty() && text.back() == ' ')
      text.pop_back();
    text_ += text + "\n";
  }

  void wrap(const std::string& text, const std::string& indent) {
    for (std::string& part : wrapped(text, width_, indent))
      line(std::move(part));
  }

  // What of a line is left for the longest strip.
  void measure() {
    std::size_t captions = 0;
    for (const Strip& strip : picture_.strips) {
      labels_ = std::max(labels_, columns(strip.label));
      captions = std::max(captions, columns(strip.caption));
    }
    constexpr std::size_t borders = 2;
    constexpr std::size_t least = 12;
    const auto left = [&] {
      const std::size_t beside =
          margins + (labels_ == 0 ? 0 : labels_ + 1) + borders + (captions == 0 ? 0 : captions + 1);
      return width_ - std::min(width_, beside);
    };
    with_captions_ = left() >= least;
    if (!with_captions_)
      captions = 0;
    most_ = std::max(left(), least);
    longest_ = longest(picture_);
  }

  [[nodiscard]] std::string front(const std::string& label) const {
    std::string text = margin;
    if (labels_ != 0)
      text.append(left_aligned(label, labels_)).append(" ");
    return text;
  }

  void draw_strip(const Strip& strip) {
    const std::string tail =
        strip.reserved == 0 ? "" : " ... " + in_units(strip.reserved) + " of addresses";
    const bool tail_fits = tail.size() + 8 <= most_;
    const std::size_t most = tail_fits ? most_ - tail.size() : most_;
    const std::size_t count = to_scale(strip.bytes(), longest_, most);
    std::string row;
    if (count != 0)
      for (const Cell& cell : cells(strip, count)) {
        row += glyph(cell);
        see(cell);
      }
    name_segments(strip, row);
    std::string drawn = front(strip.label) + "|" + row + "|";
    if (tail_fits)
      drawn += tail;
    if (with_captions_ && !strip.caption.empty())
      drawn += " " + strip.caption;
    line(std::move(drawn));
    if (!tail_fits)
      line(front("") + tail.substr(1));
    draw_marks(strip, count);
  }

  // In the middle of what is long enough, and a border where blocks of other sizes begin.
  static void name_segments(const Strip& strip, std::string& row) {
    const std::size_t bytes = strip.bytes();
    std::size_t at = 0;
    const Segment* before = nullptr;
    for (const Segment& segment : strip.segments) {
      const std::size_t begin = to_cell(at, bytes, row.size());
      at += segment.bytes;
      const std::size_t end = to_cell(at, bytes, row.size());
      const bool begins =
          before != nullptr && before->fill == segment.fill && before->block != segment.block;
      if (begins && end - begin > 1)
        row[begin] = '|';
      const std::string name = segment.block != 0 && segment.fill == Fill::used
                                   ? "blocks of " + in_units(segment.block)
                                   : in_units(segment.bytes);
      if (segment.fill != Fill::padding && end - begin >= name.size() + 6)
        row.replace(begin + (end - begin - name.size() - 2) / 2, name.size() + 2, " " + name + " ");
      before = &segment;
    }
  }
  [[nodiscard]] static std::size_t to_cell(std::size_t at, std::size_t bytes,
                                           std::size_t count) noexcept {
    return bytes == 0
               ? 0
               : static_cast<std::size_t>(static_cast<double>(at) / static_cast<double>(bytes) *
                                          static_cast<double>(count));
  }

  // Those at one cell share a caret, if there is room beside it. Each line takes what fits.
  void draw_marks(const Strip& strip, std::size_t count) {
    const std::size_t begin = columns(front("")) + 1;
    const auto cell_of = [&](std::size_t i) {
      return to_cell(strip.marks[i].offset, strip.bytes(), count);
    };
    std::vector<std::string> lines;
    std::size_t left_out = 0;
    for (std::size_t i = 0; i != strip.marks.size();) {
      const std::size_t column = begin + cell_of(i);
      std::size_t end = i + 1;
      while (end != strip.marks.size() && cell_of(end) == cell_of(i))
        ++end;
      std::string text = told(strip.marks[i]);
      if (end - i == 2)
        text.append(", ").append(told(strip.marks[i + 1]));
      else if (end - i > 2)
        text.append(" and ").append(grouped(end - i - 1)).append(" more");
      if (end - i > 1 && !fits(column, text)) {
        text = told(strip.marks[i]);
        end = i + 1;
      }
      if (!place(lines, column, text))
        left_out += end - i;
      i = end;
    }
    for (std::string& text : lines)
      line(std::move(text));
    if (left_out != 0)
      line(front("") + "and " + counted(left_out, "mark") + " more");
  }
  [[nodiscard]] static std::string told(const Mark& mark) {
    return mark.text + ": " + grouped(mark.offset);
  }
  // Behind a caret, or before it.
  [[nodiscard]] bool fits(std::size_t column, const std::string& text) const {
    return column + 2 + text.size() <= width_ || column > text.size() + 1;
  }
  bool place(std::vector<std::string>& lines, std::size_t column, const std::string& text) const {
    constexpr std::size_t most_lines = 6;
    const bool turned = column + 2 + text.size() > width_ && column > text.size() + 1;
    const std::size_t from = turned ? column - text.size() - 1 : column;
    for (std::size_t i = 0; i != most_lines; ++i) {
      if (i == lines.size())
        lines.emplace_back();
      if (!lines[i].empty() && lines[i].size() >= from)
        continue;
      lines[i].resize(from, ' ');
      lines[i] += turned ? text + " ^" : "^ " + text;
      return true;
    }
    return false;
  }

  void draw_bitmap(const Strip& strip) {
    const std::size_t units = strip.bytes() / strip.unit;
    constexpr std::size_t widest = 8;
    const std::size_t wide = std::min(widest, units == 0 ? 0 : (most_ + 1) / units);
    if (wide >= 3)
      return draw_boxes(strip, wide - 1);
    const std::size_t digits = grouped(units - 1).size();
    const Grid grid = detail::grid(units, most_ - std::min(most_, digits + 1));
    const std::vector<Cell> all = cells_of(strip, grid.units_in_cell * strip.unit);
    std::string before;
    bool same = false;
    std::string label = strip.label;
    for (std::size_t at = 0; at < all.size(); at += grid.cells_in_row) {
      const std::size_t end = std::min(all.size(), at + grid.cells_in_row);
      std::string row;
      for (std::size_t i = at; i != end; ++i) {
        row += glyph(all[i]);
        see(all[i]);
      }
      const std::string head = front(std::exchange(label, "")) +
                               right_aligned(grouped(at * grid.units_in_cell), digits) + " |";
      if (row != before || end == all.size())
        line(head + row + "|");
      else if (!same)
        line(front("") + right_aligned("*", digits));
      same = row == before;
      before = row;
    }
    if (grid.units_in_cell != 1)
      line(front("") + "each is " + grouped(grid.units_in_cell) + " of them");
  }

  void draw_boxes(const Strip& strip, std::size_t wide) {
    std::string drawn = front(strip.label) + "|";
    for (const Cell& cell : cells_of(strip, strip.unit)) {
      drawn += std::string(wide, glyph(cell)) + "|";
      see(cell);
    }
    line(std::move(drawn));
  }

  void see(const Cell& cell) {
    if (cell.partly)
      partly_ = true;
    else
      seen_[static_cast<std::size_t>(cell.fill)] = true;
  }
  void draw_legend() {
    std::string legend;
    const auto add = [&](char sign, const char* meaning) {
      const std::string one = std::string(margin) + sign + " " + meaning;
      if (legend.size() + one.size() > width_)
        line(std::exchange(legend, ""));
      legend += one;
    };
    for (const Fill fill :
         {Fill::used, Fill::lent, Fill::held, Fill::free, Fill::padding, Fill::hole, Fill::records})
      if (seen_[static_cast<std::size_t>(fill)])
        add(glyph(fill), words(fill));
    if (partly_)
      add(partly_glyph, "partly used");
    if (!legend.empty())
      line(std::move(legend));
  }

  const Picture& picture_;
  std::size_t width_;
  std::string text_;
  std::size_t labels_ = 0; // columns
  std::size_t most_ = 0;   // cells of the longest strip
  std::size_t longest_ = 0;
  bool with_captions_ = true;
  bool seen_[fills] = {};
  bool partly_ = false;
};

std::string to_text(const Picture& picture, std::size_t width) {
  return Text(picture, width).draw();
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
