// The document's lines, trimmed and collected until something is closed, then handed on together.
#include "jobs.hpp"

#include <allot/object_pool.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tour {
namespace {

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos)
    return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

bool closes(std::string_view line) {
  if (line.ends_with(','))
    line.remove_suffix(1);
  return line.ends_with('}') || line.ends_with(']');
}

/// `Batch` has `add(text)` for a line, and `hand_on(values)` for those that were added.
template <class Batch>
void collect_lines(std::string_view text, Batch& batch, Values& values) {
  for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    batch.add(line);
    if (closes(line))
      batch.hand_on(values);
  }
  batch.hand_on(values);
}

Job::Turn with_strategy(const Input& input) {
  struct Batch {
    allot::ObjectPool<std::string> pool;
    std::vector<std::string*> lines;
    void add(std::string_view text) {
      lines.push_back(&pool.acquire());
      lines.back()->assign(text);
    }
    void hand_on(Values& to) {
      for (std::string* line : lines) {
        to.text(*line);
        pool.give_back(*line);
      }
      lines.clear();
    }
  };
  const auto batch = std::make_shared<Batch>(Batch{allot::ObjectPool<std::string>(16), {}});
  return [&input, batch](Values& values) { collect_lines(input.text, *batch, values); };
}

Job::Turn with_malloc(const Input& input) {
  struct Batch {
    std::vector<std::string> lines;
    void add(std::string_view text) { lines.emplace_back(text); }
    void hand_on(Values& to) {
      for (const std::string& line : lines)
        to.text(line);
      lines.clear();
    }
  };
  const auto batch = std::make_shared<Batch>();
  return [&input, batch](Values& values) { collect_lines(input.text, *batch, values); };
}

} // namespace

constinit const Job object_pool_job{"object pool",
                                    "line buffers recycled",
                                    "a new std::string a line",
                                    with_strategy,
                                    with_malloc,
                                    "a buffer keeps its room",
                                    "short lines fit into strings",
                                    "objects that are cheap to make"};

} // namespace tour
