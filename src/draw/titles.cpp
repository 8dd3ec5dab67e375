#include <allot/draw/titles.hpp>

#include <allot/base/size.hpp>
#include <allot/draw/figures.hpp>

#include <utility>

namespace allot {
inline namespace ALLOT_ABI {
namespace detail {

std::string who(Label label) {
  std::string text = label.kind;
  if (label.name != nullptr)
    text.append(" \"").append(shown(label.name)).append("\"");
  return text.append(": ");
}

std::string out_of(std::size_t part, std::size_t all) {
  return grouped(part).append(" of ").append(grouped(all));
}

std::string title_of(Label label, const Stats& stats) {
  return who(label)
      .append(out_of(stats.used, stats.capacity))
      .append(" bytes used, ")
      .append(grouped(stats.available))
      .append(" left, peak ")
      .append(grouped(stats.peak));
}

std::string of_bytes(std::size_t bytes) {
  return std::string(" of ").append(counted(bytes, "byte"));
}

Picture released(Label label) {
  return {who(label).append("released, or moved from"), {}};
}

std::string record_name(std::size_t number) {
  return number == max_size ? "scope" : std::string("checkpoint ").append(grouped(number));
}

void note_objects(Picture& picture, std::size_t objects) {
  if (objects != 0)
    picture.notes.push_back(counted(objects, "object").append(" to destroy"));
}

void add_classes(Picture& picture, std::span<const ClassStats> classes) {
  for (const auto& [bytes, used, available] : classes) {
    if (used + available == 0)
      continue;
    Strip strip{in_units(bytes).append(" blocks"), out_of(used, used + available)};
    strip.add(Fill::used, used * bytes);
    strip.add(Fill::free, available * bytes);
    picture.strips.push_back(std::move(strip));
  }
}

} // namespace detail
} // namespace ALLOT_ABI
} // namespace allot
