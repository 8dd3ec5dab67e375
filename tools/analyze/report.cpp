#include "report.hpp"

#include "../text.hpp"
#include "naming.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace analyze {
namespace {

constexpr std::size_t rows = 15; // of a table
constexpr std::size_t longest_name = 48;

double percent(std::uint64_t of, std::uint64_t all) {
  return all == 0 ? 0 : 100 * static_cast<double>(of) / static_cast<double>(all);
}

double average(std::uint64_t sum, std::uint64_t n) {
  return n == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(n);
}

/// What is known of all sites of one function.
struct Totals {
  std::uint64_t calls = 0;
  std::uint64_t bytes = 0;
  std::uint64_t deaths = 0;
  std::uint64_t ages = 0;
  std::uint64_t foreign = 0;
  std::uint64_t growths = 0;
  std::uint64_t out_of_order = 0; // calls at sites that aren't in order
  std::uint64_t min_size = ~std::uint64_t{0};
  std::uint64_t max_size = 0;

  void add(const Lives& lives) {
    calls += lives.calls;
    bytes += lives.bytes;
    deaths += lives.deaths;
    ages += lives.ages;
    foreign += lives.foreign;
    growths += lives.growths;
    out_of_order += lives.in_order() ? 0 : lives.calls;
    min_size = std::min(min_size, lives.min_size);
    max_size = std::max(max_size, lives.max_size);
  }
};

void print_sums(std::FILE* out, const trace::Trace& trace, const Lifetimes& all) {
  fmt::print(out, "{}: {} events\n", trace.program().path, trace.events());
  fmt::print(out, "  {} allocations, {} bytes, at most {} bytes at once\n", all.calls, all.bytes,
             all.peak_bytes);
  fmt::print(out, "  {} given back, {} moved, {} left ({} bytes), {} of unknown origin\n",
             all.releases, all.reallocations, all.left, all.left_bytes, all.unknown);
  fmt::print(out, "  {} threads; {} given back by another thread\n", all.threads, all.foreign);
}

void print_sizes(std::FILE* out, const Lifetimes& all) {
  std::array<std::uint64_t, 64> calls{};
  for (const Lives& lives : all.sites)
    if (lives.calls != 0)
      calls[static_cast<std::size_t>(std::bit_width(lives.bytes / lives.calls))] += lives.calls;
  fmt::print(out, "\nSizes, by a site's average\n");
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (calls[i] != 0)
      fmt::print(out, "  below {:>12} bytes {:>5.1f} %\n", std::uint64_t{1} << i,
                 percent(calls[i], all.calls));
}

void print_sites(std::FILE* out, const Lifetimes& all, Naming& naming) {
  std::map<std::string, Totals> by_function;
  for (std::uint32_t site = 0; site < all.sites.size(); ++site)
    if (all.sites[site].calls != 0)
      by_function[naming.asker(site).function].add(all.sites[site]);
  std::vector<std::pair<std::string, Totals>> functions(by_function.begin(), by_function.end());
  std::stable_sort(functions.begin(), functions.end(),
                   [](const auto& a, const auto& b) { return a.second.calls > b.second.calls; });
  if (functions.size() > rows)
    functions.resize(rows);
  fmt::print(out, "\n{:<48} {:>6} {:>6} {:>15} {:>9} {:>6} {:>6} {:>6} {:>6}\n", "Allocated in",
             "calls", "bytes", "sizes", "age", "left", "LIFO", "grown", "other");
  for (const auto& [name, t] : functions)
    fmt::print(
        out, "{:<48} {:>5.1f}% {:>5.1f}% {:>15} {:>9.0f} {:>5.0f}% {:>5.0f}% {:>5.0f}% {:>5.0f}%\n",
        shortened(name, longest_name), percent(t.calls, all.calls), percent(t.bytes, all.bytes),
        t.min_size == t.max_size ? fmt::format("{}", t.min_size)
                                 : fmt::format("{}-{}", t.min_size, t.max_size),
        average(t.ages, t.deaths), percent(t.calls - std::min(t.deaths, t.calls), t.calls),
        percent(t.calls - t.out_of_order, t.calls), percent(t.growths, t.calls),
        percent(t.foreign, t.calls));
  fmt::print(out, "Age: events from an allocation to its end. LIFO: at sites where the newest goes "
                  "first. Grown: for\nthe content of a smaller block. Other: given back by another "
                  "thread.\n");
}

void print_scopes(std::FILE* out, const trace::Trace& trace, const Stacks& stacks,
                  const Lifetimes& all, Naming& naming) {
  Scopes scopes(trace, stacks, all, all.calls / 50,
                [&](std::uint64_t start) { return naming.nameable(start); });
  std::vector<const Scope*> found;
  for (const Scope& scope : scopes.measured())
    if (scope.choice != Choice::ordered && scope.epochs != 0 &&
        scope.turns * 10 >= scope.epochs * 9)
      found.push_back(&scope);
  std::stable_sort(found.begin(), found.end(),
                   [](const Scope* a, const Scope* b) { return a->calls > b->calls; });
  if (found.size() > rows)
    found.resize(rows);
  fmt::print(out, "\n{:<48} {:>6} {:>6} {:>10} {:>10} {:>12} {:>12}\n", "Dies inside of", "calls",
             "bytes", "epochs", "calls each", "most bytes", "most live");
  for (const Scope* const scope : found)
    fmt::print(out, "{:<48} {:>5.1f}% {:>5.1f}% {:>10} {:>10.1f} {:>12} {:>12}\n",
               shortened(naming.function(stacks.functions()[scope->function]), longest_name),
               percent(scope->calls, all.calls), percent(scope->bytes, all.bytes), scope->epochs,
               average(scope->calls, scope->epochs), scope->max_bytes, scope->max_live);
  fmt::print(out,
             "An epoch is a time in which any of the blocks lives; their most bytes are of all "
             "that one allocates.\nOne function can have several sets of blocks that die "
             "inside of it, and sets can overlap.\n");
}

} // namespace

void print_facts(std::FILE* out, const trace::Trace& trace, const Stacks& stacks,
                 const Lifetimes& lifetimes, symbols::Symbols& symbols) {
  Naming naming(symbols, stacks, lifetimes);
  print_sums(out, trace, lifetimes);
  if (lifetimes.calls == 0)
    return;
  print_sizes(out, lifetimes);
  print_sites(out, lifetimes, naming);
  print_scopes(out, trace, stacks, lifetimes, naming);
}

} // namespace analyze
