#include <allot/draw/svg.hpp>

#include <allot/draw/figures.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

// Classes begin with "allot-", so that several in one page, and the page's own, do not meet.
inline constexpr const char* svg_style =
    "<style>"
    ".allot-text{font:13px system-ui,sans-serif;fill:#1b1f24}"
    ".allot-title{font-weight:600}"
    ".allot-free{fill:#e4e7eb}.allot-used{fill:#2f6fb5}.allot-lent{fill:#8a4fb0}"
    ".allot-padding{fill:#c2410c}.allot-hole{fill:#b91c1c}.allot-held{fill:#9fc3a5}"
    ".allot-records{fill:#8a8f98}.allot-partly{fill:#8fb3da}"
    ".allot-frame{fill:none;stroke:#57606a}.allot-mark{stroke:#1b1f24}"
    "@media(prefers-color-scheme:dark){"
    ".allot-text{fill:#e6edf3}.allot-free{fill:#2d333b}.allot-used{fill:#5a9be0}"
    ".allot-lent{fill:#c08be0}.allot-padding{fill:#f0883e}.allot-hole{fill:#f47067}"
    ".allot-held{fill:#4c7a55}.allot-records{fill:#8b949e}.allot-partly{fill:#3d648f}"
    ".allot-frame{stroke:#8b949e}.allot-mark{stroke:#e6edf3}}"
    "</style>\n";

const char* svg_class(const Cell& cell) noexcept {
  constexpr const char* all[fills] = {"free", "used", "lent", "padding", "hole", "held", "records"};
  return cell.partly ? "partly" : all[static_cast<std::size_t>(cell.fill)];
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else
      result += c;
  return result;
}

// In pixels of a viewBox, which are whole numbers.
class Svg {
public:
  explicit Svg(const Picture& picture) : picture_(picture) {}

  std::string draw() {
    std::size_t labels = 0;
    std::size_t captions = 0;
    for (const Strip& strip : picture_.strips) {
      labels = std::max(labels, columns(strip.label));
      captions = std::max(captions, columns(strip.caption));
    }
    left_ = margin + labels * letter + (labels == 0 ? 0 : gap);
    most_ = width - left_ - margin - captions * letter - (captions == 0 ? 0 : gap);
    longest_ = longest(picture_);
    write_lines(picture_.title, "allot-text allot-title");
    y_ += gap;
    for (const Strip& strip : picture_.strips)
      if (strip.unit == 0)
        draw_strip(strip);
      else
        draw_bitmap(strip);
    draw_legend();
    for (const std::string& note : picture_.notes)
      write_lines(note, "allot-text");
    const std::string height = std::to_string(y_ + margin - line / 2);
    return R"(<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 )" +
           std::to_string(width) + " " + height + "\">\n<title>" + escaped(picture_.title) +
           "</title>\n<desc>" + escaped(description()) + "</desc>\n" + svg_style + body_ +
           "</svg>\n";
  }

private:
  static constexpr std::size_t width = 960;
  static constexpr std::size_t margin = 16;
  static constexpr std::size_t gap = 8;
  static constexpr std::size_t line = 22;
  static constexpr std::size_t bar = 24;
  static constexpr std::size_t letter = 8; // at most, on average

  static std::string number(const char* name, std::size_t value) {
    return std::string(" ") + name + "=\"" + std::to_string(value) + "\"";
  }
  void write(std::size_t x, const std::string& text, const char* classes = "allot-text") {
    write_at(x, y_, text, classes);
  }
  void write_at(std::size_t x, std::size_t top, const std::string& text, const char* classes) {
    body_ += std::string("<text class=\"") + classes + "\"" + number("x", x) +
             number("y", top + 16) + ">" + escaped(text) + "</text>\n";
  }
  void write_lines(const std::string& text, const char* classes) {
    for (const std::string& part : wrapped(text, (width - 2 * margin) / letter, "")) {
      write(margin, part, classes);
      y_ += line;
    }
  }
  void box(std::size_t x, std::size_t y, std::size_t wide, std::size_t high, const Cell& cell,
           const std::string& told = {}) {
    (cell.partly ? partly_ : seen_[static_cast<std::size_t>(cell.fill)]) = true;
    body_ += std::string("<rect class=\"allot-") + svg_class(cell) + "\"" + number("x", x) +
             number("y", y) + number("width", wide) + number("height", high);
    body_ += told.empty() ? "/>\n" : "><title>" + escaped(told) + "</title></rect>\n";
  }

  void draw_strip(const Strip& strip) {
    const std::size_t count = to_scale(strip.bytes(), longest_, most_);
    if (!strip.label.empty())
      write(margin, strip.label);
    const std::vector<Cell> all = count == 0 ? std::vector<Cell>{} : cells(strip, count);
    for (std::size_t i = 0; i != all.size();) {
      std::size_t end = i + 1;
      while (end != all.size() && all[end] == all[i])
        ++end;
      box(left_ + i, y_, end - i, bar, all[i], all[i].partly ? "partly used" : words(all[i].fill));
      i = end;
    }
    body_ += "<rect class=\"allot-frame\"" + number("x", left_) + number("y", y_) +
             number("width", count) + number("height", bar) + "/>\n";
    if (!strip.caption.empty())
      write(left_ + count + gap, strip.caption);
    y_ += bar + 2;
    draw_marks(strip, count);
    if (strip.reserved != 0) {
      write(left_, "behind it: " + in_units(strip.reserved) + " of addresses");
      y_ += line;
    }
    y_ += gap;
  }

  void draw_marks(const Strip& strip, std::size_t count) {
    std::vector<std::size_t> taken; // of each line, up to where
    constexpr std::size_t most_lines = 6;
    for (const Mark& mark : strip.marks) {
      const std::size_t bytes = std::max<std::size_t>(strip.bytes(), 1);
      const auto x =
          left_ + static_cast<std::size_t>(static_cast<double>(mark.offset) /
                                           static_cast<double>(bytes) * static_cast<double>(count));
      const std::string text = mark.text + ": " + grouped(mark.offset);
      const std::size_t wide = text.size() * letter;
      const std::size_t from = x + gap + wide < width ? x : width - gap - wide;
      std::size_t row = 0;
      while (row != taken.size() && taken[row] > from)
        ++row;
      if (row == most_lines)
        continue;
      if (row == taken.size())
        taken.push_back(0);
      taken[row] = from + wide + gap;
      const std::size_t below = y_ + row * line;
      body_ += "<line class=\"allot-mark\"" + number("x1", x) + number("y1", y_ - bar - 2) +
               number("x2", x) + number("y2", below + 14) + "/>\n";
      write_at(from + 4, below, text, "allot-text");
    }
    y_ += taken.size() * line;
  }

  void draw_bitmap(const Strip& strip) {
    if (!strip.label.empty()) {
      write(margin, strip.label);
      y_ += line;
    }
    const Grid grid = detail::grid(strip.bytes() / strip.unit, 64);
    const std::vector<Cell> all = cells_of(strip, grid.units_in_cell * strip.unit);
    constexpr std::size_t side = 12;
    for (std::size_t i = 0; i != all.size(); ++i) {
      const std::size_t first = i * grid.units_in_cell;
      std::string told = grouped(first);
      if (grid.units_in_cell != 1)
        told += " to " + grouped(first + grid.units_in_cell - 1);
      told += std::string(": ") + (all[i].partly ? "partly used" : words(all[i].fill));
      box(margin + i % grid.cells_in_row * (side + 1), y_ + i / grid.cells_in_row * (side + 1),
          side, side, all[i], told);
    }
    const std::size_t rows = (all.size() + grid.cells_in_row - 1) / grid.cells_in_row;
    y_ += rows * (side + 1) + gap;
    if (grid.units_in_cell != 1) {
      write(margin, "each is " + grouped(grid.units_in_cell) + " of them");
      y_ += line;
    }
  }

  void draw_legend() {
    std::size_t x = margin;
    const auto add = [&](const Cell& cell, const std::string& meaning) {
      box(x, y_ + 4, 14, 14, cell);
      write(x + 14 + gap, meaning);
      x += 14 + 3 * gap + meaning.size() * letter;
    };
    for (std::size_t i = 0; i != fills; ++i)
      if (seen_[i])
        add({static_cast<Fill>(i), false}, words(static_cast<Fill>(i)));
    if (partly_)
      add({Fill::used, true}, "partly used");
    if (x != margin)
      y_ += line;
  }

  // What the picture shows, in words.
  [[nodiscard]] std::string description() const {
    std::string told;
    for (const Strip& strip : picture_.strips) {
      std::size_t bytes[fills] = {};
      for (const Segment& segment : strip.segments)
        bytes[static_cast<std::size_t>(segment.fill)] += segment.bytes;
      if (!strip.label.empty())
        told += strip.label + ": ";
      for (std::size_t i = 0; i != fills; ++i)
        if (bytes[i] != 0)
          told += grouped(bytes[i]) + " bytes " + words(static_cast<Fill>(i)) + "; ";
      for (const Mark& mark : strip.marks)
        told += mark.text + " at " + grouped(mark.offset) + "; ";
    }
    for (const std::string& note : picture_.notes)
      told += note + "; ";
    if (told.size() > 2)
      told.resize(told.size() - 2);
    return told;
  }

  const Picture& picture_;
  std::string body_;
  std::size_t y_ = margin;
  std::size_t left_ = 0; // where strips begin
  std::size_t most_ = 0; // pixels of the longest
  std::size_t longest_ = 0;
  bool seen_[fills] = {};
  bool partly_ = false;
};

std::string to_svg(const Picture& picture) {
  return Svg(picture).draw();
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
