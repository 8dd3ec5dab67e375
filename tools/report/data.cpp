#include "data.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <sys/wait.h>

#include "epochs.hpp"
#include "flame.hpp"
#include "json.hpp"
#include "memory.hpp"
#include "places.hpp"

#include "../advise/report.hpp"

namespace report {
namespace {

// What is shown at most.
constexpr std::size_t points = 1000;
constexpr std::size_t series = 12;
constexpr std::size_t places_shown = 60;
constexpr std::size_t functions = 30; // inside of which blocks die
constexpr std::size_t flame_nodes = 2500;
constexpr std::size_t epoch_blocks = 400;
constexpr std::size_t argument_bytes = 2000; // of all arguments
constexpr std::size_t modules = 50;
// Bytes of texts.
constexpr std::size_t long_name = 300;
constexpr std::size_t flame_name = 120;

std::string status_text(const trace::Trace& trace) {
  if (!trace.footer())
    return {};
  const int status = trace.footer()->status;
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit {}", WEXITSTATUS(status));
}

class Data {
public:
  Data(const advise::Inputs& in, const advise::Advice& advice, const Trial& trial)
      : in_(in), advice_(advice), trial_(trial), naming_(in.symbols, in.stacks, in.lifetimes),
        places_(in, advice, naming_, places_shown) {}

  std::string json() {
    json_.object([&] {
      json_.put("version", 1);
      json_.object("program", [&] { put_program(); });
      json_.object("memory", [&] { put_memory(); });
      json_.object("lifetimes", [&] { put_lifetimes(); });
      json_.object("flame", [&] { put_flame(); });
      put_sites();
      put_entries();
      json_.writer.Key("trial");
      trial_.json().Accept(json_.writer);
    });
    return json_.for_script();
  }

private:
  void put_text(const char* key, const std::string& text, std::size_t most = long_name,
                bool tail = false) {
    json_.put(key, Json::shown(text, most, tail));
  }

  void put_name(const analyze::Naming::Name& name) {
    put_text("function", name.function);
    put_text("location", name.location, long_name, true);
  }

  void put_program() {
    const analyze::Lifetimes& all = in_.lifetimes;
    put_text("path", in_.trace.program().path, long_name, true);
    json_.list("arguments", [&] {
      std::size_t left = argument_bytes;
      for (const std::string& argument : in_.trace.program().arguments) {
        const std::string text = Json::shown(argument, long_name);
        if (text.size() + 1 > left) {
          json_.put(std::string("..."));
          break;
        }
        left -= text.size() + 1;
        json_.put(text);
      }
    });
    const std::vector<trace::Stamp> stamps = in_.trace.stamps();
    json_.put("status", status_text(in_.trace));
    json_.put("cut_short", !in_.trace.footer().has_value());
    json_.put("processor_seconds", advice_.processor_seconds);
    json_.put("seconds", stamps.empty() ? 0.0 : static_cast<double>(stamps.back().ns) / 1e9);
    json_.put("threads", all.threads);
    json_.put("events", in_.trace.events());
    json_.put("calls", all.calls);
    json_.put("bytes", all.bytes);
    json_.put("calls_per_cpu_second", advice_.calls_per_second());
    json_.put("malloc_at_most", 100 * advice_.at_most());
    json_.put("pair_ns", advice_.pair_ns);
    json_.put("peak_bytes", all.peak_bytes);
    json_.put("peak_resident",
              in_.trace.footer() ? in_.trace.footer()->peak_resident : std::uint64_t{0});
    json_.put("releases", all.releases);
    json_.put("reallocations", all.reallocations);
    json_.put("left_blocks", all.left);
    json_.put("left_bytes", all.left_bytes);
    json_.put("foreign", all.foreign);
    json_.put("unknown", all.unknown);
    json_.list("without_names", [&] {
      const auto& changed = in_.symbols.changed();
      for (std::size_t i = 0; i < std::min(modules, changed.size()); ++i)
        json_.put(Json::shown(changed[i], long_name, true));
    });
  }

  /// Series of at most so many things, those with the highest peak; the last one has the others.
  void put_series(const char* key, const char* number, std::vector<std::vector<std::uint64_t>> all,
                  std::size_t most) {
    std::vector<std::pair<std::uint64_t, std::size_t>> peaks;
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
      peaks.emplace_back(all[i].empty() ? 0 : *std::max_element(all[i].begin(), all[i].end()), i);
    std::stable_sort(peaks.begin(), peaks.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (; peaks.size() > most; peaks.pop_back())
      for (std::size_t at = 0; at < all.back().size(); ++at)
        all.back()[at] += all[peaks.back().second][at];
    json_.list(key, [&] {
      const auto put_one = [&](int n, const std::vector<std::uint64_t>& live) {
        json_.object([&] {
          json_.put(number, n);
          json_.list_of("live", live);
        });
      };
      for (const auto& [peak, i] : peaks)
        put_one(static_cast<int>(i), all[i]);
      put_one(none, all.back());
    });
  }

  void put_memory() {
    Memory memory = measure_memory(in_, places_, points);
    json_.put("unit", std::string(memory.in_seconds ? "seconds" : "events"));
    json_.list_of("at", memory.at);
    json_.list_of("live", memory.live);
    put_series("by_entry", "entry", std::move(memory.by_entry), advice_.entries.size());
    put_series("by_site", "site", std::move(memory.by_place), series);
  }

  void put_lifetimes() {
    const std::vector<EntryAges> entries = measure_ages(in_, places_);
    std::size_t bins = 1;
    for (const EntryAges& ages : entries)
      for (const Ages* const of : {&ages.events, &ages.allocated})
        for (std::size_t bin = 0; bin < of->blocks.size(); ++bin)
          bins = of->blocks[bin] == 0 ? bins : std::max(bins, bin + 1);
    const auto put_ages = [&](const char* key, Ages EntryAges::*ages) {
      json_.list(key, [&] {
        for (std::size_t i = 0; i < entries.size(); ++i)
          json_.object([&] {
            json_.put("entry", i + 1 == entries.size() ? none : static_cast<int>(i));
            json_.list_of("blocks", std::span((entries[i].*ages).blocks).first(bins));
            json_.list_of("bytes", std::span((entries[i].*ages).bytes).first(bins));
            json_.put("left_blocks", entries[i].left_blocks);
            json_.put("left_bytes", entries[i].left_bytes);
          });
      });
    };
    put_ages("events", &EntryAges::events);
    put_ages("bytes", &EntryAges::allocated);

    const Graves graves = find_graves(in_, naming_);
    const std::size_t shown = std::min(functions, graves.functions.size());
    json_.list("scopes", [&] {
      for (const Grave& grave : std::span(graves.functions).first(shown))
        json_.object([&] {
          put_name(grave.function);
          json_.put("blocks", grave.blocks);
        });
    });
    std::uint64_t others = 0;
    for (const Grave& grave : std::span(graves.functions).subspan(shown))
      others += grave.blocks;
    json_.put("other_scopes", others);
    json_.put("no_scope", graves.none);
  }

  void put_flame() {
    const Flame flame = draw_flame(in_, places_, naming_, flame_nodes);
    std::map<std::string, int> numbers;
    std::vector<std::string> names;
    const auto number = [&](const std::string& name) {
      const auto [found, made] = numbers.try_emplace(name, static_cast<int>(names.size()));
      if (made)
        names.push_back(name);
      return found->second;
    };
    using Node = Flame::Node;
    json_.list_of("parent", flame.nodes, [](const Node& node) { return node.parent; });
    json_.list_of("name", flame.nodes,
                  [&](const Node& node) { return number(Json::shown(node.name, flame_name)); });
    json_.list_of("location", flame.nodes, [&](const Node& node) {
      return node.location.empty() ? none : number(Json::shown(node.location, flame_name, true));
    });
    json_.list_of("calls", flame.nodes, [](const Node& node) { return node.calls; });
    json_.list_of("bytes", flame.nodes, [](const Node& node) { return node.bytes; });
    json_.list_of("entry", flame.nodes, [](const Node& node) { return node.entry; });
    json_.list_of("names", names);
  }

  void put_sites() {
    json_.list("sites", [&] {
      for (const Place& place : places_.largest())
        json_.object([&] {
          put_name(place.name);
          put_text("module", place.name.module, long_name, true);
          json_.put("entry", place.entry);
          json_.put("calls", place.calls);
          json_.put("bytes", place.bytes);
          json_.put("min_size", place.min_size);
          json_.put("max_size", place.max_size);
          json_.put("most_live_bytes", place.most_live_bytes);
          json_.put("mean_age", place.deaths == 0 ? 0.0
                                                  : static_cast<double>(place.ages) /
                                                        static_cast<double>(place.deaths));
          json_.put("left", place.calls - std::min(place.calls, place.deaths));
          json_.put("moves", place.moves);
          json_.put("growths", place.growths);
          json_.put("foreign", place.foreign);
          json_.put("escapes", place.escapes);
          json_.put("threads", std::popcount(place.threads));
        });
    });
    json_.put("more_sites", std::uint64_t{places_.others()});
    json_.put("more_calls", places_.rest().calls);
    json_.put("more_bytes", places_.rest().bytes);
  }

  void put_entries() {
    const auto epochs = find_epochs(in_, advice_, places_, epoch_blocks);
    json_.list("entries", [&] {
      for (std::size_t i = 0; i < advice_.entries.size(); ++i)
        json_.object([&] { put_entry(i, epochs[i]); });
    });
  }

  void put_entry(std::size_t number, const std::optional<Epoch>& epoch) {
    const advise::Entry& entry = advice_.entries[number];
    json_.put("kind", std::string(advise::name_of(entry.kind)));
    put_name({entry.function, entry.module, entry.location});
    put_text("module", entry.module, long_name, true);
    json_.put("calls", entry.calls);
    json_.put("bytes", entry.bytes);
    json_.put("share_of_calls", advice_.share(entry.calls));
    json_.put("share_of_bytes", advice_.bytes == 0 ? 0.0
                                                   : static_cast<double>(entry.bytes) /
                                                         static_cast<double>(advice_.bytes));
    json_.put("epochs", entry.epochs);
    json_.put("max_bytes", entry.max_bytes);
    json_.put("max_live", entry.max_live);
    json_.put("block_bytes", entry.block_bytes);
    json_.put("most_blocks", entry.most_blocks);
    json_.put("escapes", entry.escapes);
    json_.put("threads", entry.threads);
    json_.list_of("allocated_in", entry.sites,
                  [](const std::string& name) { return Json::shown(name, long_name); });
    json_.put("more_places", std::uint64_t{entry.more_sites});
    json_.list("sites", [&] {
      for (std::size_t i = 0; i < places_.largest().size(); ++i)
        if (places_.largest()[i].entry == static_cast<int>(number))
          json_.put(static_cast<int>(i));
    });
    json_.put("lines", advise::lines_to_write(entry));
    json_.writer.Key("epoch");
    if (epoch)
      json_.object([&] { put_epoch(*epoch); });
    else
      json_.writer.Null();
    json_.put("trial", trial_.of_entry(number));
  }

  void put_epoch(const Epoch& epoch) {
    json_.put("number", epoch.number);
    json_.put("thread", epoch.thread);
    json_.put("begin", epoch.begin);
    json_.put("span", epoch.span);
    json_.put("blocks", epoch.blocks);
    json_.put("bytes", epoch.bytes);
    json_.put("others", epoch.others);
    json_.put("other_bytes", epoch.other_bytes);
    json_.put("outliving", epoch.outliving);
    using Drawn = EpochBlock;
    json_.list_of("birth", epoch.drawn, [](const Drawn& block) { return block.birth; });
    json_.list_of("death", epoch.drawn, [](const Drawn& block) { return block.death; });
    json_.list_of("size", epoch.drawn, [](const Drawn& block) { return block.size; });
    json_.list_of("site", epoch.drawn, [](const Drawn& block) { return block.place; });
    json_.list_of("own", epoch.drawn, [](const Drawn& block) { return block.own ? 1 : 0; });
    json_.list_of("outlives", epoch.drawn,
                  [](const Drawn& block) { return block.outlives ? 1 : 0; });
  }

  const advise::Inputs& in_;
  const advise::Advice& advice_;
  const Trial& trial_;
  analyze::Naming naming_;
  Places places_;
  Json json_;
};

} // namespace

std::string data_json(const advise::Inputs& inputs, const advise::Advice& advice,
                      const Trial& trial) {
  return Data(inputs, advice, trial).json();
}

} // namespace report
